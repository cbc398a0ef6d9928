"""Hooks: functions that a configuration names as `module:function`, found beside its file or installed."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from distill_platform.core.errors import ConfigError

HookName = Annotated[str, Field(pattern=r"^[A-Za-z_][\w.]*:[A-Za-z_]\w*$")]


def import_hook(key: str, target: str, file: Path) -> Callable[..., Any]:
    """Return the function that a key of a YAML file names, from a module beside the file, above it, or installed.

    Raises ConfigError for one that cannot be imported or is no function, and where the module beside the file is not
    the one that Python has under its name.
    """
    module_name, _, function_name = target.partition(":")
    for folder in (str(file.resolve().parent), str(file.resolve().parent.parent)):
        if folder not in sys.path:
            sys.path.append(folder)
    try:
        module = importlib.import_module(module_name)
        hook = getattr(module, function_name)
    except Exception as error:
        hint = "Put the module beside the YAML file or install it"
        raise ConfigError(f"{key} {target!r} cannot be imported: {error}", file=str(file), hint=hint) from error
    if not callable(hook):
        raise ConfigError(f"{key} {target!r} is not a function", file=str(file))
    beside = file.resolve().with_name(f"{module_name}.py")
    origin = getattr(module, "__file__", None) or "Python itself"
    if beside.exists() and beside != Path(origin).resolve():
        hint = f"Rename {beside.name}: Python keeps one module of a name"
        raise ConfigError(f"{key} {target!r} was imported from {origin}", file=str(file), hint=hint)
    return hook  # type: ignore[no-any-return]
