"""Write the sample: ``python -m distill_platform.refinery.sample [source folder [evaluation set folder]]``."""

import sys
from collections.abc import Mapping
from pathlib import Path

from distill_platform.refinery.sample import benchmark, generate


def main(arguments: list[str]) -> None:
    """Write the source files and the evaluation set into the given folders, by default into this repository's."""
    sources = Path(arguments[0] if arguments else "data/sources")
    eval_sets = Path(arguments[1] if len(arguments) > 1 else "config/eval_sets")
    _write(sources, generate())
    if not arguments or len(arguments) > 1:
        _write(eval_sets, {"sample_benchmark.jsonl": benchmark()})


def _write(folder: Path, files: Mapping[str, bytes]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for name, content in files.items():
        (folder / name).write_bytes(content)
        sys.stderr.write(f"{folder / name}: {len(content.splitlines())} lines\n")


if __name__ == "__main__":
    main(sys.argv[1:])
