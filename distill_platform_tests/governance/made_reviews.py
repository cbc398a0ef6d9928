"""Recommendations for tests."""

from __future__ import annotations

from typing import Any

from distill_platform.governance.recommendation import Recommendation


def recommendation(**changes: Any) -> Recommendation:
    """Return the recommendation of a canary, with changes."""
    plain: dict[str, Any] = {
        "subject": {"line": "btc_hourly", "artifact_sha256": "1" * 64},
        "action": "canary",
        "summary": "Let blend 1 serve 10 % of the units",
        "evidence": {"decision": "e" * 64},
        "world_id": "crypto_hourly",
        "keys_needed": 1,
        "approvers": ["Ada Lovelace", "grace@example.org", "Kurt Gödel"],
    }
    return Recommendation.model_validate(plain | changes)
