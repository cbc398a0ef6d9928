"""Configuration files: strict YAML into frozen models, with errors that name file, line, column and the nearest key."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any, NoReturn, TypeVar, get_args

import yaml
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic_core import ErrorDetails

from distill_platform.core import scalar
from distill_platform.core.errors import ConfigError, ExpressionError

_MAX_BYTES = 1_000_000
_MAX_VALUES = 100_000
_UNKNOWN = 0
Model = TypeVar("Model", bound="StrictModel")


class StrictModel(BaseModel):
    """A frozen model that refuses unknown keys and never converts one kind of value into another."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


def nearest(name: str, known: list[str]) -> str:
    """Return a hint that names the known word nearest to `name`, or lists the known words."""
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.6)
    return f"Did you mean '{close[0]}'?" if close else f"Known: {', '.join(sorted(known))}"


def load_yaml(path: Path, model: type[Model]) -> Model:
    """Return the model that the YAML file `path` declares.

    Raises ConfigError for an unreadable file, malformed or duplicate YAML keys, unknown keys and wrong values.
    """
    root = _compose(path)
    try:
        return model.model_validate(_Constructor().build(root, path))
    except ValidationError as error:
        _refuse_first(error, root, model, path)


def load_section(path: Path, section: str, model: type[Model]) -> Model:
    """Return the model that one top-level key of the YAML file `path` declares; an absent one is all defaults.

    The other keys are not looked at: whoever owns them refuses what is wrong there. Errors: as `load_yaml`.
    """
    root = _compose(path)
    node = next((value for key, value in root.value if key.value == section), None)
    if node is None:
        return model()
    try:
        return model.model_validate(_Constructor().build(node, path))
    except ValidationError as error:
        _refuse_first(error, node, model, path)


def load_keys(path: Path, model: type[Model]) -> Model:
    """Return the model that those top-level keys of the YAML file `path` declare which it knows.

    The other keys are not looked at, as in `load_section`. Errors: as `load_yaml`.
    """
    root = _compose(path)
    own = [(key, value) for key, value in root.value if key.value in known_keys(model, ())]
    try:
        return model.model_validate(_Constructor().build(yaml.MappingNode(root.tag, own, root.start_mark), path))
    except ValidationError as error:
        _refuse_first(error, root, model, path)


def rule_error(path: Path, location: tuple[str | int, ...], error: ExpressionError) -> ConfigError:
    """Return `error` placed in its YAML file: line and column of what is wrong, wherever the rule's text stands."""
    node = _node_at(_compose(path), location)
    line, column = scalar.place(_read(path), node, error.column)
    message = f"{error.message} (in rule {error.text[:200]!r})"
    return ConfigError(message, file=str(path), line=line, column=column, hint=error.hint)


def place_of(path: Path, location: tuple[str | int, ...]) -> tuple[int, int]:
    """Return line and column (1-based) of what stands at `location` in the YAML file, or of the nearest above it."""
    mark = _node_at(_compose(path), location).start_mark
    return mark.line + 1, mark.column + 1


def _read(path: Path) -> str:
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"is larger than {_MAX_BYTES} bytes", file=str(path))
        return path.read_bytes().decode("utf-8")
    except OSError as error:
        raise ConfigError(f"cannot be read: {error.strerror}", file=str(path)) from None
    except UnicodeDecodeError as error:
        raise ConfigError(f"is not UTF-8 (byte {error.start})", file=str(path)) from None


def _compose(path: Path) -> yaml.Node:
    try:
        node = yaml.compose(_read(path), Loader=yaml.SafeLoader)
        if node is not None:
            _refuse_bomb(node, path)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or getattr(error, "reason", None) or "nested too deeply"
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        raise ConfigError(f"is not YAML: {problem}", file=str(path), line=line, column=column) from None
    if not isinstance(node, yaml.MappingNode):
        raise ConfigError("must be a YAML mapping of keys to values", file=str(path), line=1)
    return node


