"""Rendering: pages without a script and with nothing from outside, readable on a telephone and on paper.

Whatever comes from elsewhere is foreign text: the templates escape all of it, and what cannot be seen is made visible.
A package's own templates lie in its folder `templates`; the style, the head and the parts of a page are shared.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

from distill_platform.pages import wording

if TYPE_CHECKING:
    from jinja2 import Environment

_SHARED = "distill_platform.pages"


@dataclass(frozen=True)
class Section:
    """A table with its title; `text` stands above it, `empty` in its place where it has no rows."""

    title: str
    head: tuple[str, ...]
    rows: Sequence[tuple[str, ...]]
    empty: str
    text: str = ""
    numeric: tuple[int, ...] = ()


def render(package: str, template: str, **values: Any) -> str:
    """Return a page made from a package's template; a value that the template names and nobody gave is an error."""
    environment, css = _templates(package)
    return environment.get_template(template).render(css=css, **values)


@cache
def _templates(package: str) -> tuple[Environment, str]:
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    shared = PackageLoader(_SHARED)
    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), shared]), autoescape=True, undefined=StrictUndefined,
        finalize=_shown, trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    css, _, _ = shared.get_source(environment, "page.css")
    return environment, css


def _shown(value: Any) -> Any:
    """Return foreign text with everything in it visible; markup of our own is left as it is."""
    return wording.unmasked(value) if type(value) is str else value
