"""`distill export verify` says whether a release may be trained on."""

from pathlib import Path

import pytest

from distill_platform_tests.cli.terminal import distill, document


def release_of(project: Path) -> Path:
    (release,) = (project / "data/lake/releases").iterdir()
    return release


def test_an_untouched_release_may_be_trained_on(finished: Path) -> None:
    result = distill(finished, "export", "verify")
    assert result.exit_code == 0, result.output
    assert f"✓ data/lake/releases/{release_of(finished).name}: may be trained on" in result.stdout


def test_a_folder_can_be_named_and_needs_no_project(finished: Path, tmp_path: Path) -> None:
    result = distill(tmp_path, "export", "verify", str(release_of(finished)), "--json")
    assert result.exit_code == 0
    (release,) = document(result)["releases"]
    assert release["passed"] is True
    assert release["checks"]


@pytest.mark.parametrize("name", ["sft/train.jsonl", "README.md"])
def test_a_changed_file_ends_with_one(project: Path, name: str) -> None:
    path = release_of(project) / name
    path.write_bytes(path.read_bytes() + b" ")
    result = distill(project, "export", "verify")
    assert result.exit_code == 1
    assert "do not train on it" in result.stdout
    assert name in result.stdout


def test_a_manifest_that_lies_ends_with_one(project: Path) -> None:
    path = release_of(project) / "MANIFEST.json"
    path.write_bytes(path.read_bytes().replace(b'"passed":true', b'"passed":false', 1))
    result = distill(project, "export", "verify")
    assert result.exit_code == 1
    assert "does not match its own digest" in result.stdout


@pytest.mark.parametrize("arguments", [["nowhere"], ["--lake", "nowhere"]])
def test_nothing_to_verify_is_bad_usage(finished: Path, arguments: list[str]) -> None:
    result = distill(finished, "export", "verify", *arguments)
    assert result.exit_code == 2
    assert result.stdout == ""


def test_a_folder_that_is_no_release_ends_with_one(finished: Path) -> None:
    result = distill(finished, "export", "verify", "config")
    assert result.exit_code == 1
    assert "is not a release" in result.stdout