def _refuse_bomb(root: yaml.Node, path: Path) -> None:
    """Refuse aliases that stand for more values than anybody writes out, or for what they stand in."""
    sizes: dict[int, int] = {}
    if _values_in(root, sizes, path) > max(_MAX_VALUES, len(sizes)):
        _fail(path, root, f"its aliases stand for more than {_MAX_VALUES:,} values", "Write the values out")


def _values_in(node: yaml.Node, sizes: dict[int, int], path: Path) -> int:
    """Return how many values a node stands for once its aliases are written out; each node is counted once."""
    if id(node) not in sizes:
        sizes[id(node)] = _UNKNOWN
        sizes[id(node)] = 1 + sum(_values_in(child, sizes, path) for child in _children(node))
    elif sizes[id(node)] == _UNKNOWN:
        _fail(path, node, "a value must not hold itself", "Write it out")
    return sizes[id(node)]


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [part for pair in node.value for part in pair]
    return node.value if isinstance(node, yaml.SequenceNode) else []


class _Constructor(yaml.constructor.SafeConstructor):
    """Builds plain values; refuses duplicate keys and leaves the dates that YAML guesses alone."""

    def build(self, node: yaml.Node, path: Path) -> Any:
        if isinstance(node, yaml.MappingNode):
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            return [self.build(item, path) for item in node.value]
        if node.tag == "tag:yaml.org,2002:timestamp":
            return node.value
        try:
            return self.construct_object(node)
        except (yaml.YAMLError, ValueError) as error:
            _fail(path, node, f"value cannot be read: {error}")

    def _mapping(self, node: yaml.MappingNode, path: Path) -> dict[str, Any]:
        built: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = key_node.value
            if not isinstance(key, str) or key in built:
                _fail(path, key_node, f"key {key!r} stands twice" if isinstance(key, str) else "key is not a word")
            built[key] = self.build(value_node, path)
        return built


def _fail(path: Path, node: yaml.Node, message: str, hint: str = "") -> NoReturn:
    mark = node.start_mark
    raise ConfigError(message, file=str(path), line=mark.line + 1, column=mark.column + 1, hint=hint)


def _refuse_first(error: ValidationError, root: yaml.Node, model: type[BaseModel], path: Path) -> NoReturn:
    unknown_first = sorted(error.errors(), key=lambda detail: detail["type"] != "extra_forbidden")
    _refuse(unknown_first[0], root, model, path)


def _refuse(detail: ErrorDetails, root: yaml.Node, model: type[BaseModel], path: Path) -> NoReturn:
    location = detail["loc"]
    node = _node_at(root, location)
    dotted = ".".join(str(part) for part in location) or "the file"
    if detail["type"] == "extra_forbidden":
        known = known_keys(model, location[:-1])
        _fail(path, _key_node(root, location), f"unknown key {dotted!r}", nearest(str(location[-1]), known))
    _fail(path, node, f"{dotted}: {detail['msg'].removeprefix('Value error, ')}")


def _node_at(root: yaml.Node, location: tuple[str | int, ...]) -> yaml.Node:
    """Return the deepest node on the way to `location`; model names that are not keys are stepped over."""
    node = root
    for part in location:
        child = None
        if isinstance(node, yaml.MappingNode):
            child = next((value for key, value in node.value if key.value == part), None)
        elif isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            child = node.value[part]
        node = child if child is not None else node
    return node


def _key_node(root: yaml.Node, location: tuple[str | int, ...]) -> yaml.Node:
    parent = _node_at(root, location[:-1])
    if isinstance(parent, yaml.MappingNode):
        return next((key for key, _ in parent.value if key.value == location[-1]), parent)
    return parent


def known_keys(model: type[BaseModel], location: tuple[str | int, ...]) -> list[str]:
    """Return the keys of the model found by walking `location` through the annotations."""
    current = model
    for part in location:
        field = current.model_fields.get(str(part)) or _by_alias(current, str(part))
        inner = _model_in(field.annotation) if field is not None else None
        current = inner or current
    return [field.alias or name for name, field in current.model_fields.items()]


def _by_alias(model: type[BaseModel], alias: str) -> Any:
    return next((field for field in model.model_fields.values() if field.alias == alias), None)


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for part in get_args(annotation) if (found := _model_in(part))), None)
