"""The firewall: with any one layer switched off, no unfit record can be read from a corpus or a release."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pytest

from distill_platform.core.errors import CorruptDataset, DistillError, GateRefused
from distill_platform.refinery.corpora import build, export, firewall, samples
from distill_platform.refinery.judging.gates import Judgement
from distill_platform.refinery.release import release_corpora
from distill_platform.refinery.release.verify import verify_release
from distill_platform.refinery.schemas import CORPORA
from distill_platform.refinery.scoring import score_runs
from distill_platform.refinery.screened import screen_texts
from distill_platform.refinery.settings import ExportSettings
from distill_platform.refinery.stage import Refinery
from distill_platform.store.lake import Dataset, Lake
from distill_platform_tests.refinery.traces import (
    DAY,
    EVAL_QUESTION,
    TOKEN,
    Lab,
    Row,
    evidence_ids,
    forge,
    trace,
)

GOOD = {"good", "bad", "half"}
UNFIT = {
    "waiting": {"verdict": "unsure"},
    "heir": {"stream": "facts", "task": "task-good", "verdict": "accept"},
    "leaky": {"text": f"The token is {TOKEN} for now."},
    "quoting": {"text": f"They asked: {EVAL_QUESTION}?"},
    "unproven": {},
}
# What may never stand in a corpus, beyond the above: records whose verdict the corpus does not admit.
NEVER = {
    "rag_corpus": {"bad", "waiting", "leaky", "quoting", "unproven"},
    "sft_corpus": {"bad", "half", *UNFIT},
    "preference_corpus": set(UNFIT),
    "kto_corpus": {"half", *UNFIT},
}


def rows() -> list[Row]:
    """One task with an answer of every verdict to one prompt, and records that nobody should train on."""
    ask = {"task": "task-good", "prompt": "How is a queue kept short?"}
    good = [
        trace("good", **ask, text="Refuse work early."),
        trace("bad", **ask, text="Let it grow for ever.", verdict="reject"),
        trace("half", **ask, text="Look at it now and then.", verdict="cycle"),
    ]
    return [*good, *(trace(tag, **{**ask, "text": f"{tag} says so.", **changes}) for tag, changes in UNFIT.items())]


def unproven(records: pa.Table) -> pa.Table:
    """The records with the hash of one source line gone."""
    provenance = records["provenance"].combine_chunks()
    tagged = pc.equal(records["model_name"].combine_chunks(), "unproven")
    fields = {field.name: provenance.field(field.name) for field in provenance.type}
    fields["sig_hash"] = pc.if_else(tagged, pa.scalar(None, pa.string()), fields["sig_hash"])
    made = pa.StructArray.from_arrays(list(fields.values()), fields=list(provenance.type))
    return records.set_column(records.column_names.index("provenance"), records.schema.field("provenance"), made)


@pytest.fixture
def made(tmp_path: Path) -> Lab:
    """A lab whose evidence holds a record without its line's hash, which ingestion itself never lets through."""
    made = Lab(tmp_path).fill(rows())
    with made.prepared() as refinery:
        forge(refinery, "evidence", "records", unproven)
        for stage in (score_runs, screen_texts):
            stage(refinery, [DAY])
    return made


def readable(made: Lab, refinery: Refinery, corpus: str) -> set[str]:
    """The tags of the records that whoever asks the lake for a corpus gets to see; none where it refuses."""
    try:
        found = refinery.lake.open(corpus, DAY).read("samples")
    except GateRefused:
        return set()
    tags = made.tags()
    return {tags[name] for name in evidence_ids(corpus, found.to_pylist() if found is not None else [])}


def released(made: Lab, refinery: Refinery) -> set[tuple[str, str]]:
    """The corpora and tags of the records in a release over the day; none where it refuses to be made."""
    try:
        (manifest,) = release_corpora(refinery, [DAY])
    except DistillError:
        return set()
    folder = refinery.lake.root / str(manifest.extra["folder"])
    verify_release(folder)
    tags = made.tags()
    found = {
        corpus: pa.concat_tables(
            [pa.parquet.read_table(folder / config / f"{split}.parquet") for split in ("train", "validation")]
        )
        for corpus, config in (("rag_corpus", "rag"), ("sft_corpus", "sft"), ("kto_corpus", "kto"))
    }
    return {(corpus, tags[name]) for corpus, table in found.items() for name in table["evidence_id"].to_pylist()}


def exporter_off(patch: pytest.MonkeyPatch) -> None:
    """Every record passes the gates."""

    def admit(candidates: Any, *_: Any) -> Judgement:
        return Judgement(np.zeros(len(candidates), np.int64), np.full(len(candidates), -1, np.int64))

    patch.setattr(build, "judge", admit)


def schema_off(patch: pytest.MonkeyPatch) -> None:
    """No row violates its corpus' schema."""
    patch.setattr(firewall, "violations", lambda _, table, *__: pa.array(np.zeros(table.num_rows, bool)))


