"""A student is its files: read back it says the same, and files that are not a student's are refused."""

import subprocess
import sys

import numpy as np
import orjson
import pytest

from distill_platform.core.canon import dumps
from distill_platform.core.errors import ModelError
from distill_platform.models.frames import FeatureFrame
from distill_platform.models.scoring import Scorer
from distill_platform.models.tsmixer.student import Student
from distill_platform.models.tsmixer.training import fit_student
from distill_platform_tests.models.tsmixer.panels import HOUR, QUICK, START, panel, planted

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def student() -> Student:
    frame = planted(hours=600)
    return fit_student(frame, frame.features.names, QUICK, HOUR).student


@pytest.fixture(scope="module")
def frame() -> FeatureFrame:
    return panel(hours=60, seed=5)


def test_it_is_a_scorer(student: Student) -> None:
    scorer: Scorer = student
    assert scorer.kind == "tsmixer"
    assert scorer.feature_names == ("f0", "f1", "f2", "f3")
    assert (student.n_tokens, student.n_channels) == (8, 4)


def test_it_is_its_files(student: Student, frame: FeatureFrame) -> None:
    files = student.files()
    again = Student.from_files(files)
    np.testing.assert_array_equal(again.scores(frame), student.scores(frame))
    np.testing.assert_array_equal(again.contributions(frame), student.contributions(frame))
    assert again.files() == files
    assert set(files) == {"student.safetensors", "student.json"}
    assert orjson.loads(files["student.json"])["normalization"]["kind"] == "reversible_instance"


def test_it_scores_rows_with_a_whole_sequence_only(student: Student, frame: FeatureFrame) -> None:
    scores = student.scores(frame)
    assert np.isnan(scores[frame.ts < START + 7 * HOUR]).all()
    assert np.isfinite(scores[frame.ts >= START + 7 * HOUR]).all()


def test_over_an_outage_it_says_nothing(student: Student, frame: FeatureFrame) -> None:
    kept = frame.rows(frame.ts != START + 30 * HOUR)
    silent = np.unique(kept.ts[np.isnan(student.scores(kept))])
    assert silent.tolist() == [START + hour * HOUR for hour in (*range(7), *range(31, 38))]


def test_a_row_has_the_same_score_alone_and_among_others(student: Student, frame: FeatureFrame) -> None:
    together = student.scores(frame)
    for row in range(21, len(frame), 17):
        bars = (frame.symbol == frame.symbol[row]) & (frame.ts <= frame.ts[row])
        alone = student.scores(frame.rows(np.flatnonzero(bars)[-8:]))
        assert np.isnan(alone[:-1]).all()
        assert abs(alone[-1] - together[row]) < 1e-6


def test_what_comes_later_changes_no_score(student: Student, frame: FeatureFrame) -> None:
    early = frame.ts < START + 40 * HOUR
    np.testing.assert_allclose(student.scores(frame.rows(early)), student.scores(frame)[early], atol=1e-6)


def test_features_are_found_by_name(student: Student, frame: FeatureFrame) -> None:
    turned = FeatureFrame(
        frame.ts, frame.symbol, frame.symbols, (*frame.names[::-1], "f9"),
        np.column_stack([frame.values[:, ::-1], frame.values[:, 0]]), frame.is_usable, frame.versions,
    )  # fmt: skip
    np.testing.assert_array_equal(student.scores(turned), student.scores(frame))


def test_a_frame_without_one_of_its_features_is_a_key_error(student: Student) -> None:
    with pytest.raises(KeyError, match="f3"):
        student.scores(panel(hours=20, features=3))


def test_an_empty_frame_has_no_scores(student: Student, frame: FeatureFrame) -> None:
    nothing = frame.rows(np.zeros(0, dtype=np.int64))
    assert student.scores(nothing).shape == (0,)
    assert student.contributions(nothing).shape == (0, 4)


def test_contributions_sum_to_what_the_score_is_beyond_the_resting_one(student: Student, frame: FeatureFrame) -> None:
    scores, added = student.scores(frame), student.contributions(frame)
    known = np.isfinite(scores)
    assert (np.isnan(added).all(axis=1) == ~known).all()
    resting = scores[known] - added[known].sum(axis=1)
    assert resting.std() < 0.02 * scores[known].std()


def test_contributions_name_the_feature_that_matters_with_its_sign(student: Student) -> None:
    frame = panel(hours=20, symbols=1, seed=4)
    frame.values[:] *= 0.01
    frame.values[14, 0] = 3.0
    added = student.contributions(frame)[19]
    assert added[0] > 10.0 * np.abs(added[1:]).max()
    frame.values[14, 0] = -3.0
    assert student.contributions(frame)[19, 0] < -1.0


def changed(student: Student, **values: object) -> dict[str, bytes]:
    files = dict(student.files())
    files["student.json"] = dumps(orjson.loads(files["student.json"]) | values)
    return files


@pytest.mark.parametrize(
    "values",
    [
        {"format": "tsmixer/2"},
        {"n_tokens": 9},
        {"n_channels": 5},
        {"feature_names": ["f0", "f1", "f2"]},
        {"feature_names": ["f0", "f1", "f2", "f2"]},
        {"interval_ns": 0},
        {"settings": QUICK.model_copy(update={"hidden": 9}).model_dump(mode="json")},
        {"pickle": "gASV"},
    ],
)
def test_a_description_that_is_not_of_these_tensors_is_refused(student: Student, values: dict[str, object]) -> None:
    with pytest.raises(ModelError, match="student"):
        Student.from_files(changed(student, **values))


def test_tensors_that_are_missing_cut_short_or_not_finite_are_refused(student: Student) -> None:
    import torch
    from safetensors.torch import load, save

    files = student.files()
    spoiled = load(files["student.safetensors"])
    spoiled["head.bias"] = torch.tensor([float("nan")])
    wide = {name: tensor.double() for name, tensor in load(files["student.safetensors"]).items()}
    for tensors in (b"", files["student.safetensors"][:-1], b"\x80\x04K\x01.", save(spoiled), save(wide)):
        with pytest.raises(ModelError, match=r"student\.safetensors"):
            Student.from_files({**files, "student.safetensors": tensors})
    with pytest.raises(ModelError, match=r"student\.safetensors"):
        Student.from_files({"student.json": files["student.json"]})
    with pytest.raises(ModelError, match=r"student\.json"):
        Student.from_files({"student.safetensors": files["student.safetensors"]})


def test_torch_is_not_imported_before_it_is_used() -> None:
    names = "student", "student_files", "training", "optimization", "settings", "sequences"
    imports = "; ".join(f"import distill_platform.models.tsmixer.{name}" for name in names)
    heavy = "{'torch', 'safetensors', 'sklearn', 'numba'}"
    command = [sys.executable, "-c", f"import sys; {imports}; sys.exit(len({heavy} & set(sys.modules)))"]
    assert subprocess.run(command, check=False).returncode == 0
