"""The contest: one of our functions and its peers in alternation, by CPU time, and what the machine can do."""

from __future__ import annotations

import importlib
import time
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Work = Callable[[], object]


@dataclass(frozen=True)
class Peer:
    """What we compare with; `work` is None when it is not installed, and `times` of it are the whole job.

    `target` is how many times our CPU time it should take; None where nobody set one.
    """

    name: str
    work: Work | None
    target: float | None
    times: float = 1.0


@dataclass(frozen=True)
class Case:
    """One job: ours, ours at a tenth of its cost, the peers', and how many operations of which kind the job takes."""

    name: str
    size: str
    ours: Work
    tenth: Work
    tenth_of: str
    peers: Sequence[Peer]
    operations: float
    kind: str


@dataclass(frozen=True)
class PeerTime:
    """The best CPU time of a peer for the whole job, None when it is not installed."""

    name: str
    cpu_s: float | None
    target: float | None
    times: float


@dataclass(frozen=True)
class Outcome:
    """The best CPU times of a case; `limit_per_s` is how many such operations the machine does at most."""

    name: str
    size: str
    cpu_s: float
    tenth_cpu_s: float
    tenth_of: str
    peers: Sequence[PeerTime]
    operations: float
    kind: str
    limit_per_s: float

    @property
    def growth(self) -> float:
        """Return the cost of ten times the size over ten times the cost: 1 is growth as stated, less is better."""
        return self.cpu_s / self.tenth_cpu_s / 10.0

    @property
    def share_of_limit(self) -> float:
        """Return the operations a second as a share of what the machine can do."""
        return self.operations / self.cpu_s / self.limit_per_s


def compete(case: Case, laps: int, limits: Mapping[str, float]) -> Outcome:
    """Return the best of `laps` alternating laps of everybody, after a lap that does not count."""
    works = {"ours": case.ours, "a tenth": case.tenth, **{peer.name: peer.work for peer in case.peers if peer.work}}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # peers warn of their own dependencies
        for work in works.values():
            work()
        best = dict.fromkeys(works, float("inf"))
        for _ in range(laps):
            for name, work in works.items():
                best[name] = min(best[name], _cpu_seconds(work))
    peers = [
        PeerTime(peer.name, best[peer.name] * peer.times if peer.work else None, peer.target, peer.times)
        for peer in case.peers
    ]
    return Outcome(
        case.name, case.size, best["ours"], best["a tenth"], case.tenth_of, peers, case.operations, case.kind,
        limits[case.kind],
    )  # fmt: skip


def installed(module: str) -> Any:
    """Return a peer's module, or None when it is not installed."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            return importlib.import_module(module)
    except ImportError:
        return None


def _cpu_seconds(work: Work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start
