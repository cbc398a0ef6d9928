"""Every error this platform raises on purpose.

DistillError                what happened, where, and what to do next
├── ConfigError             a YAML file, a key or a rule in it is wrong
│   ├── ExpressionError     a rule's text does not parse or does not type-check
│   ├── MetricsError        given metrics, or the context of a selection, are not what they must be
│   └── GraphError          a strategy's graph is wired or parametrized wrongly
├── CanonError              bytes are not one strict JSON value
├── SourceError             a source file cannot be read as declared
├── BarsError               market data are not bars
├── FrameError              features or labels cannot be computed from what was given
├── KindError               a node kind computed what its declaration rules out
├── AccountingError         a backtest's books do not close
├── LeakError               a model was trained on what it is judged by, or cannot show that it was not
├── LineRefused             an earlier stage could not work on this model line
├── ModelError              a model cannot be fitted on these rows, or read from these files
├── LakeError               the lake cannot store or serve a dataset
│   ├── MissingDataset      nothing was published under that name
│   ├── CorruptDataset      published bytes do not match their manifest
│   ├── GateRefused         the dataset's verdict is not a pass
│   └── StaleInput          the dataset was made from inputs that have changed since
├── LedgerError             the ledger cannot record or serve a revision
│   ├── EntryRefused        an entry is not one that may be recorded
│   ├── LedgerConflict      the entry's key is taken by another body
│   ├── LedgerUnavailable   the database cannot be reached, or did not answer in time
│   ├── LedgerUnguarded     what makes the database refuse changes is missing, switched off or altered
│   └── LedgerDamaged       what is stored is not what was recorded
├── FeedError               a source outside did not give what was asked of it
│   ├── FeedUnavailable     it cannot be reached, or says that it cannot answer now
│   ├── FeedRefused         it says no, and will say so again
│   ├── FeedGarbled         what came is not what it claims to be
│   ├── BreakerOpen         it was not asked, because it failed too often of late or told us to wait
│   └── RawDamaged          kept bytes are not the ones that once came
├── TrialError              a record of a trial, or of what was judged before, is not one that was ever written
├── ReviewError             a recommendation cannot be recorded, or its history breaks the rules
│   ├── ReviewMissing       nothing was recommended under that name
│   └── DecisionRefused     this person may not decide this, or not now
├── RolloutError            a model cannot be rolled out as asked for
│   └── SaltChanged         who is in the canary would change in the middle of a rollout
├── SearchError             a search cannot begin, go on or hand anything over
├── RowRefused              one row of a source cannot be used, and the others can (feeds.rejected)
├── BundleRefused           a run bundle cannot be taken as it stands (strategies.bundles.refusal)
├── SigningError            a signing key, or the list of trusted ones, cannot be used as it stands
├── ArtifactRefused         a model artifact is not to be trusted, so no parser saw its files
│   ├── ArtifactMalformed   it is not of the form that is sealed here
│   ├── ArtifactUnsigned    no key that is trusted signed it
│   ├── ArtifactAltered     its files are not, byte for byte, those that were sealed
│   └── ArtifactMisplaced   it is sound, and not the one that was asked for
├── RegistryError           an event of a model line may not be recorded, or its history breaks the rules
│   ├── TransitionRefused   the model does not stand where that event could follow
│   ├── LateModelEvent      the event was decided before the one that was recorded last
│   └── ControlArmFrozen    the control arm is another artifact, for ever
├── ForwardWindowError      a forward window cannot be opened as asked for
│   └── ForwardWindowSpent  its lineage has looked at it before
└── DeterminismError        same input, code and configuration gave different content
"""

from __future__ import annotations

from typing import Any


