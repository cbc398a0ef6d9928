"""The loop in Python: read lines, parse, hash the canonical text, deduplicate by it, transform, write.

Started by `contest` as `python -m benchmarks.loop.ours <workers> <warm-up> <input> <output>`. Parsing is the platform's
own: unlike JSON.parse it refuses duplicate keys, lone surrogates and whole numbers that would be rounded.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO

import orjson

from benchmarks.processes import cpu_seconds
from distill_platform.core import canon
from distill_platform.core.workers import Workers

_BUFFER = 1 << 18
_CHUNK = 4 << 20  # small enough that the warm-up keeps every worker busy
_Row = tuple[str, bytes]  # the hash of a row, and the line that goes out for it


def loop(input_file: Path, output_file: Path) -> tuple[int, int]:
    """Return how many rows were read and how many different ones were written."""
    seen: set[str] = set()
    rows = 0
    with input_file.open("rb", buffering=_BUFFER) as lines, output_file.open("wb", buffering=_BUFFER) as out:
        for sig, line in _transformed(lines):
            rows += 1
            if sig not in seen:
                seen.add(sig)
                out.write(line)
    return rows, len(seen)


def _transformed(lines: Iterable[bytes]) -> Iterator[_Row]:
    parse, sig_hash, dumps = canon.parse, canon.sig_hash, orjson.dumps
    for line in lines:
        row = parse(line.rstrip(b"\n"))
        sig = sig_hash(row)
        out = {"id": row["run"], "task": row["task"], "text": row["answer"], "sig": sig}
        yield sig, dumps(out, option=orjson.OPT_APPEND_NEWLINE)


def loop_on_workers(input_file: Path, output_file: Path, workers: Workers) -> tuple[int, int]:
    """Do as `loop` does, to the same output: every chunk of the file becomes a part, and the parts one file."""
    size = input_file.stat().st_size
    tasks = [
        _Part(input_file, start, min(start + _CHUNK, size), Path(f"{output_file}.{start}"))
        for start in range(0, size, _CHUNK)
    ]
    seen: set[str] = set()
    rows = 0
    with output_file.open("wb", buffering=_BUFFER) as out:
        for task, sigs in zip(tasks, workers.map(_write_part, tasks), strict=True):
            rows += len(sigs)
            _append_different(out, task.path, sigs, seen)
    return rows, len(seen)


@dataclass(frozen=True)
class _Part:
    """The lines that start at bytes [start, end) of a file, and where to write what becomes of them."""

    input_file: Path
    start: int
    end: int
    path: Path


def _write_part(part: _Part) -> list[str]:
    """Write a part with a line for every row, and return the rows' hashes."""
    sigs = []
    with part.path.open("wb", buffering=_BUFFER) as out:
        for sig, line in _transformed(_lines(part)):
            sigs.append(sig)
            out.write(line)
    return sigs


def _lines(part: _Part) -> Iterator[bytes]:
    with part.input_file.open("rb", buffering=_BUFFER) as file:
        position = part.start
        if position:
            file.seek(position - 1)
            position += len(file.readline()) - 1
        while position < part.end and (line := file.readline()):
            yield line
            position += len(line)


def _append_different(out: IO[bytes], path: Path, sigs: list[str], seen: set[str]) -> None:
    """Append the lines of a part whose hashes are new, and remove the part."""
    fresh = set(sigs) - seen
    with path.open("rb", buffering=_BUFFER) as part:
        if len(fresh) == len(sigs):
            shutil.copyfileobj(part, out, _BUFFER)
        else:
            for sig, line in zip(sigs, part, strict=True):
                if sig in fresh:
                    fresh.discard(sig)
                    out.write(line)
    seen.update(sigs)
    path.unlink()


def main(workers: int, warm_up: Path, input_file: Path, output_file: Path) -> None:
    """Run the loop over the warm-up file, then measured over the input; print the measurement as JSON."""
    with Workers(workers) as pool:

        def run(file: Path) -> tuple[int, int]:
            return loop(file, output_file) if workers == 1 else loop_on_workers(file, output_file, pool)

        run(warm_up)
        clock = time.process_time if workers == 1 else cpu_seconds  # the first is finer, but blind to children
        wall, cpu = time.perf_counter(), clock()
        rows, kept = run(input_file)
        measured = {"wall_s": time.perf_counter() - wall, "cpu_s": clock() - cpu}
    print(orjson.dumps({"rows": rows, "kept": kept, **measured}).decode())


if __name__ == "__main__":
    main(int(sys.argv[1]), *map(Path, sys.argv[2:5]))
