"""File of trials: one line a trial, on disk the moment the trial ends.

The first line is the header of the plan. Each line carries the hash of the plan and of itself, so that a line that was
changed, or that comes from another search, is found. A line that a crash cut off is put aside and its trial run again.
While a search runs, lines stand in the order in which trials ended; once it is done they stand by number, so that the
whole file is the same, byte for byte, wherever and in how many pieces it was made. What does differ (seconds, retries,
what an exception said) goes to a file beside it.
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from distill_platform.core import canon
from distill_platform.core.errors import CanonError, SearchError, TrialError
from distill_platform.models.search.plan import SearchPlan
from distill_platform.models.search.trial import Trial
from distill_platform.store.lake.atomic import disk_errors, replace_file, sync_folder

_DIGEST = "sha256"
_KEEP = "Keep the file to look at, and move it away to search anew"


class TrialsFile:
    """The trials of one search, open in one process at a time; `trials` are those that have ended, by number."""

    def __init__(self, path: Path, plan: SearchPlan) -> None:
        self.path = path
        self._plan = plan
        self.trials: dict[int, Trial] = {}

    @classmethod
    @contextmanager
    def opened(cls, path: Path, plan: SearchPlan) -> Iterator[Self]:
        """Open the file, or begin it, for this process alone; another that has it open is waited for.

        The lock goes with its process, however that ends. Raises SearchError for the file of another plan, TrialError
        (with file and line) for a damaged one, and LakeError for what the disk refuses.
        """
        with disk_errors(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = os.open(path.with_name(f".{path.name}.lock"), os.O_RDWR | os.O_CREAT, 0o644)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX)
            file = cls(path, plan)
            file._begin()
            yield file
        finally:
            os.close(lock)

    def add(self, trial: Trial) -> None:
        """Append a trial; it is on disk when this returns."""
        if trial.number in self.trials:
            raise SearchError(f"{self.path} holds trial {trial.number} already")
        _append(self.path, _sealed(trial.to_body(), self._plan.sha256))
        self.trials[trial.number] = trial

    def note(self, number: int, **facts: object) -> None:
        """Append what is worth knowing of a trial and is not part of the search, to the file beside it; not synced."""
        path = self.path.with_suffix(".notes.jsonl")
        with disk_errors(path), path.open("ab") as file:
            file.write(canon.dumps({"number": number, **facts}) + b"\n")

    def settle(self) -> None:
        """Put the lines into the order of their numbers, in one step; nothing is done where they stand so already."""
        whole = to_bytes(self._plan, [self.trials[number] for number in sorted(self.trials)])
        if self.path.read_bytes() != whole:
            replace_file(self.path, whole)

    def _begin(self) -> None:
        raw = _read(self.path) if self.path.exists() else b""
        end = raw.rfind(b"\n") + 1
        if end < len(raw):
            self._put_aside(raw, end)
        if end:
            self._read(raw[:end])
        else:
            _append(self.path, _sealed(self._plan.header, ""))
            sync_folder(self.path.parent)

    def _put_aside(self, raw: bytes, end: int) -> None:
        """Cut a torn last line off, and keep it: first kept, then cut, so that no crash loses it."""
        torn = {"reason": "torn_last_line", "at_byte": end, "bytes": raw[end:].hex()}
        _append(self.path.with_suffix(".torn.jsonl"), canon.dumps(torn) + b"\n")
        with disk_errors(self.path):
            os.truncate(self.path, end)

    def _read(self, raw: bytes) -> None:
        header, trials = _parsed(raw, self.path)
        self._check_header(header)
        for trial in trials:
            if trial.batch != self._plan.batch_of(trial.number) or trial.number >= self._plan.batches.trials:
                raise TrialError(f"{self.path}: trial {trial.number} is not one of the plan", hint=_KEEP)
            self.trials[trial.number] = trial

    def _check_header(self, found: dict[str, Any]) -> None:
        wanted = self._plan.header
        other = sorted(key for key in wanted.keys() | found.keys() if wanted.get(key) != found.get(key))
        if other:
            said = "; ".join(f"{key} is {found.get(key)} there and {wanted.get(key)} here" for key in other)
            hint = "Search into another file, or go on with what it was begun with"
            raise SearchError(f"{self.path} belongs to another search: {said}", hint=hint)


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SearchError(f"{path} cannot be read: {error.strerror}", hint="Name a file of trials") from None


def read_trials(path: Path) -> tuple[dict[str, Any], list[Trial]]:
    """Return the header and all trials, by number, of a search that is done; nobody needs to have it open.

    Raises SearchError for a file that is missing or lacks a trial, TrialError for a damaged one.
    """
    if not path.exists():
        raise SearchError(f"{path} is missing", hint="Run the search that makes it first")
    header, trials = _parsed(_read(path), path)
    told = header.get("batches")
    wanted = told.get("trials") if isinstance(told, dict) else None
    if not isinstance(wanted, int) or "parent_sha256" not in header:
        raise TrialError(f"{path}:1: the line is no header of a search", hint=_KEEP)
    if [trial.number for trial in trials] != list(range(wanted)):
        raise SearchError(f"{path} holds a search that is not done", hint="Run it to its end first")
    return header, trials


def _parsed(raw: bytes, path: Path) -> tuple[dict[str, Any], list[Trial]]:
    """Return the header and the trials as they stand."""
    first, *others = raw.split(b"\n")[:-1] or [b""]
    header = _opened_line(first, "", path, 1)
    plan_sha256 = canon.sig_hash(header)
    trials: dict[int, Trial] = {}
    for place, line in enumerate(others, start=2):
        trial = _trial(_opened_line(line, plan_sha256, path, place), path, place)
        if trial.number in trials:
            raise TrialError(f"{path}:{place}: trial {trial.number} stands twice", hint=_KEEP)
        trials[trial.number] = trial
    return header, list(trials.values())


def _trial(body: dict[str, Any], path: Path, place: int) -> Trial:
    try:
        return Trial.from_body(body)
    except TrialError as error:
        raise TrialError(f"{path}:{place}: {error.message}", hint=_KEEP) from None


def to_bytes(plan: SearchPlan, trials: Sequence[Trial]) -> bytes:
    """Return the whole file of a search: header, then trials as given."""
    return _sealed(plan.header, "") + b"".join(_sealed(trial.to_body(), plan.sha256) for trial in trials)


def _sealed(body: dict[str, Any], plan_sha256: str) -> bytes:
    return canon.dumps({**body, _DIGEST: canon.sig_hash([plan_sha256, body])}) + b"\n"


def _opened_line(line: bytes, plan_sha256: str, path: Path, place: int) -> dict[str, Any]:
    try:
        body = canon.parse(line)
    except CanonError as error:
        raise TrialError(f"{path}:{place}: {error.message}", hint=_KEEP) from None
    digest = body.pop(_DIGEST, None) if isinstance(body, dict) else None
    if digest is None or digest != canon.sig_hash([plan_sha256, body]):
        message = f"{path}:{place}: the line was changed, or belongs to another search"
        raise TrialError(message, hint=_KEEP)
    return dict(body)


def _append(path: Path, line: bytes) -> None:
    """Append one line in a single write and wait until it is on disk."""
    with disk_errors(path):
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o644)
        try:
            if os.write(file, line) != len(line):
                raise SearchError(f"{path} could not be written whole", hint="Free space and run again")
            os.fsync(file)
        finally:
            os.close(file)
