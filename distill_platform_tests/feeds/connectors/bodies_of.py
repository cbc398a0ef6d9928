"""Builders: origins and files that the tests of connectors read."""

from __future__ import annotations

import io
import json
import zipfile
from collections import Counter
from datetime import UTC, datetime
from typing import Any

from distill_platform.core.canon import sha256_hex
from distill_platform.feeds.feed import CONNECTORS, FeedConfig
from distill_platform.feeds.parsed import Parsed
from distill_platform.feeds.rejected import Origin, Reason

NOW = datetime(2026, 4, 20, 12, tzinfo=UTC)


def declared(connector: str, **changes: Any) -> Any:
    """A feed called `news` of that connector."""
    values = {"name": "news", "connector": connector, "data_regime": "prod_live", **changes}
    feed: FeedConfig = CONNECTORS[connector].model_validate(values)
    return feed


def origin(body: bytes, key: str, until: datetime = NOW) -> Origin:
    return Origin("news", key, sha256_hex(body), until)


def reasons(parsed: Parsed) -> Counter[Reason]:
    """How often each reason was given; after making sure that no row was lost."""
    assert parsed.rows_in == parsed.rows.num_rows + len(parsed.rejected) + parsed.off_topic
    return Counter(row.reason for row in parsed.rejected)


def zipped(*members: tuple[str, bytes], packing: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", packing) as archive:
        for name, content in members:
            archive.writestr(name, content)
    return buffer.getvalue()


def as_json(value: Any) -> bytes:
    return json.dumps(value).encode()