class DistillError(Exception):
    """Says what happened; `hint` says what to do next."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        """Return the message, followed by the hint where there is one."""
        return f"{self.message}. {self.hint}" if self.hint else self.message

    def __reduce__(self) -> tuple[Any, ...]:
        """Return how to rebuild the error as it is, whatever its constructor takes: worker processes hand it over."""
        return _rebuilt, (type(self), self.args), self.__dict__


def _rebuilt(kind: type[DistillError], args: tuple[Any, ...]) -> DistillError:
    return kind.__new__(kind, *args)


class ConfigError(DistillError):
    """A configuration file cannot be accepted as it stands."""

    def __init__(self, message: str, *, file: str = "", line: int = 0, column: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.file = file
        self.line = line
        self.column = column

    def __str__(self) -> str:
        """Return `file:line:column: message. hint`, leaving out what is not known."""
        place = ":".join(str(part) for part in (self.file, self.line, self.column) if part)
        return f"{place}: {super().__str__()}" if place else super().__str__()


class ExpressionError(ConfigError):
    """A rule's text does not parse, or names or mixes what it may not."""

    def __init__(self, message: str, *, text: str, column: int, hint: str = "") -> None:
        super().__init__(message, column=column, hint=hint)
        self.text = text

    def __str__(self) -> str:
        """Return the message with the column (1-based) inside the rule's text."""
        return f"column {self.column}: {DistillError.__str__(self)} (in {self.text[:200]!r})"


class MetricsError(ConfigError):
    """Metrics given for a dry run, or the context of its selection, cannot be accepted as they stand."""


