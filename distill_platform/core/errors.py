"""Every error this platform raises on purpose.

DistillError                what happened, where, and what to do next
├── ConfigError             a YAML file, a key or a rule in it is wrong
│   ├── ExpressionError     a rule's text does not parse or does not type-check
│   └── MetricsError        given metrics, or the context of a selection, are not what they must be
├── CanonError              bytes are not one strict JSON value
├── SourceError             a source file cannot be read as declared
├── LakeError               the lake cannot store or serve a dataset
│   ├── MissingDataset      nothing was published under that name
│   ├── CorruptDataset      published bytes do not match their manifest
│   ├── GateRefused         the dataset's verdict is not a pass
│   └── StaleInput          the dataset was made from inputs that have changed since
├── BundleRefused           a run bundle cannot be taken as it stands (strategies.bundles.refusal)
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


class CanonError(DistillError):
    """Bytes are not one strict JSON value; `reason` is the quarantine reason."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class SourceError(DistillError):
    """A source file cannot be read as its declaration says."""


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


class DeterminismError(DistillError):
    """Same input, code version and configuration gave different content."""
