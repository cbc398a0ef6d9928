"""Scalars of YAML files: where in the file a character of a quoted, folded or plain value stands."""

from __future__ import annotations

import re
from collections.abc import Iterator

import yaml

_ONE = re.compile(r".", re.DOTALL)
_PIECES = {
    "'": re.compile(r"''|.", re.DOTALL),
    '"': re.compile(r"\\(?:x.{2}|u.{4}|U.{8}|.)|.", re.DOTALL),
}


def place(text: str, node: yaml.Node, column: int) -> tuple[int, int]:
    """Return line and column (1-based) in the file `text` of character `column` (1-based) of the scalar `node`.

    Folding changes white space only, so the characters that are not white space are counted on both sides.
    """
    if not isinstance(node, yaml.ScalarNode):
        return node.start_mark.line + 1, node.start_mark.column + 1
    before = len("".join(node.value[: column - 1].split()))
    ink = list(_ink(text, node))
    at_ink = column <= len(node.value) and not node.value[column - 1].isspace()
    if at_ink and before < len(ink):
        index = ink[before].start()
    else:
        index = ink[min(before, len(ink)) - 1].end() if ink and before else _start(text, node)
    return text.count("\n", 0, index) + 1, index - text.rfind("\n", 0, index)


def _start(text: str, node: yaml.ScalarNode) -> int:
    """Return where the value itself begins: after its quote, or on the line after `>` or `|`."""
    start: int = node.start_mark.index
    if node.style in (">", "|"):
        return text.find("\n", start) + 1
    return start + (node.style in ("'", '"'))


def _ink(text: str, node: yaml.ScalarNode) -> Iterator[re.Match[str]]:
    """Yield the pieces of the source that stand for one character each, white space left out."""
    end = node.end_mark.index - (node.style in ("'", '"'))
    for piece in _PIECES.get(node.style or "", _ONE).finditer(text, _start(text, node), end):
        if not piece[0].isspace() and piece[0] not in ("\\n", "\\t", "\\r", "\\ ", "\\\n"):
            yield piece