class GraphError(ConfigError):
    """A strategy's graph is wired or parametrized wrongly; `location` is the way there, as keys and positions."""

    def __init__(self, message: str, *, location: tuple[str | int, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.location = location


class CanonError(DistillError):
    """Bytes are not one strict JSON value; `reason` is the quarantine reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SourceError(DistillError):
    """A source file cannot be read as its declaration says."""


class BarsError(DistillError):
    """Market data are not bars: stamps, shapes or prices are not what they must be."""


class FrameError(DistillError):
    """Features or labels cannot be computed, joined or read back from what was given."""


class KindError(DistillError):
    """A node kind gave another shape, or another sort of value, than it declares."""


class AccountingError(DistillError):
    """Two ways of counting the same account gave different sums, so neither is to be trusted."""


class LeakError(DistillError):
    """A model was trained on what it is judged by, or nobody can show that it was not."""


class ModelError(DistillError):
    """A model cannot be fitted on these rows, or read from these files."""


class LineRefused(DistillError):
    """An earlier stage could not work on this model line; the message is the reason that it gave."""


class LakeError(DistillError):
    """The lake cannot store or serve a dataset."""


class MissingDataset(LakeError):
    """Nothing was published under that dataset and partition."""


class CorruptDataset(LakeError):
    """Published bytes do not match the hashes in their manifest."""


class GateRefused(LakeError):
    """The dataset's own verdict is not a pass, so nobody may read it."""


class StaleInput(LakeError):
    """The dataset was made from inputs that have changed since."""


class LedgerError(DistillError):
    """The ledger cannot record or serve a revision."""


class EntryRefused(LedgerError):
    """An entry's stream, key, kind, actor or body is not one that may be recorded; nothing was."""


class LedgerConflict(LedgerError):
    """The key was recorded before with another body; nothing was recorded now."""

    def __init__(self, stream: str, key: str) -> None:
        message = f"{stream} already holds another body, or another kind, under the key {key!r}"
        super().__init__(message, hint="Read what is recorded; a correction is a new revision under a new key")
        self.stream = stream
        self.key = key


class LedgerUnavailable(LedgerError):
    """The database cannot be reached, or did not answer in time; appending the same entry again is safe."""


class LedgerUnguarded(LedgerError):
    """A table, constraint, trigger or limit of privileges that makes the database refuse changes is not there."""

    def __init__(self, message: str, *, missing: tuple[str, ...] = (), hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.missing = missing


class LedgerDamaged(LedgerError):
    """What is stored is not what was recorded."""


class FeedError(DistillError):
    """A source outside did not give what was asked of it; `url` is without secrets, `is_transient` worth a retry."""

    is_transient = False

    def __init__(self, message: str, *, feed: str, url: str = "", hint: str = "") -> None:
        super().__init__(f"{feed}: {message} ({url})" if url else f"{feed}: {message}", hint=hint)
        self.feed = feed
        self.url = url


class FeedUnavailable(FeedError):
    """The source cannot be reached or cannot answer now; `retry_after_s` is how long it told us to wait, if it did."""

    is_transient = True

    def __init__(
        self, message: str, *, feed: str, url: str = "", status: int | None = None, retry_after_s: float | None = None
    ) -> None:
        super().__init__(message, feed=feed, url=url, hint="It is asked again later; see the feed's health if it stays")
        self.status = status
        self.retry_after_s = retry_after_s


class FeedRefused(FeedError):
    """The source says no, and will say so again: a wrong address, a wrong key, or nothing there."""

    def __init__(
        self,
        message: str,
        *,
        feed: str,
        url: str = "",
        status: int | None = None,
        hint: str = "Correct the feed's file",
    ) -> None:
        super().__init__(message, feed=feed, url=url, hint=hint)
        self.status = status


class FeedGarbled(FeedError):
    """The bytes that came are not what they claim to be, so none of them was kept."""

    def __init__(self, message: str, *, feed: str, url: str = "", is_transient: bool = False, hint: str = "") -> None:
        super().__init__(message, feed=feed, url=url, hint=hint)
        self.is_transient = is_transient


class BreakerOpen(FeedError):
    """The source was not asked: it failed too often of late, told us to wait, or somebody else is just trying it."""


class RawDamaged(FeedError):
    """Kept bytes are not the ones that once came, or are gone."""


class TextModelFailed(DistillError):
    """A text model that the configuration names gave no answer."""


class TrialError(DistillError):
    """A record of a trial, or of what was judged before, is not one that this platform wrote."""


class SigningError(DistillError):
    """A signing key, or the list of trusted ones, cannot be used as it stands."""


class ArtifactRefused(DistillError):
    """A model artifact is not to be trusted; no parser saw its files."""


class ArtifactMalformed(ArtifactRefused):
    """An artifact is not of the form that is sealed here: its folder, its manifest or the names of its files."""


class ArtifactUnsigned(ArtifactRefused):
    """No key that is trusted signed the artifact: its signature is missing, of another key, or of other bytes."""


class ArtifactAltered(ArtifactRefused):
    """An artifact's files are not, byte for byte, those that were sealed."""


class ArtifactMisplaced(ArtifactRefused):
    """An artifact is sound and signed, and not the one that was asked for."""


class RegistryError(DistillError):
    """An event of a model line may not be recorded, or the history that is recorded breaks the rules."""


class TransitionRefused(RegistryError):
    """A model does not stand where the event could follow."""


class LateModelEvent(RegistryError):
    """The event was decided before the one that was recorded last, so on a state that is no longer there."""


class ControlArmFrozen(RegistryError):
    """A control arm is frozen once: under its name there is another artifact."""


class ForwardWindowError(DistillError):
    """A forward window cannot be opened as asked for."""


class ForwardWindowSpent(ForwardWindowError):
    """The lineage has opened a window that shares a moment with this one; `number` is that opening's."""

    def __init__(self, message: str, *, number: int, opened_at: str, opened_by: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.number = number
        self.opened_at = opened_at
        self.opened_by = opened_by


class ReviewError(DistillError):
    """A recommendation cannot be recorded, or what is recorded of it breaks the rules."""


class ReviewMissing(ReviewError):
    """Nothing was recommended under that name."""


class DecisionRefused(ReviewError):
    """This person may not decide this, or not now; nothing was recorded."""


class RolloutError(DistillError):
    """A model cannot be rolled out as asked for."""


class SaltChanged(RolloutError):
    """Who is in the canary would change in the middle of a rollout."""


class SearchError(DistillError):
    """A search cannot begin, go on, or hand its candidates over."""


class DeterminismError(DistillError):
    """Same input, code version and configuration gave different content."""
