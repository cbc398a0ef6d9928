"""Loading: what was sealed scores as it did, and what its manifest does not say is not loaded."""

import os
import subprocess
import sys
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from distill_platform.core.errors import ArtifactAltered, ArtifactMalformed, ArtifactMisplaced, ArtifactRefused
from distill_platform.models.artifacts.loading import load_model, load_scorer
from distill_platform.models.artifacts.manifest import ArtifactReference
from distill_platform.models.artifacts.store import ArtifactStore
from distill_platform.models.boosting import TREES_FILE, BoostingSettings, fit_boosting
from distill_platform.models.ensemble import Ensemble
from distill_platform.models.policy import Policy
from distill_platform.models.ridge import RidgeSettings, fit_ridge
from distill_platform.models.scoring import Scorer
from distill_platform_tests.models.made_frames import HOUR, made_frame
from distill_platform_tests.models.made_models import draft, weeks

ROOT = str(Path(__file__).parents[3])
FRAME = made_frame(bars=300, edge=0.5)
NAMES = ("x0", "x1")


@cache
def model(kind: str) -> Scorer:
    if kind == "ridge":
        return fit_ridge(FRAME, NAMES, RidgeSettings())
    if kind == "lightgbm":
        return fit_boosting(FRAME, NAMES, BoostingSettings(rounds=5, min_rows_per_leaf=20), seed=1)
    from distill_platform.models.tsmixer.settings import Device, StudentSettings
    from distill_platform.models.tsmixer.training import fit_student

    settings = StudentSettings(length=4, blocks=1, hidden=4, epochs=1, device=Device.CPU)
    return fit_student(FRAME, NAMES, settings, HOUR).student


def sealed(store: ArtifactStore, kind: str, **changes: Any) -> ArtifactReference:
    """Return the reference of a small model of one kind, fitted and sealed."""
    plain = {"type": kind, "name": kind, "feature_names": list(NAMES)}
    return store.seal(draft(**plain | changes), model(kind).files()).reference


def blend(store: ArtifactStore, parents: list[ArtifactReference], **changes: Any) -> ArtifactReference:
    """Return the reference of an ensemble of sealed models, which weighs both alike."""
    ensemble = Ensemble(Policy(50), model("ridge"), model("tsmixer"), 1.0, 1.0, 1.0)  # type: ignore[arg-type]
    plain = {
        "type": "ensemble",
        "name": "blend",
        "feature_names": list(NAMES),
        "ensemble_policy": "blend_alpha_0.50",
        "ensemble_alpha": 0.5,
        "parents": parents,
    }
    return store.seal(draft(**plain | changes), ensemble.files()).reference


@pytest.mark.parametrize("kind", ["ridge", "lightgbm", "tsmixer"])
def test_a_model_scores_after_sealing_as_it_did_before(store: ArtifactStore, kind: str) -> None:
    loaded = load_model(store, sealed(store, kind))
    assert (loaded.scorer.kind, loaded.members) == (kind, ())
    np.testing.assert_array_equal(loaded.scorer.scores(FRAME.features), model(kind).scores(FRAME.features))


def test_an_ensemble_scores_through_its_members(store: ArtifactStore) -> None:
    parents = [sealed(store, "ridge"), sealed(store, "tsmixer")]
    loaded = load_model(store, blend(store, parents))
    assert [member.reference for member in loaded.members] == parents
    expected = 0.5 * model("ridge").scores(FRAME.features) + 0.5 * model("tsmixer").scores(FRAME.features)
    np.testing.assert_allclose(loaded.scorer.scores(FRAME.features), expected)


def test_an_ensemble_with_an_altered_member_is_refused(store: ArtifactStore) -> None:
    parents = [sealed(store, "ridge"), sealed(store, "tsmixer")]
    reference = blend(store, parents)
    file = store.root / parents[0].line / parents[0].artifact_sha256 / "ridge.json"
    file.write_bytes(file.read_bytes().replace(b"1", b"2", 1))
    with pytest.raises(ArtifactAltered):
        load_model(store, reference)


