"""The pipeline: stages in order; where one fails, what depends on it does not run, and a rerun mends it."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from distill_platform.core.errors import DistillError, GateRefused, LakeError
from distill_platform.refinery.pipeline import PIPELINE, STAGES, run_all
from distill_platform.refinery.stage import Refinery
from distill_platform.store.lake import Check, Manifest
from distill_platform.store.receipts import read_receipts
from distill_platform.store.stages import Stage, refuse_failed, steps
from distill_platform_tests.refinery.builders import stamps, tree
from distill_platform_tests.refinery.traces import DAY, NEXT_DAY, Lab, trace

DAYS = (DAY, NEXT_DAY)
NAMES = [stage.name for stage in STAGES]


@pytest.fixture
def made(tmp_path: Path) -> Lab:
    """A lab with two days of traces."""
    rows = [trace(n, at=f"{DAYS[n % 2]}T01:00:00Z", verdict=("accept", "reject")[n % 3 == 0]) for n in range(12)]
    return Lab(tmp_path).fill(rows)


def failing(name: str) -> list[Stage]:
    """The stages, one of which raises."""

    def fail(_: Refinery, __: Sequence[str], ___: Sequence[str]) -> list[Manifest]:
        raise OSError("the cat sat on the disk")

    return [replace(stage, work=fail) if stage.name == name else stage for stage in STAGES]


def refused(name: str) -> list[Stage]:
    """The stages, one of which publishes what does not pass."""

    def spoil(refinery: Refinery, names: Sequence[str], days: Sequence[str]) -> list[Manifest]:
        done = next(stage for stage in STAGES if stage.name == name).work(refinery, names, days)
        bad = Check("law", False, True, 1, 0, "things that ought not to be")
        return [replace(manifest, checks=(*manifest.checks, bad)) for manifest in done]

    return [replace(stage, work=spoil) if stage.name == name else stage for stage in STAGES]


def partition(name: str) -> str:
    """A partition that the stage makes when it runs over both days."""
    return f"{DAY}_{NEXT_DAY}" if name == "corpus_release" else NEXT_DAY


def test_a_run_makes_every_stage_in_order_and_leaves_a_receipt_of_each(made: Lab) -> None:
    with made.refinery() as refinery:
        run_all(refinery, DAYS, "run-1")
        receipts = read_receipts(refinery.lake, "run-1", NAMES)
        assert list(dict.fromkeys(receipt.stage for receipt in receipts)) == NAMES
        assert all(receipt.passed and not receipt.errors for receipt in receipts)
        for stage in NAMES:
            assert refinery.lake.manifest(stage, partition(stage)) is not None


@pytest.mark.parametrize("name", NAMES)
def test_where_a_stage_fails_nothing_after_it_runs_and_the_receipts_say_why(made: Lab, name: str) -> None:
    with made.refinery() as refinery:
        with pytest.raises(OSError, match="the cat"):
            run_all(refinery, DAYS, "run-1", failing(name))
        receipts = read_receipts(refinery.lake, "run-1", NAMES)
        stages = list(dict.fromkeys(receipt.stage for receipt in receipts))
        assert stages == NAMES[: NAMES.index(name) + 1]
        bad = [receipt for receipt in receipts if not receipt.passed]
        assert {receipt.stage for receipt in bad} == {name}
        assert partition(name) in {receipt.partition for receipt in bad}
        assert all(receipt.errors == ("OSError: the cat sat on the disk",) for receipt in bad)


@pytest.mark.parametrize("name", NAMES)
def test_after_a_failure_nobody_reads_the_older_state_and_a_rerun_mends_it(made: Lab, name: str) -> None:
    with made.refinery() as refinery:
        run_all(refinery, DAYS, "run-1")
        sound = {place: found for place, found in tree(made.lake).items() if not place.startswith("runs/")}
        with pytest.raises(OSError, match="the cat"):
            run_all(refinery, DAYS, "run-2", failing(name))
        with pytest.raises(GateRefused, match="the cat sat on the disk"):
            refinery.lake.open(name, partition(name))
        for stage in STAGES:
            if name in stage.upstream:
                with pytest.raises(GateRefused, match="the cat sat on the disk"):
                    PIPELINE.run_step(refinery, [stage], DAYS, "run-3")
        run_all(refinery, DAYS, "run-4")
        assert {place: found for place, found in tree(made.lake).items() if not place.startswith("runs/")} == sound
        if name != "corpus_release":
            assert refinery.lake.open(name, partition(name))


def test_a_stage_that_does_not_pass_its_checks_stops_the_run(made: Lab) -> None:
    with made.refinery() as refinery:
        with pytest.raises(GateRefused, match="things that ought not to be"):
            run_all(refinery, DAYS, "run-1", refused("scored_runs"))
        stages = {receipt.stage for receipt in read_receipts(refinery.lake, "run-1")}
        assert stages == {"evidence", "scored_runs"}


def test_a_refusal_names_the_partitions_and_what_they_say(made: Lab) -> None:
    with made.refinery() as refinery:
        run_all(refinery, DAYS, "run-1")
        manifest = refinery.lake.inspect("sft_corpus", DAY).manifest
    refuse_failed([manifest])
    bad = Check("firewall", False, True, 2, 0, "rows that are unfit")
    with pytest.raises(GateRefused, match=rf"sft_corpus\[{DAY}\] firewall: rows that are unfit \(observed 2"):
        refuse_failed([manifest, replace(manifest, checks=(bad,))])
    with pytest.raises(GateRefused):
        refuse_failed([replace(manifest, checks=())])


def test_a_disk_that_refuses_the_receipt_too_does_not_hide_the_first_error(
    made: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise LakeError("the disk is full")

    monkeypatch.setattr("distill_platform.store.receipts.replace_file", full)
    with made.refinery() as refinery, pytest.raises(OSError, match="the cat"):
        PIPELINE.run_step(refinery, failing("evidence")[:1], DAYS, "run-1")


def test_a_second_run_writes_nothing_but_its_receipts(made: Lab) -> None:
    with made.refinery() as refinery:
        run_all(refinery, DAYS, "run-1")
        before = stamps(made.lake)
        run_all(refinery, DAYS, "run-2")
        after = {place: stamp for place, stamp in stamps(made.lake).items() if not place.startswith("runs/run-2/")}
    assert after == before


def test_every_stage_reads_only_what_comes_before_it() -> None:
    for place, stage in enumerate(STAGES):
        assert set(stage.upstream) <= set(NAMES[:place])
        assert stage.description.endswith(".")


def test_a_release_is_one_partition_of_the_whole_range() -> None:
    *daily, release = STAGES
    assert all(stage.partitions(DAYS) == list(DAYS) for stage in daily)
    assert release.partitions([NEXT_DAY, DAY, DAY]) == [f"{DAY}_{NEXT_DAY}"]


def test_corpora_of_a_day_that_was_never_scored_are_refused_with_what_to_do(made: Lab) -> None:
    stages = {stage.name: stage for stage in STAGES}
    with made.refinery() as refinery:
        PIPELINE.run_step(refinery, [stages["evidence"]], [DAY], "run-1")
        with pytest.raises(DistillError, match=r"scored_runs.*Materialize scored_runs for 2026-04-20 first"):
            PIPELINE.run_step(refinery, [stages["sft_corpus"]], [DAY], "run-1")


def test_the_corpora_are_made_in_one_go_and_come_out_as_if_each_were_made_alone(made: Lab) -> None:
    assert [len(step) for step in steps(STAGES)] == [1, 1, 1, 4, 1]
    with made.refinery() as refinery:
        for step in steps(STAGES)[:4]:
            PIPELINE.run_step(refinery, step, DAYS, "run-1")
        together = tree(made.lake)
        for corpus in steps(STAGES)[3]:
            PIPELINE.run_step(refinery, [corpus], DAYS, "run-1")
        alone = tree(made.lake)
    assert {place for place in alone if alone[place] != together.get(place)} <= {
        place for place in alone if place.startswith("runs/")
    }
