import shutil
from pathlib import Path

import pytest

from distill_platform.strategies.bundles.sealing import write_bundle
from distill_platform.strategies.bundles.tables import COMPLETE
from distill_platform.testing.bundles import sample_bundle
from distill_platform_tests.cli.terminal import distill, document, flat

ROOT = Path(__file__).parents[2]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project with a world and a finished run in `out/run-5`."""
    (tmp_path / "config").mkdir()
    (tmp_path / "config/platform.yaml").write_text("workers: 1\n")
    shutil.copytree(ROOT / "config/worlds", tmp_path / "config/worlds")
    write_bundle(tmp_path / "out", *sample_bundle(5, 300))
    return tmp_path


def test_a_run_is_linted_sealed_and_submitted(project: Path) -> None:
    (project / "out/run-5" / COMPLETE).unlink()
    linted = distill(project, "lint", "out/run-5")
    assert linted.exit_code == 0
    assert "distill seal" in linted.output
    assert "ready to be judged" in linted.output
    sealed = distill(project, "seal", "out/run-5")
    assert (sealed.exit_code, sealed.output.startswith("sealed out/run-5 as ")) == (0, True)
    submitted = distill(project, "submit", "out/run-5")
    assert (submitted.exit_code, submitted.output) == (0, "run-5 lies in data/inbox/run-5\n")
    assert (project / "data/inbox/run-5" / COMPLETE).is_file()


def test_programs_get_one_document(project: Path) -> None:
    assert document(distill(project, "lint", "out/run-5", "--json")) == {
        "bundle": "out/run-5",
        "ready": True,
        "findings": [],
    }
    sealed = document(distill(project, "seal", "out/run-5", "--json"))
    assert len(sealed["bundle_sha256"]) == 64
    submitted = document(distill(project, "submit", "out/run-5", "--inbox", "box", "--json"))
    assert submitted == {"run_id": "run-5", "folder": str(project / "box/run-5")}


def test_a_bundle_that_cannot_be_judged_is_a_no_with_reasons(project: Path) -> None:
    (project / "config/worlds/us_equity_daily.yaml").unlink()
    result = distill(project, "lint", "out/run-5", "--json")
    assert result.exit_code == 1
    assert [finding["code"] for finding in document(result)["findings"]] == ["unknown_world"]
    said = distill(project, "lint", "out/run-5").output
    assert "error unknown_world" in said
    assert "not ready to be judged" in said


def test_a_refused_bundle_is_a_no_and_not_handed_in(project: Path) -> None:
    (project / "out/run-5/steps.parquet").write_bytes(b"PAR1")
    for command in ("submit", "seal"):
        result = distill(project, command, "out/run-5")
        assert result.exit_code == 1
        assert "steps.parquet has the SHA-256" in result.stderr
    assert not (project / "data/inbox").exists()
    failed = distill(project, "submit", "out/run-5", "--json")
    assert document(failed)["error"]["kind"] == "BundleRefused"


def test_a_folder_that_is_not_there_is_bad_usage(project: Path) -> None:
    for command in ("lint", "seal", "submit"):
        result = distill(project, command, "nowhere")
        assert result.exit_code == 2
        assert "does not exist" in flat(result.stderr)


def test_a_world_that_is_wrong_is_bad_input(project: Path) -> None:
    (project / "config/worlds/mars.yaml").write_text("world_idd: mars\n")
    result = distill(project, "lint", "out/run-5")
    assert result.exit_code == 2
    assert "mars.yaml" in result.stderr
