"""Code: which version of it computed something."""

from __future__ import annotations

import hashlib
import subprocess
from functools import cache
from pathlib import Path

import distill_platform


@cache
def code_version(*rooms: str) -> str:
    """Return the package's version and a digest of the code of these rooms: the ones that computed something."""
    root = Path(distill_platform.__file__).parent
    digest = hashlib.sha256()
    for room in rooms:
        for path in sorted((root / room).rglob("*.py")):
            digest.update(path.relative_to(root).as_posix().encode() + b"\0" + path.read_bytes())
    return f"{distill_platform.__version__}+{digest.hexdigest()[:12]}"


@cache
def git_sha() -> str:
    """Return the commit the code was checked out at, or "unknown" outside a checkout."""
    command = ["git", "-C", str(Path(__file__).parent), "rev-parse", "HEAD"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True, timeout=10).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return "unknown"
