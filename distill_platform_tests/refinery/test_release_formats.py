"""A release loads as it is: with `datasets` by its card, with LLaMA-Factory and axolotl by their declarations."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest
import yaml

from distill_platform.refinery.release.card import features, front_matter
from distill_platform.refinery.release.layout import CORPUS_OF, manifest_of
from distill_platform.refinery.release.trainers import CONVERSATIONS
from distill_platform.refinery.schemas import CORPORA
from distill_platform_tests.refinery.small_lake import MONDAY, TUESDAY, SmallLake, answer, week


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release with rows in all eight splits."""
    small = SmallLake(tmp_path_factory.mktemp("formats")).write(week()).materialize(MONDAY, TUESDAY)
    return small.folder(small.release(MONDAY, TUESDAY))


@pytest.fixture
def datasets(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Any]:
    """The `datasets` library, offline, with a cache of the test's own; it comes with what the slow tests install."""
    module = pytest.importorskip("datasets")
    monkeypatch.setattr(module.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(module.config, "HF_HUB_OFFLINE", True)
    module.disable_progress_bars()
    yield module
    module.enable_progress_bars()


@pytest.mark.slow
@pytest.mark.parametrize("config", ["rag", "sft", "preference", "kto"])
def test_load_dataset_gives_the_rows_of_the_release_with_the_declared_types(
    folder: Path, config: str, datasets: Any
) -> None:
    loaded = datasets.load_dataset(str(folder), config)
    assert set(loaded) == {"train", "validation"}
    for split, rows in loaded.items():
        assert rows.features == datasets.Features.from_arrow_schema(CORPORA[CORPUS_OF[config]])
        assert rows.to_list() == pq.read_table(folder / f"{config}/{split}.parquet").to_pylist()


@pytest.mark.slow
def test_the_jsonl_loads_by_itself_with_the_same_values(folder: Path, datasets: Any) -> None:
    for config in CORPUS_OF:
        loaded = datasets.load_dataset("json", data_files=str(folder / f"{config}/train.jsonl"), split="train")
        rows = pq.read_table(folder / f"{config}/train.parquet").to_pylist()
        assert [canonical(row) for row in loaded] == [canonical(row) for row in rows]


def canonical(row: Any) -> str:
    """A row with its keys in order, to be compared."""
    return json.dumps(row, sort_keys=True)


@pytest.mark.slow
def test_the_card_declares_types_as_datasets_would(datasets: Any) -> None:
    for schema in CORPORA.values():
        assert features(schema) == datasets.Features.from_arrow_schema(schema)._to_yaml_list()


@pytest.mark.slow
def test_splits_and_corpora_without_rows_are_not_declared_and_the_others_load(tmp_path: Path, datasets: Any) -> None:
    """`datasets` cannot load a split without rows in any form; the empty files are there for everybody else."""
    rows = [answer(MONDAY, "only", 9, "The one answer there is."), answer(MONDAY, "only", 5, "Half an answer.")]
    small = SmallLake(tmp_path, "exports: {validation_fraction: 0.0}").write(rows).materialize(MONDAY)
    folder = small.folder(small.release(MONDAY))
    assert set(datasets.load_dataset(str(folder), "sft")) == {"train"}
    declared = front_matter(manifest_of(folder))
    assert {config["config_name"] for config in declared["configs"]} == {"rag", "sft", "preference", "kto"}
    assert pq.read_metadata(folder / "sft/validation.parquet").num_rows == 0
    assert (folder / "sft/validation.jsonl").read_bytes() == b""
    assert "sft/validation" in (folder / "README.md").read_text()
    assert "distill_sft_validation" not in json.loads((folder / "dataset_info.json").read_bytes())


def test_a_release_of_nothing_declares_nothing(tmp_path: Path) -> None:
    small = SmallLake(tmp_path).write(week()).materialize("2026-04-25")
    folder = small.folder(small.release("2026-04-25"))
    assert yaml.safe_load((folder / "README.md").read_text().split("---\n")[1])["configs"] == []
    assert json.loads((folder / "dataset_info.json").read_bytes()) == {}


def test_the_card_says_what_was_done(folder: Path) -> None:
    card = (folder / "README.md").read_text()
    for promised in ("near_duplicate_jaccard` | 0.8", "unsafe_sft_category", "## Licence", "SHA-256 over content"):
        assert promised in card
    assert str(folder) not in card
    assert folder.name not in card


def lines(place: Path) -> list[dict[str, Any]]:
    """The rows of a JSONL file."""
    return [json.loads(line) for line in place.read_text().splitlines()]


def test_llama_factory_finds_conversations_it_will_not_skip(folder: Path) -> None:
    """Its reader skips a row unless user and assistant alternate, and an answer ends it (a question, for pairs)."""
    declared = json.loads((folder / "dataset_info.json").read_bytes())
    assert set(declared) == {
        f"distill_{config}_{split}" for config in CONVERSATIONS for split in ("train", "validation")
    }
    for about in declared.values():
        columns, tags = about["columns"], about["tags"]
        for row in lines(folder / about["file_name"]):
            roles = [message[tags["role_tag"]] for message in row[columns["messages"]]]
            assert roles == ["user"] if about.get("ranking") else ["user", "assistant"]
            for side in ("chosen", "rejected") if about.get("ranking") else ():
                assert row[columns[side]][tags["role_tag"]] == tags["assistant_tag"]
            assert "kto_tag" not in columns or isinstance(row[columns["kto_tag"]], bool)


def test_axolotl_finds_the_fields_that_its_strategies_read(folder: Path) -> None:
    documents = list(yaml.safe_load_all((folder / "axolotl.yaml").read_text()))
    assert [document.get("rl") for document in documents] == [None, "dpo", "kto"]
    for document in documents:
        for dataset in (*document["datasets"], *document["test_datasets"]):
            row = lines(folder / dataset["path"])[0]
            fields = [
                name for key, name in dataset.items() if key in ("field_messages", "field_chosen", "field_rejected")
            ]
            assert all(row[name] for name in fields)
            if dataset["type"] == "chatml.ultra":
                assert isinstance(row["prompt"], str)
                assert isinstance(row["completion"], str)


def test_conversations_mark_the_one_answer_that_was_judged() -> None:
    before = [{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}, {"role": "user", "content": "c"}]
    row = {"id": "1", "prompt": before, "completion": [{"role": "assistant", "content": "d"}], "label": True}
    messages = CONVERSATIONS["sft"](row)["messages"]
    assert [message["train"] for message in messages] == [False, False, False, True]
    assert CONVERSATIONS["kto"](row)["prompt"] == "a\nb\nc"
