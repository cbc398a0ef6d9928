"""Two stages: what one finds the next looks at closer, and only what is settled is confirmed."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from distill_platform.core import canon
from distill_platform.core.errors import SearchError
from distill_platform.models.search.objective import TrialMeasure
from distill_platform.models.search.settings import BatchSettings, SearchSettings
from distill_platform.models.search.space import Parameters
from distill_platform.models.search.stages import Candidate, Handover, SearchStage, Stages
from distill_platform_tests.models.search.valley import SPACE, Valley

SETTINGS = SearchSettings(
    space=SPACE,
    search=BatchSettings(trials=32, batch_size=8, startup_trials=8),
    refinement=BatchSettings(trials=16, batch_size=8, startup_trials=4),
    candidates=4,
    finalists=2,
)
COARSE, CLOSE = (Valley(lineage_id=name) for name in ("coarse", "close"))


@dataclass
class Chain:
    folder: Path
    found: Handover
    refined: Handover


@pytest.fixture(scope="module")
def chain(tmp_path_factory: pytest.TempPathFactory) -> Chain:
    folder = tmp_path_factory.mktemp("stages")
    stages = Stages(SETTINGS, folder, 1)
    found = stages.search(COARSE)
    refined = stages.refine(found, CLOSE)
    return Chain(folder, found, refined)


def stages(folder: Path) -> Stages:
    return Stages(SETTINGS, folder, 1)


def test_candidates_are_handed_on_best_first_with_the_trials_that_tried_them(chain: Chain) -> None:
    for handed, count in ((chain.found, 4), (chain.refined, 2)):
        assert [one.rank for one in handed.candidates] == list(range(1, count + 1))
        values = [one.value for one in handed.candidates]
        assert values == sorted(values, reverse=True)
        assert all(one.trials for one in handed.candidates)


def test_the_refinement_tries_the_candidates_first_and_then_around_them(chain: Chain) -> None:
    tried = stages(chain.folder).file(SearchStage.REFINEMENT)
    assert tried.exists()
    assert chain.refined.candidates[0].value >= chain.found.candidates[0].value
    assert chain.refined.parent_sha256 == chain.found.sha256


def test_every_trial_of_every_stage_counts(chain: Chain) -> None:
    assert chain.found.n_trials == 32
    assert chain.refined.n_trials == 32 + 16


def test_all_stages_again_are_the_same_values_and_measure_nothing(chain: Chain) -> None:
    again = stages(chain.folder)
    before = {path.name: path.read_bytes() for path in chain.folder.iterdir()}
    assert again.search(COARSE) == chain.found
    assert again.refine(chain.found, CLOSE) == chain.refined
    assert again.finalists(chain.refined) == chain.refined.candidates
    assert {path.name: path.read_bytes() for path in chain.folder.iterdir()} == before


def test_a_handover_survives_the_way_through_a_file(chain: Chain) -> None:
    assert Handover.from_body(chain.refined.to_body()) == chain.refined
    for wrong in ({}, [], None, {**chain.refined.to_body(), "more": 1}, {**chain.refined.to_body(), "stage": "guess"}):
        with pytest.raises(SearchError, match="not a handover"):
            Handover.from_body(wrong)


def strangers(handed: Handover) -> dict[str, Handover]:
    own = Candidate({"depth": 7, "rate": 0.03, "kind": "steep"}, 9.0, 1, (0,))
    first = handed.candidates[0]
    return {
        "a candidate of one's own": replace(handed, candidates=(own,)),
        "one put in": replace(handed, candidates=(*handed.candidates, own)),
        "one left out": replace(handed, candidates=handed.candidates[1:]),
        "another value": replace(handed, candidates=(replace(first, value=9.0), *handed.candidates[1:])),
        "fewer trials": replace(handed, n_trials=1),
        "another search": replace(handed, trials_sha256="0" * 64),
        "another parent": replace(handed, parent_sha256="0" * 64),
    }


@pytest.mark.parametrize(
    "what", list(strangers(Handover(SearchStage.SEARCH, (Candidate({}, 0.0, 1, ()),), "", 0, None)))
)
def test_no_stage_takes_candidates_that_the_one_before_did_not_find(chain: Chain, what: str) -> None:
    with pytest.raises(SearchError, match="not what the search stage handed on"):
        stages(chain.folder).refine(strangers(chain.found)[what], CLOSE)
    with pytest.raises(SearchError, match="not what the refinement stage handed on"):
        stages(chain.folder).finalists(strangers(chain.refined)[what])


def test_no_stage_is_left_out(chain: Chain, tmp_path: Path) -> None:
    with pytest.raises(SearchError, match="not what the refinement stage handed on"):
        stages(chain.folder).finalists(chain.found)
    with pytest.raises(SearchError, match="is missing"):
        stages(tmp_path).refine(chain.found, CLOSE)


def test_a_refinement_of_another_search_is_not_confirmed(chain: Chain, tmp_path: Path) -> None:
    other = Stages(SETTINGS.model_copy(update={"seed": 8}), tmp_path, 1)
    other.search(COARSE)
    other.file(SearchStage.REFINEMENT).write_bytes(stages(chain.folder).file(SearchStage.REFINEMENT).read_bytes())
    with pytest.raises(SearchError, match="not begun with what the stage before handed on"):
        other.finalists(chain.refined)


@dataclass(frozen=True)
class Reckless(Valley):
    """Earns, and draws down beyond every limit."""

    def __call__(self, parameters: Parameters, rung: int) -> TrialMeasure:
        return TrialMeasure(10.0, 0.99, 0.0, 1.0)


def test_a_search_with_nothing_within_the_limits_hands_nothing_on(tmp_path: Path) -> None:
    made = stages(tmp_path)
    found = made.search(Reckless())
    refined = made.refine(found, Reckless())
    assert found.candidates == refined.candidates == made.finalists(refined) == ()
    assert (found.n_trials, refined.n_trials) == (32, 32)
    assert made.trials(SearchStage.REFINEMENT) == ()
    assert refined.parent_sha256 == found.sha256


@pytest.mark.parametrize("forged", [{"value": 99.0}, {"rungs": 1}, {"constraints": {"max_drawdown": -1.0}}])
def test_a_trial_that_is_not_worth_what_its_measures_say_is_not_handed_on(
    chain: Chain, tmp_path: Path, forged: dict[str, object]
) -> None:
    """Its line is sealed again as the platform would seal it: only what it says gives it away."""
    whole = stages(chain.folder).file(SearchStage.SEARCH).read_bytes().splitlines()
    header = canon.parse(whole[0])
    del header["sha256"]
    best = chain.found.candidates[0].trials[0]
    body = canon.parse(whole[1 + best])
    del body["sha256"]
    body |= {"rungs": body["rungs"][:1]} if "rungs" in forged else forged
    whole[1 + best] = canon.dumps({**body, "sha256": canon.sig_hash([canon.sig_hash(header), body])})
    stages(tmp_path).file(SearchStage.SEARCH).write_bytes(b"\n".join(whole) + b"\n")
    with pytest.raises(SearchError, match=f"trial {best} is not worth what its measures say"):
        stages(tmp_path).handed_on(SearchStage.SEARCH)