def test_an_ensemble_takes_its_own_members_only(store: ArtifactStore) -> None:
    ridge, student = sealed(store, "ridge"), sealed(store, "tsmixer")
    verified = store.open(blend(store, [ridge, student]))
    for members in ([], [ridge], [student, ridge], [sealed(store, "ridge", version="2"), student]):
        with pytest.raises(ArtifactMisplaced, match="other members"):
            load_scorer(verified, [store.open(member) for member in members])
    with pytest.raises(ArtifactMisplaced, match="other members"):
        load_scorer(store.open(ridge), [store.open(student)])


def test_members_are_one_tabular_model_and_one_network_of_one_schema(store: ArtifactStore) -> None:
    ridge, trees, student = (sealed(store, kind) for kind in ("ridge", "lightgbm", "tsmixer"))
    foreign = sealed(store, "ridge", version="2", feature_payload_schema_version="f" * 64)
    nested = blend(store, [ridge, student])
    for parents in ([ridge, trees], [foreign, student], [nested, student]):
        with pytest.raises(ArtifactRefused):
            load_model(store, blend(store, parents, version="2"))


@pytest.mark.parametrize(
    "change",
    [{"feature_names": ["x1", "x0"]}, {"feature_names": ["x0"]}],
)
def test_a_model_of_other_features_than_its_manifest_says_is_not_loaded(
    store: ArtifactStore, change: dict[str, Any]
) -> None:
    with pytest.raises(ArtifactMalformed, match="is not what its manifest says"):
        load_model(store, sealed(store, "ridge", **change))


def test_an_ensemble_of_another_policy_than_its_manifest_says_is_not_loaded(store: ArtifactStore) -> None:
    parents = [sealed(store, "ridge"), sealed(store, "tsmixer")]
    reference = blend(store, parents, ensemble_policy="blend_alpha_0.75", ensemble_alpha=0.75)
    with pytest.raises(ArtifactMalformed, match=r"the policy blend_alpha_0\.50"):
        load_model(store, reference)


def test_no_edit_of_a_tree_reaches_the_parser_of_trees(store: ArtifactStore) -> None:
    reference = sealed(store, "lightgbm")
    file = store.root / reference.line / reference.artifact_sha256 / TREES_FILE
    text = file.read_bytes()
    for place in [place for place, letter in enumerate(text) if letter in b"0123456789"][::97]:
        file.write_bytes(text[:place] + (b"1" if text[place : place + 1] != b"1" else b"2") + text[place + 1 :])
        with pytest.raises(ArtifactAltered):
            load_model(store, reference)


def test_verified_files_are_what_is_parsed_whatever_lies_on_disk_by_then(store: ArtifactStore) -> None:
    reference = sealed(store, "ridge")
    verified = store.open(reference)
    (store.root / reference.line / reference.artifact_sha256 / "ridge.json").write_bytes(b"{}")
    assert load_scorer(verified).feature_names == NAMES
    swapped = replace(verified, manifest=verified.manifest.model_copy(update={"feature_names": ["x9"]}))
    with pytest.raises(ArtifactMalformed):
        load_scorer(swapped)


def test_heavy_libraries_are_imported_when_a_model_needs_them() -> None:
    code = (
        "import sys, distill_platform.models.artifacts.loading, distill_platform.models.registry\n"
        "print({'torch', 'lightgbm', 'safetensors', 'cryptography', 'sklearn'} & sys.modules.keys())"
    )
    environment = os.environ | {"PYTHONPATH": ROOT}
    said = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    assert said.stdout.strip() == "set()"


def test_an_ensemble_s_members_have_not_seen_what_the_ensemble_is_judged_by(store: ArtifactStore) -> None:
    later = {"search": weeks(-20, -2), "validation": weeks(-2, 0), "forward": weeks(0, 4)}
    peeked = sealed(store, "ridge", version="2", data_range=weeks(-20, -2), windows=later)
    with pytest.raises(ArtifactMalformed, match="ridge ridge 2 was fitted on what it is judged by"):
        load_model(store, blend(store, [peeked, sealed(store, "tsmixer")]))
