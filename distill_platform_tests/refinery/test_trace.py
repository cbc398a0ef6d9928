"""A trace proves every link from an exported row to the bytes on disk, and says which one broke."""

import gzip
import json
import shutil
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import zstandard

from distill_platform.core import canon
from distill_platform.refinery.schemas import CORPORA
from distill_platform.refinery.search import UnknownRow, find_any
from distill_platform.refinery.trace import Chain, Link, Trace, trace_row
from distill_platform.store.lake import Lake
from distill_platform_tests.tiny_project import (
    DAYS,
    MALFORMED,
    NOTE,
    ROWS,
    TOKEN,
    lines_of,
    run_project,
    settings_of,
    tiny_project,
)


@pytest.fixture(scope="module")
def finished(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny project after its run; nobody changes it."""
    project = tiny_project(tmp_path_factory.mktemp("project"))
    run_project(project)
    return project


@pytest.fixture
def project(finished: Path, tmp_path: Path) -> Path:
    """A copy that a test may spoil."""
    return Path(shutil.copytree(finished, tmp_path / "project"))


def traced(project: Path, asked: str) -> Trace:
    settings = settings_of(project)
    return trace_row(settings, Lake(settings.lake), asked)


def rows(project: Path, dataset: str, table: str, day: str = DAYS[0]) -> list[dict[str, object]]:
    found = Lake(project / "data/lake").inspect(dataset, day).read(table)
    return found.to_pylist() if found is not None else []


def evidence_id(project: Path, run: str, day: str = DAYS[0]) -> str:
    return next(str(row["evidence_id"]) for row in rows(project, "evidence", "records", day) if row["run_id"] == run)


def link(chain: Chain, name: str) -> Link:
    return next(found for found in chain.links if found.name == name)


def broken(found: Trace) -> set[str]:
    return {proof.claim for proof in found.proofs if not proof.holds}


def everything(found: Trace) -> str:
    links = [*([found.head] if found.head else []), *(link for chain in found.chains for link in chain.links)]
    return json.dumps([dict(link.facts) for link in links], ensure_ascii=False)


RAW = "raw_sha256 is the hash of the line's bytes"
SIG = f"sig_hash is the hash of its canonical form ({canon.CANON})"
MAPPED = "the line, mapped anew, gives this evidence_id"
JUDGED = "judged anew, the record gets the same verdict"


@pytest.mark.parametrize("corpus", CORPORA)
def test_every_exported_row_is_proved_down_to_its_source_line(finished: Path, corpus: str) -> None:
    exported = rows(finished, corpus, "samples")
    assert exported
    for row in exported:
        found = traced(finished, str(row["id"]))
        assert found.kind == f"{corpus} row"
        assert broken(found) == set()
        names = ["Judgement", "Verdict", "Evidence", "Source line"]
        assert all([link.name for link in chain.links] == names for chain in found.chains)


def test_a_preference_row_shows_both_answers(finished: Path) -> None:
    (row,) = rows(finished, "preference_corpus", "samples")
    found = traced(finished, str(row["id"]))
    assert [chain.side for chain in found.chains] == ["chosen", "rejected"]
    assert [link(chain, "Evidence").facts["run_id"] for chain in found.chains] == ["good", "bad"]
    assert [link(chain, "Verdict").facts["category"] for chain in found.chains] == ["accepted", "rejected"]


def test_the_verdict_shows_the_rule_that_fired_and_what_it_looked_at(finished: Path) -> None:
    (chain,) = traced(finished, evidence_id(finished, "bad")).chains
    facts = link(chain, "Verdict").facts
    assert facts["rule"] == "metadata.score < 5 → rejected (answers.yaml)"
    assert facts["looked at"] == "metadata.score = 1"


def test_a_record_that_no_rule_decided_says_so(finished: Path) -> None:
    (chain,) = traced(finished, evidence_id(finished, "unscored")).chains
    assert link(chain, "Verdict").facts["rule"] == "none held, so otherwise (answers.yaml)"


def test_an_inherited_verdict_names_whom_it_comes_from(finished: Path) -> None:
    found = traced(finished, evidence_id(finished, "note"))
    heirs = link(found.chains[0], "Verdict").facts["inherited from"]
    assert evidence_id(finished, "bad")[:16] + " (rejected)" in heirs
    assert evidence_id(finished, "good")[:16] + " (accepted)" in heirs
    assert found.holds


def test_an_evidence_record_says_what_became_of_it_in_every_corpus(finished: Path) -> None:
    (chain,) = traced(finished, evidence_id(finished, "unscored")).chains
    fates = link(chain, "Judgement").facts
    assert set(fates) == set(CORPORA)
    assert fates["sft_corpus"].startswith("quarantined: unsafe_sft_category, the verdict is needs_human_review")


def test_a_line_that_came_twice_is_named(finished: Path) -> None:
    (chain,) = traced(finished, evidence_id(finished, "good")).chains
    assert link(chain, "Evidence").facts["came again in"] == "answers.jsonl:7"


def test_a_dropped_line_is_found_by_its_hash_and_refused_again(finished: Path) -> None:
    found = traced(finished, sha256(MALFORMED).hexdigest())
    assert (found.kind, found.holds) == ("dropped source line", True)
    quarantine, source = found.chains[0].links
    assert quarantine.facts["reason"] == "malformed_json"
    assert source.place.endswith("answers.jsonl:8")


def test_the_hash_of_a_line_finds_all_that_came_of_it(finished: Path) -> None:
    found = traced(finished, sha256(lines_of(ROWS)[0]).hexdigest())
    assert sorted(chain.links[0].name for chain in found.chains) == ["Judgement", "Quarantine"]
    assert found.holds


def test_a_pair_across_days_is_found_in_its_release(finished: Path) -> None:
    (release,) = (finished / "data/lake/releases").iterdir()
    pairs = [row for path in release.glob("preference/*.parquet") for row in pq.read_table(path).to_pylist()]
    across = next(row for row in pairs if row["rejected_run_id"] == "later")
    found = traced(finished, across["id"])
    assert found.head is not None
    assert release.name in found.head.place
    assert found.holds


def test_a_start_of_eight_digits_is_enough_and_seven_are_not(finished: Path) -> None:
    (row,) = rows(finished, "preference_corpus", "samples")
    assert traced(finished, f"  {str(row['id'])[:8].upper()} ").id == row["id"]
    with pytest.raises(UnknownRow, match="not an id"):
        traced(finished, str(row["id"])[:7])


@pytest.mark.parametrize("asked", ["0" * 64, "deadbeef", "../../etc/passwd", "", "g" * 64])
def test_an_unknown_id_says_where_ids_come_from(finished: Path, asked: str) -> None:
    with pytest.raises(UnknownRow) as error:
        traced(finished, asked)
    assert error.value.hint


def test_a_start_that_several_rows_share_is_refused(finished: Path) -> None:
    with pytest.raises(UnknownRow, match="ids start with"):
        find_any(Lake(finished / "data/lake"), "")


def test_secrets_never_show(finished: Path) -> None:
    found = traced(finished, evidence_id(finished, "leaky"))
    assert TOKEN not in everything(found)
    source = link(found.chains[0], "Source line")
    assert source.facts["line"] == link(found.chains[0], "Evidence").facts["text"] == "(hidden: it holds github_token)"
    assert found.holds


def test_a_hostile_text_cannot_act_on_the_terminal(finished: Path) -> None:
    said = everything(traced(finished, evidence_id(finished, "loud")))
    assert not {"\x07", "\x1b", "\u202e"} & set(json.loads(said)[2]["text"])
    assert "ada@corp.example.org" not in said


def change_line(project: Path, number: int, change: Callable[[bytes], bytes]) -> None:
    path = project / "data/sources/answers.jsonl"
    lines = path.read_bytes().split(b"\n")
    lines[number] = change(lines[number])
    path.write_bytes(b"\n".join(lines))


def test_a_source_line_that_says_something_else_is_caught(project: Path) -> None:
    change_line(project, 1, lambda line: line.replace(b"for ever", b"for once"))
    assert broken(traced(project, evidence_id(project, "bad"))) == {RAW, SIG, MAPPED}


def test_white_space_changes_the_bytes_and_nothing_else(project: Path) -> None:
    change_line(project, 1, lambda line: line.replace(b'": ', b'":  '))
    assert broken(traced(project, evidence_id(project, "bad"))) == {RAW}


def test_a_line_that_moved_is_caught(project: Path) -> None:
    path = project / "data/sources/answers.jsonl"
    path.write_bytes(b'{"first": 1}\n' + path.read_bytes())
    assert RAW in broken(traced(project, evidence_id(project, "bad")))


@pytest.mark.parametrize("remaining", [None, b""])
def test_a_source_that_is_gone_is_caught(project: Path, remaining: bytes | None) -> None:
    path = project / "data/sources/answers.jsonl"
    path.unlink()
    if remaining is not None:
        path.write_bytes(remaining)
    assert broken(traced(project, evidence_id(project, "bad"))) == {"its source line is there", MAPPED}


def test_a_changed_rule_no_longer_gives_the_verdict(project: Path) -> None:
    declaration = project / "config/sources/answers.yaml"
    declaration.write_text(
        declaration.read_text().replace("score < 5", "score < 1").replace("score >= 5", "score >= 1")
    )
    found = traced(project, evidence_id(project, "bad"))
    assert broken(found) == {JUDGED}
    assert "the rules now say accepted (high)" in [proof.detail for proof in found.proofs]


def test_a_changed_mapping_no_longer_gives_the_record(project: Path) -> None:
    declaration = project / "config/sources/answers.yaml"
    declaration.write_text(declaration.read_text().replace("prompt: ask", "prompt: task"))
    assert broken(traced(project, evidence_id(project, "bad"))) == {MAPPED}


def test_a_published_file_that_was_changed_is_caught(project: Path) -> None:
    (path,) = (project / "data/lake/sft_corpus" / DAYS[0]).glob("*/samples/*.parquet")
    table = pq.read_table(path)
    spoiled = table.set_column(
        table.schema.get_field_index("task_id"), table.schema.field("task_id"), pa.array(["t9"] * len(table))
    )
    pq.write_table(spoiled, path)
    found = traced(project, str(rows(project, "sft_corpus", "samples")[0]["id"]))
    assert {
        "its file has the SHA-256 that the manifest names",
        "exported anew, the row is the same in every field",
    } <= broken(found)


def test_a_record_made_again_since_makes_the_corpora_stale(project: Path) -> None:
    exported = str(rows(project, "sft_corpus", "samples")[0]["id"])
    manifest = project / "data/lake/scored_runs" / DAYS[0] / "MANIFEST.json"
    body = canon.parse(manifest.read_bytes())
    del body["digest"]
    body["version"], old = "0" * 24, body["version"]
    manifest.write_bytes(canon.dumps({**body, "digest": canon.sig_hash(body)}))
    (manifest.parent / old).rename(manifest.parent / body["version"])
    assert "its inputs are the current ones" in broken(traced(project, exported))


def compressed(kind: str, data: bytes, folder: Path) -> None:
    if kind == "gz":
        (folder / "answers.jsonl.gz").write_bytes(gzip.compress(data))
    elif kind == "zst":
        (folder / "answers.jsonl.zst").write_bytes(zstandard.compress(data))
    else:
        table = pa.Table.from_pylist([json.loads(line) for line in data.splitlines()])
        pq.write_table(table, folder / "answers.parquet")


@pytest.mark.parametrize("kind", ["gz", "zst", "parquet"])
def test_compressed_and_columnar_sources_are_read_again(tmp_path: Path, kind: str) -> None:
    project = tiny_project(tmp_path)
    (project / "data/sources/answers.jsonl").unlink()
    compressed(kind, b"\n".join(lines_of(ROWS)), project / "data/sources")
    run_project(project)
    found = traced(project, evidence_id(project, "bad"))
    assert found.holds
    compressed(kind, b"\n".join(lines_of(ROWS[:1] * 6)), project / "data/sources")
    assert RAW in broken(traced(project, evidence_id(project, "bad")))


def test_one_line_with_several_records_is_mapped_through_its_transform(tmp_path: Path) -> None:
    project = tiny_project(tmp_path)
    declaration = project / "config/sources/answers.yaml"
    declaration.write_text(declaration.read_text().replace("record:", "transform: tiny_halves:halves\nrecord:", 1))
    (project / "config/sources/tiny_halves.py").write_text(
        "def halves(row):\n    return [{**row, 'run': row['run'] + end, 'say': row['say'] + end} for end in '12']\n"
    )
    run_project(project)
    found = traced(project, evidence_id(project, "bad2"))
    assert found.holds
    both = traced(project, sha256(lines_of(ROWS)[1]).hexdigest())
    assert {link(chain, "Evidence").facts["run_id"] for chain in both.chains} == {"bad1", "bad2"}


def test_the_note_of_the_project_is_what_the_trace_shows(finished: Path) -> None:
    (chain,) = traced(finished, evidence_id(finished, "note")).chains
    assert link(chain, "Evidence").facts["text"] == NOTE["fact"]
