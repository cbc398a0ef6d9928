"""Evaluation sets: recognized, declared, hashed; whatever cannot be used is an error that says where."""

from pathlib import Path

import pytest

from distill_platform.core.errors import ConfigError
from distill_platform.refinery.screening.eval_sets import load_eval_sets


def write(folder: Path, name: str, *lines: str) -> Path:
    path = folder / name
    path.write_text("".join(f"{line}\n" for line in lines))
    return path


def test_sets_are_named_by_their_files_and_fields_by_their_usual_names(tmp_path: Path) -> None:
    write(tmp_path, "zoo.jsonl", '{"question": "How many?", "answer": 4}', '{"question": "Why?", "answer": null}')
    write(tmp_path, "ark.jsonl", '{"id": 1, "prompt": "def f():"}')
    write(tmp_path, "README.md", "Two sets.")
    ark, zoo = load_eval_sets(tmp_path)
    assert (ark.name, ark.prompts, ark.answers) == ("ark", ("def f():",), ("",))
    assert (zoo.name, zoo.prompts, zoo.answers) == ("zoo", ("How many?", "Why?"), ("4", ""))


def test_fields_of_other_names_are_declared_beside_the_set(tmp_path: Path) -> None:
    write(tmp_path, "quiz.jsonl", '{"ctx": "Once upon a time", "gold": "there was", "prompt": "ignored"}')
    write(tmp_path, "quiz.yaml", "prompt: ctx", "answer: gold")
    assert load_eval_sets(tmp_path)[0].prompts == ("Once upon a time",)
    assert load_eval_sets(tmp_path)[0].answers == ("there was",)


def test_no_folder_and_an_empty_folder_are_no_sets(tmp_path: Path) -> None:
    assert load_eval_sets(tmp_path) == ()
    assert load_eval_sets(tmp_path / "absent") == ()


def test_the_hash_covers_the_bytes_and_the_declaration(tmp_path: Path) -> None:
    path = write(tmp_path, "quiz.jsonl", '{"prompt": "Who?", "input": "Why?"}')
    first = load_eval_sets(tmp_path)[0].sha256
    assert load_eval_sets(tmp_path)[0].sha256 == first
    declaration = write(tmp_path, "quiz.yaml", "prompt: input")
    second = load_eval_sets(tmp_path)[0].sha256
    declaration.unlink()
    path.write_text(path.read_text() + "\n" * 0 + '{"prompt": "Where?", "input": "When?"}\n')
    assert len({first, second, load_eval_sets(tmp_path)[0].sha256}) == 3


@pytest.mark.parametrize(
    ("lines", "line", "says"),
    [
        ([], 0, "empty"),
        (['{"prompt": "Who?"}', '{"prompt": "Wh'], 2, "JSON"),
        (['{"prompt": "Who?"}', ""], 2, "JSON"),
        (['{"prompt": "Who?"}', "[1]"], 2, "object"),
        (['{"text": "Who?"}'], 1, "prompt: <field>"),
        (['{"prompt": "Who?"}', '{"question": "Who?"}'], 2, "'prompt' must be text"),
        (['{"prompt": ["Who?"]}'], 1, "'prompt' must be text"),
        (['{"prompt": "?!"}'], 1, "no words"),
        (['{"prompt": "Who?", "answer": ["I"]}'], 1, "'answer' must be text"),
        (['{"prompt": "Who?", "answer": "I"}', '{"prompt": "Who?"}'], 2, "'answer' must be text"),
        (['{"prompt": "Who?", "prompt": "Why?"}'], 1, "JSON"),
    ],
)
def test_what_cannot_be_used_is_an_error_with_file_and_line(
    tmp_path: Path, lines: list[str], line: int, says: str
) -> None:
    write(tmp_path, "quiz.jsonl", *lines)
    with pytest.raises(ConfigError, match="quiz") as error:
        load_eval_sets(tmp_path)
    assert error.value.line == line
    assert says in str(error.value)


def test_an_unknown_key_of_a_declaration_names_the_nearest(tmp_path: Path) -> None:
    write(tmp_path, "quiz.jsonl", '{"prompt": "Who?"}')
    write(tmp_path, "quiz.yaml", "promt: prompt")
    with pytest.raises(ConfigError, match="'prompt'"):
        load_eval_sets(tmp_path)


@pytest.mark.parametrize("name", ["quiz.parquet", "quiz.jsonl.gz", "quiz.yaml", "quiz.json"])
def test_a_file_that_would_be_passed_over_is_an_error(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, "prompt: question")
    with pytest.raises(ConfigError, match="quiz"):
        load_eval_sets(tmp_path)
