"""The manifest: there is one way to write it, and none to leave something out or to contradict oneself."""

from datetime import timedelta
from typing import Any

import orjson
import pytest
from pydantic import ValidationError

from distill_platform.core.canon import sha256_hex
from distill_platform.core.errors import ArtifactMalformed
from distill_platform.models.artifacts.manifest import ArtifactManifest, Period, parse_manifest
from distill_platform_tests.models.made_models import FILES, LINE, MONDAY, draft, reference, weeks

BLEND: dict[str, Any] = {
    "type": "ensemble",
    "ensemble_policy": "blend_alpha_0.35",
    "ensemble_alpha": 0.35,
    "parents": [reference("teacher", "1"), reference("student", "2")],
}


def written(**changes: Any) -> bytes:
    """Return a manifest's JSON in canonical form with some keys changed, or left out where the change is `...`."""
    document = orjson.loads(draft().with_files(FILES).to_bytes()) | changes
    kept = {key: value for key, value in document.items() if value is not ...}
    return orjson.dumps(kept, option=orjson.OPT_SORT_KEYS)


def test_a_manifest_reads_back_as_it_was_written() -> None:
    manifest = draft().with_files(FILES)
    assert parse_manifest(manifest.to_bytes()) == manifest
    assert manifest.reference.artifact_sha256 == sha256_hex(manifest.to_bytes())


def test_the_hash_depends_on_every_field() -> None:
    plain = draft().with_files(FILES).reference.artifact_sha256
    for change in ({"seed": 8}, {"trial_count": 41}, {"version": "2"}, {"normalization": None}, {"folds": []}):
        assert draft(**change).with_files(FILES).reference.artifact_sha256 != plain
    assert draft().with_files({**FILES, "scales.json": b"{}"}).reference.artifact_sha256 != plain


@pytest.mark.parametrize("key", sorted(ArtifactManifest.model_fields))
def test_nothing_has_a_default(key: str) -> None:
    with pytest.raises(ArtifactMalformed, match=f"{key}: Field required"):
        parse_manifest(written(**{key: ...}))


def test_an_unknown_key_is_named_with_the_nearest_known_one() -> None:
    with pytest.raises(ArtifactMalformed, match=r"trial_counts: unknown key.*'trial_count'"):
        parse_manifest(written(trial_counts=1))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"null",
        b"[]",
        b"{",
        written() + b"\n",
        written().replace(b'"seed":7', b'"seed": 7'),
        written().replace(b'"seed":7', b'"seed":7.0'),
        written().replace(b'"seed":7', b'"seed":7,"seed":7'),
        written().replace(b'"seed":7', b'"seed":"7"'),
        written().replace(b'"seed":7', b'"seed":true'),
        written().replace(b'"seed":7', b'"seed":NaN'),
        written().replace(b"T00:00:00Z", b"T00:00:00+00:00", 1),
        written().replace(b"T00:00:00Z", b"T00:00:00", 1),
        written().replace(b'"ridge"', b'"pickle"'),
        written().replace(b'"version":"2026', b'"version":"\xff2026'),
    ],
)
def test_other_bytes_are_no_manifest(data: bytes) -> None:
    with pytest.raises(ArtifactMalformed):
        parse_manifest(data)


@pytest.mark.parametrize(
    "name",
    [
        "model.pkl", "model.pt", "../ridge.json", "a/b.json", ".json", "manifest.json", "manifest.sig", "RIDGE.JSON",
        "model.txt", "model.json.gz", "ridge.json\n", "rid\u0261e.json", "",
    ],
)  # fmt: skip
def test_only_formats_that_run_no_code_are_sealed(name: str) -> None:
    with pytest.raises(ArtifactMalformed, match="no name of a model file"):
        draft().with_files({name: b"x"})


def test_an_artifact_without_files_or_with_an_empty_one_is_none() -> None:
    for files in ({}, {"ridge.json": b""}):
        with pytest.raises(ArtifactMalformed):
            draft().with_files(files)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"data_range": weeks(-20, -7)}, "before the validation window starts"),
        ({"data_range": {"start": MONDAY, "end": MONDAY}}, "end after it starts"),
        ({"data_range": {"start": MONDAY.replace(tzinfo=None), "end": MONDAY}}, "zone"),
        (
            {"windows": {"search": weeks(-20, -8), "validation": weeks(-9, -4), "forward": weeks(-4, 0)}},
            "follow each other",
        ),
        ({"feature_names": ["a", "a"]}, "named twice"),
        ({"feature_names": []}, "at least 1 item"),
        ({"line": "../up"}, "pattern"),
        ({"version": ""}, "pattern"),
        ({"trial_count": 0}, "greater than or equal to 1"),
        ({"ensemble_alpha": 0.5}, "an ensemble, and nothing else"),
        ({"type": "ensemble"}, "an ensemble, and nothing else"),
        (BLEND | {"parents": []}, "an ensemble, and nothing else"),
        (BLEND | {"ensemble_alpha": 0.4}, "not that of blend_alpha_0.35"),
        (BLEND | {"ensemble_policy": "tabular_only"}, "not that of tabular_only"),
        (BLEND | {"ensemble_policy": "best_of_both"}, "no ensemble policy"),
        (BLEND | {"ensemble_alpha": float("nan")}, "finite"),
        (BLEND | {"parents": [reference("teacher").model_copy(update={"line": "other"})]}, "same line"),
    ],
)
def test_a_draft_that_contradicts_itself_is_refused(change: dict[str, Any], said: str) -> None:
    with pytest.raises(ValidationError, match=said):
        draft(**change)


def test_numbers_that_json_does_not_have_are_not_sealed() -> None:
    with pytest.raises(ArtifactMalformed, match="nan is not a JSON number"):
        draft(folds=[{"ic": float("nan")}]).with_files(FILES)


@pytest.mark.parametrize(("policy", "alpha"), [("blend_alpha_0.35", 0.35), ("tabular_only", 1.0), ("nn_only", 0.0)])
def test_an_ensemble_s_alpha_is_that_of_its_policy(policy: str, alpha: float) -> None:
    manifest = draft(**BLEND | {"ensemble_policy": policy, "ensemble_alpha": alpha}).with_files(FILES)
    assert parse_manifest(manifest.to_bytes()) == manifest


def test_other_zones_and_nanoseconds_are_the_same_moments() -> None:
    tomorrow = MONDAY + timedelta(days=1)
    start_ns, end_ns = (int(moment.timestamp()) * 10**9 for moment in (MONDAY, tomorrow))
    assert Period.of_ns(start_ns, end_ns) == Period(start=MONDAY, end=tomorrow)
    assert Period.of_ns(start_ns, end_ns + 1).end == tomorrow + timedelta(microseconds=1)
    assert draft().line == LINE
