"""The way in: compile a rule's text once, then evaluate it against many records."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from distill_platform.core.expression.checking import check
from distill_platform.core.expression.deciding import Decide, Values, closure
from distill_platform.core.expression.kinds import Kind, Verdict
from distill_platform.core.expression.parser import parse
from distill_platform.core.expression.values import Reader, reader

Lookup = Callable[[str], object]

_NO_ALIASES: Mapping[str, str] = MappingProxyType({})


@dataclass(frozen=True)
class Expression:
    """A checked rule; `names` are the canonical names it looks at, sorted. Made by `compile_expression`."""

    text: str
    names: tuple[str, ...]
    _kinds: tuple[tuple[str, Kind], ...] = field(repr=False)
    _aliases: tuple[tuple[str, str], ...] = field(repr=False)
    _readers: tuple[tuple[str, Reader], ...] = field(repr=False, compare=False)
    _decide: Decide = field(repr=False, compare=False)

    def evaluate(self, lookup: Lookup) -> Verdict:
        """Return the verdict on one record; `lookup(name)` gives a value, or None where there is none.

        Every name is looked up, also one that could not change the outcome: a missing, null, NaN, infinite or
        wrong-kind value makes the verdict unknown, so `missing || true` is unknown.
        """
        return self._conclude([read(lookup(name)) for name, read in self._readers])

    def evaluate_columns(self, columns: Mapping[str, Iterable[object]]) -> list[Verdict]:
        """Return the verdicts on many records, given a column of values for each of `names`."""
        usable = [map(read, columns[name]) for name, read in self._readers]
        return list(map(self._conclude, zip(*usable, strict=True)))

    def _conclude(self, values: Values) -> Verdict:
        if None in values:
            return Verdict.UNKNOWN
        return Verdict.TRUE if self._decide(values) else Verdict.FALSE

    def holds(self, lookup: Lookup) -> bool:
        """Return whether the verdict is true; unknown does not hold."""
        return self.evaluate(lookup) is Verdict.TRUE

    def __reduce__(self) -> tuple[object, ...]:
        """Return what pickle needs: closures do not travel between processes, so the text is compiled again."""
        return compile_expression, (self.text, dict(self._kinds), dict(self._aliases))


def compile_expression(text: str, kinds: Mapping[str, Kind], aliases: Mapping[str, str] = _NO_ALIASES) -> Expression:
    """Return the checked rule; raise ExpressionError, with a 1-based column, for anything outside the language.

    `kinds` declares every name the rule may use; `aliases` maps further spellings to declared names.
    """
    tree = parse(text)
    canonical = check(tree, text, kinds, aliases)
    names = tuple(sorted(set(canonical.values())))
    return Expression(
        text=text,
        names=names,
        _kinds=tuple((name, kinds[name]) for name in names),
        _aliases=tuple(sorted((spelling, name) for spelling, name in canonical.items() if spelling != name)),
        _readers=tuple((name, reader(kinds[name])) for name in names),
        _decide=closure(tree, {spelling: names.index(name) for spelling, name in canonical.items()}),
    )
