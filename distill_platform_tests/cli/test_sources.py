"""`distill sources check` says whether the declarations are right, and names each mistake by its place."""

from collections.abc import Callable
from pathlib import Path

import pytest

from distill_platform_tests.cli.terminal import distill, document, flat


def test_right_declarations_are_a_table(fresh: Path) -> None:
    result = distill(fresh, "sources", "check")
    assert result.exit_code == 0, result.output
    rows = [line.split() for line in result.stdout.splitlines()]
    assert ["answers", "verdict", "1"] in [row[:3] for row in rows]
    assert ["notes", "extraction", "1"] in [row[:3] for row in rows]
    assert "2 streams, every declaration is right" in result.stdout
    assert "never to train on: none" in result.stdout


def test_a_missing_file_is_reported_and_no_error(fresh: Path) -> None:
    (fresh / "data/sources/notes.jsonl").unlink()
    result = distill(fresh, "sources", "check")
    assert result.exit_code == 0
    assert "no file yet, which is not an error: notes (notes.jsonl)" in result.stdout


def test_files_that_no_stream_reads_are_named(fresh: Path) -> None:
    (fresh / "data/sources/forgotten.jsonl.gz").write_bytes(b"")
    (fresh / "data/sources/README.md").write_text("no trace")
    result = distill(fresh, "sources", "check")
    assert "read by no stream: forgotten.jsonl.gz\n" in result.stdout


def test_json_lists_streams_files_and_evaluation_sets(fresh: Path) -> None:
    (fresh / "config/eval_sets/tiny.jsonl").write_text('{"question": "How many beans make five?", "answer": "Five."}\n')
    found = document(distill(fresh, "sources", "check", "--json"))
    assert [(row["stream"], row["files"], row["rules"]) for row in found["streams"]] == [
        ("answers", ["answers.jsonl"], 2),
        ("notes", ["notes.jsonl"], 0),
    ]
    assert found["eval_sets"] == [{"name": "tiny", "items": 1}]


def edit(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new, 1)


@pytest.mark.parametrize(
    ("change", "place", "said"),
    [
        (edit("metadata.score >= 5", "metadata.scroe >= 5"), "answers.yaml:15:13:", "Did you mean `metadata.score`?"),
        (edit("  task_id:", "  tsak_id:"), "answers.yaml:7:3:", "Did you mean 'task_id'?"),
        (edit("class: verdict", "class: veredict"), "answers.yaml:3:8:", "Did you mean 'verdict'?"),
        (edit("category: accepted", "category: acepted"), "answers.yaml:15:", "Did you mean 'accepted'?"),
        (edit("metadata.score >= 5", "metadata.score >="), "answers.yaml:15:", "rule"),
        (edit('>= 5"', ">= 5"), "answers.yaml:", "is not YAML"),
        (edit("  run_id: run\n", "  run_id: run\n  run_id: run\n"), "answers.yaml:7:3:", "stands twice"),
        (edit("record:", "transform: no_such_module:hook\nrecord:"), "answers.yaml:", "cannot be imported"),
        (edit('path: "answers*"', 'path: "../answers*"'), "answers.yaml:", "leaves the source folder"),
    ],
)
def test_a_mistake_is_named_by_file_line_and_column(
    fresh: Path, change: Callable[[str], str], place: str, said: str
) -> None:
    path = fresh / "config/sources/answers.yaml"
    path.write_text(change(path.read_text()))
    for command in (["sources", "check"], ["run"]):
        result = distill(fresh, *command)
        assert result.exit_code == 2
        assert place in result.stderr
        assert said in flat(result.stderr)
        assert result.stdout == ""


def test_every_file_with_a_mistake_is_named_at_once(fresh: Path) -> None:
    for name in ("answers", "notes"):
        path = fresh / f"config/sources/{name}.yaml"
        path.write_text(path.read_text().replace("record:", "rekord:", 1))
    result = distill(fresh, "sources", "check")
    assert result.stderr.count("error: ") == 2
    assert [
        error["file"].rpartition("/")[2] for error in document(distill(fresh, "sources", "check", "--json"))["errors"]
    ] == [
        "answers.yaml",
        "notes.yaml",
    ]


@pytest.mark.parametrize(
    ("file", "content", "said"),
    [
        ("config/platform.yaml", "gates: {secret: true}", "Did you mean 'secrets'?"),
        ("config/platform.yaml", "workers: two", "workers"),
        ("config/sources/copy.yaml", None, "is declared twice"),
        ("config/eval_sets/bad.jsonl", "{", "is not a JSON row"),
        ("config/eval_sets/bad.csv", "a,b", "is not an evaluation set"),
    ],
)
def test_the_settings_and_evaluation_sets_are_checked_too(
    fresh: Path, file: str, content: str | None, said: str
) -> None:
    (fresh / file).write_text(content or (fresh / "config/sources/answers.yaml").read_text())
    result = distill(fresh, "sources", "check")
    assert result.exit_code == 2
    assert said in flat(result.stderr)


def test_a_link_that_leaves_the_source_folder_is_refused(fresh: Path, tmp_path: Path) -> None:
    (tmp_path / "outside.jsonl").write_text("{}\n")
    (fresh / "data/sources/answers-2.jsonl").symlink_to(tmp_path / "outside.jsonl")
    result = distill(fresh, "sources", "check")
    assert result.exit_code == 2
    assert "is a link that leaves the source folder" in result.stderr
