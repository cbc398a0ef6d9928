"""Choice: one of a few words that a parameter may be, printed as the word that a caller would write."""

from __future__ import annotations

from enum import StrEnum


class Choice(StrEnum):
    """Base of the parameters that take one of a few words; any of them raises ValueError for another word."""

    def __repr__(self) -> str:
        """Return the word in quotes, so that a result shows what to pass to get it again."""
        return repr(self.value)