def reread_off(patch: pytest.MonkeyPatch) -> None:
    """What was written is read again, and whatever it says is fine."""
    reread = firewall.reread

    def blind(*arguments: Any) -> Any:
        checks, records = reread(*arguments)
        return [replace(check, passed=True, observed=0) for check in checks], records

    patch.setattr(firewall, "reread", blind)


def reader_off(patch: pytest.MonkeyPatch) -> None:
    """The lake opens whatever it holds."""

    def careless(lake: Lake, dataset: str, partition: str) -> Dataset:
        return lake.inspect(dataset, partition)

    patch.setattr(Lake, "open", careless)


LAYERS: dict[str, Callable[[pytest.MonkeyPatch], None]] = {
    "none": lambda _: None,
    "exporter": exporter_off,
    "schema": schema_off,
    "re-read": reread_off,
    "reader": reader_off,
}


@pytest.mark.parametrize("off", LAYERS)
def test_with_any_one_layer_off_no_unfit_record_can_be_read(
    made: Lab, off: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with made.refinery(exports={"validation_fraction": 0.0}) as refinery:
        LAYERS[off](monkeypatch)
        for corpus in CORPORA:
            build.build_corpora(refinery, [corpus], [DAY])
            standing = readable(made, refinery, corpus)
            assert not standing & NEVER[corpus], f"{corpus} without {off}"
            assert off == "exporter" or "good" in standing
        shipped = released(made, refinery)
        assert not {(corpus, tag) for corpus, never in NEVER.items() for tag in never} & shipped
        assert off == "exporter" or ("sft_corpus", "good") in shipped


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_exporter_alone_holds(made: Lab, corpus: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for off in (schema_off, reread_off, reader_off):
        off(monkeypatch)
    with made.refinery() as refinery:
        build.build_corpora(refinery, [corpus], [DAY])
        assert "good" in readable(made, refinery, corpus)
        assert not readable(made, refinery, corpus) & NEVER[corpus]


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_re_read_alone_refuses_every_kind_of_unfit_record(
    tmp_path: Path, corpus: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each unfit record comes into a lake of its own, so that no other one is the reason for the refusal."""
    exporter_off(monkeypatch)
    schema_off(monkeypatch)
    for tag in sorted(NEVER[corpus]):
        mine = [row for row in rows() if row["model"] in {*GOOD, tag} - (NEVER[corpus] - {tag})]
        made = Lab(tmp_path / tag).fill(mine)
        with made.prepared() as refinery:
            forge(refinery, "evidence", "records", unproven)
            for stage in (score_runs, screen_texts):
                stage(refinery, [DAY])
            if corpus == "preference_corpus" and tag == "waiting":
                continue  # no pair is ever made with it, whatever the gates admit
            (manifest,) = build.build_corpora(refinery, [corpus], [DAY])
            assert tag in {made.tags()[name] for name in evidence_ids(corpus, made.samples(corpus))}
            assert not manifest.passed, f"{tag} in {corpus}"
            with pytest.raises(GateRefused, match=r"firewall|provenance"):
                refinery.lake.open(corpus, DAY)


@pytest.mark.parametrize(("corpus", "kept"), [("rag_corpus", {"good", "half"}), ("sft_corpus", {"good"})])
def test_the_schema_alone_stops_every_verdict_that_a_row_tells(
    made: Lab, corpus: str, kept: set[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for off in (exporter_off, reread_off, reader_off):
        off(monkeypatch)
    with made.refinery() as refinery:
        build.build_corpora(refinery, [corpus], [DAY])
        standing = readable(made, refinery, corpus) - {"heir", "leaky", "quoting"}  # no row says that of itself
        assert standing == kept
        reasons = {row["reason"] for row in made.dropped(corpus)}
        assert reasons == {"schema_violation"}


@pytest.mark.parametrize(
    ("corpus", "option", "tag"),
    [("rag_corpus", "rag_include_review", "waiting"), ("sft_corpus", "sft_include_partial", "half")],
)
@pytest.mark.parametrize("layer", ["schema", "re-read"])
def test_what_is_only_admitted_on_request_is_stopped_without_it_by_each_layer(
    made: Lab, corpus: str, option: str, tag: str, layer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    exporter_off(monkeypatch)
    if layer == "re-read":
        schema_off(monkeypatch)
    with made.refinery() as refinery:
        build.build_corpora(refinery, [corpus], [DAY])
        assert tag not in readable(made, refinery, corpus)
    monkeypatch.undo()
    with made.refinery(exports={option: True}) as refinery:
        build.build_corpora(refinery, [corpus], [DAY])
        assert tag in readable(made, refinery, corpus)


def test_a_row_that_claims_another_verdict_or_another_line_than_its_record_is_found(
    made: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    with made.refinery() as refinery:
        flipped = samples.sample_table

        def lying(corpus: str, source: Any, category: Any, validation: Any, **options: Any) -> pa.Table:
            table = flipped(corpus, source, category, validation, **options)
            place = table.column_names.index("label")
            return table.set_column(place, table.schema.field(place), pc.invert(table["label"]))

        monkeypatch.setattr(export, "sample_table", lying)
        (manifest,) = build.build_corpora(refinery, ["kto_corpus"], [DAY])
        assert any(error.startswith("firewall") for error in manifest.errors)


def test_a_corpus_changed_on_disk_is_not_read(made: Lab) -> None:
    with made.refinery() as refinery:
        (manifest,) = build.build_corpora(refinery, ["sft_corpus"], [DAY])
    (part,) = manifest.tables["samples"].parts
    path = made.lake / "sft_corpus" / DAY / manifest.version / part.path
    path.write_bytes(path.read_bytes().replace(b"Refuse work early.", b"Refuse work never."))
    with pytest.raises(CorruptDataset):
        Lake(made.lake).open("sft_corpus", DAY)


def row_of(corpus: str, **changes: Any) -> pa.Table:
    """One row that its corpus' schema allows, with some columns changed."""
    proof = {"source_file": "a", "line_offset": 0, "raw_sha256": "a" * 64, "sig_hash": "b" * 64, "canon": "c"}
    values: Row = {
        "id": "0" * 64, "prompt": [{"role": "user", "content": "Why?"}],
        "reason": "accepted_over_rejected", "quality_score": "accepted", "success_score": "accepted", "label": True,
        "text": "Because.", "chosen_run_id": "r1", "rejected_run_id": "r2", "chosen_evidence_id": "e1",
        "rejected_evidence_id": "e2", "pair_similarity": 0.5, "length_ratio": 1.0, "tags": [],
        **{name: [{"role": "assistant", "content": name}] for name in ("completion", "chosen", "rejected")},
        **dict.fromkeys(("provenance", "chosen_provenance", "rejected_provenance"), proof),
    }  # fmt: skip
    schema = CORPORA[corpus]
    row = {name: (values | changes).get(name, "x") for name in schema.names}
    return pa.Table.from_pylist([row], schema)


def said(text: str) -> list[Row]:
    """A one-message conversation."""
    return [{"role": "assistant", "content": text}]


_HASHES = {"source_file": "a", "line_offset": 0, "canon": "c"}
BROKEN: list[tuple[str, Row]] = [
    ("rag_corpus", {"success_score": "rejected"}), ("rag_corpus", {"text": " \n"}), ("rag_corpus", {"text": ""}),
    ("sft_corpus", {"quality_score": "rejected"}), ("sft_corpus", {"quality_score": "needs_human_review"}),
    ("sft_corpus", {"completion": said("\t ")}), ("sft_corpus", {"prompt": said("")}),
    ("sft_corpus", {"prompt": [*said(" "), *said("\n")]}), ("sft_corpus", {"id": "short"}),
    ("sft_corpus", {"task_id": ""}), ("sft_corpus", {"source_run_id": ""}),
    ("sft_corpus", {"provenance": {**_HASHES, "raw_sha256": "a" * 64, "sig_hash": None}}),
    ("sft_corpus", {"provenance": {**_HASHES, "raw_sha256": "", "sig_hash": "a" * 64}}),
    ("kto_corpus", {"provenance": {**_HASHES, "raw_sha256": "z" * 64, "sig_hash": "a" * 64}}),
    ("kto_corpus", {"completion": said(" ")}), ("preference_corpus", {"reason": "rejected_over_accepted"}),
    ("preference_corpus", {"rejected_run_id": "r1"}), ("preference_corpus", {"rejected_evidence_id": "e1"}),
    ("preference_corpus", {"rejected": said("chosen")}), ("preference_corpus", {"chosen": said("")}),
    ("preference_corpus", {"rejected_provenance": {**_HASHES, "raw_sha256": "a" * 64, "sig_hash": ""}}),
]  # fmt: skip


@pytest.mark.parametrize("corpus", CORPORA)
def test_the_schema_allows_an_ordinary_row(corpus: str) -> None:
    assert firewall.violations(corpus, row_of(corpus), ExportSettings()).to_pylist() == [False]
    messages = [{"role": "system", "content": ""}, {"role": "user", "content": "Why?"}]
    assert firewall.violations(corpus, row_of(corpus, prompt=messages)).to_pylist() == [False]


@pytest.mark.parametrize(("corpus", "changes"), BROKEN)
def test_the_schema_forbids_a_row_that_is_broken_in_one_place(corpus: str, changes: Row) -> None:
    table = pa.concat_tables([row_of(corpus), row_of(corpus, **changes), row_of(corpus)])
    assert firewall.violations(corpus, table).to_pylist() == [False, True, False]
