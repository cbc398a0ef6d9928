"""The GSM8K example takes a foreign file as it is: one source row gives one record per model, and none is left out."""

from pathlib import Path
from typing import Any

from distill_platform.refinery.mapping import Mapper
from distill_platform.refinery.streams import Stream, load_stream

EXAMPLE = Path(__file__).parents[2] / "examples" / "gsm8k"
MODELS = ("6b_finetuning", "6b_verification", "175b_finetuning", "175b_verification")


def stream() -> Stream:
    """The example's stream, its transform imported from beside the YAML file."""
    return load_stream(EXAMPLE / "sources" / "gsm8k_solutions.yaml")


def explode(row: dict[str, Any]) -> list[dict[str, Any]]:
    """The flat rows that the example's transform makes of a row."""
    transform = stream().transform
    assert transform is not None
    return list(transform(row))


def source_row(**changes: object) -> dict[str, Any]:
    """A row in the shape of the published file."""
    answers = {model: {"is_correct": model.startswith("175b"), "solution": f"A: {model}"} for model in MODELS}
    return {"question": "How many is one and one?", "ground_truth": "A: 2"} | answers | changes


def test_one_row_gives_one_record_per_model() -> None:
    rows = explode(source_row())
    assert [row["model"] for row in rows] == list(MODELS)
    assert len({row["task_id"] for row in rows}) == 1
    assert [row["run_id"] for row in rows] == [f"{rows[0]['task_id']}:{model}" for model in MODELS]
    assert [row["is_correct"] for row in rows] == [False, False, True, True]


def test_odd_and_missing_solutions_are_passed_on() -> None:
    rows = explode(source_row(**{"6b_finetuning": {"is_correct": True}, "6b_verification": None}))
    assert len(rows) == len(MODELS)
    assert [row["solution"] for row in rows[:2]] == [None, None]
    assert rows[1]["is_correct"] is None


def test_a_row_without_a_question_has_no_task() -> None:
    assert [row["task_id"] for row in explode(source_row(question=None))] == [None] * len(MODELS)


def test_flat_rows_map_to_evidence_of_one_day() -> None:
    mapper = Mapper(stream())
    for row in explode(source_row()):
        mapped = mapper.map(row)
        assert mapped.moment.isoformat() == "2021-11-19T00:00:00+00:00"
        assert mapped.fields["prompt"] == "How many is one and one?"
        assert mapped.fields["text"] == row["solution"]
        assert mapped.fields["metadata"] == {"is_correct": row["is_correct"]}


def test_the_readme_names_the_command_that_takes_it_in() -> None:
    readme = (EXAMPLE / "README.md").read_text()
    assert "distill run --sources examples/gsm8k/sources" in readme
    assert "--from 2021-11-19 --to 2021-11-19" in readme
