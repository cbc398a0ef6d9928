"""One row of every kind of bad input, with the name of what is wrong with it."""

import json

DEPTH = 600
"""How many levels the deeply nested row has."""


def bad_rows() -> tuple[tuple[str, bytes], ...]:
    """(kind, the line's bytes with its line ending), in the order of the file.

    The row with a byte order mark must be the first, the torn one (no line ending) the last.
    """
    return (
        ("bom", b"\xef\xbb\xbf" + _line("bom")),
        ("crlf", _line("crlf").replace(b"\n", b"\r\n")),
        ("malformed_json", b'{"run_id": "bad-malformed", task_id: none}\n'),
        ("truncated", _line("truncated")[:90] + b"\n"),
        ("not_an_object", b'["bad-not-an-object", 1, 2]\n'),
        ("duplicate_key", _raw("duplicate-key", b'"answer": "one", "answer": "two"')),
        ("nan", _raw("nan", b'"answer": "text", "score": NaN')),
        ("infinity", _raw("infinity", b'"answer": "text", "score": -Infinity')),
        ("lone_surrogate", _raw("lone-surrogate", rb'"answer": "half a pair: \ud800"')),
        ("non_utf8", _raw("non-utf8", b'"answer": "caf\xe9 in Latin-1"')),
        ("deep_nesting", _raw("deep-nesting", b'"answer": "text", "extra": ' + b"[" * DEPTH + b"]" * DEPTH)),
        ("answer_is_a_list", _line("answer-list", answer=["a", "list"])),
        ("task_id_is_an_object", _line("task-object", task_id={"number": 7})),
        ("empty_text", _line("empty-text", answer="")),
        ("missing_run_id", _line("missing-run", run_id=None)),
        ("missing_task_id", _line("missing-task", task_id=None)),
        ("missing_timestamp", _line("missing-time", timestamp=None)),
        ("zoneless_timestamp", _line("zoneless", timestamp="2026-04-22T10:00:00")),
        ("unparseable_timestamp", _line("unparseable", timestamp="last Wednesday")),
        ("far_future_timestamp", _line("future", timestamp="2999-01-01T00:00:00Z")),
        ("torn_line", _line("torn")[:70]),
    )


def _line(name: str, **changes: object) -> bytes:
    """A good row with some fields changed; None takes the field away."""
    row: dict[str, object] = {
        "run_id": f"bad-{name}",
        "task_id": "bad-rows/001",
        "timestamp": "2026-04-22T10:00:00Z",
        "status": "ok",
        "question": "Which of these rows can be used, and what is wrong with the others?",
        "answer": f"This synthetic row shows how the refinery treats the case called {name}.",
    }
    kept = {key: value for key, value in (row | changes).items() if value is not None}
    return json.dumps(kept).encode() + b"\n"


def _raw(name: str, rest: bytes) -> bytes:
    """A row whose last members are given as bytes, because no JSON writer would write them."""
    start = (
        f'{{"run_id": "bad-{name}", "task_id": "bad-rows/001", "timestamp": "2026-04-22T10:00:00Z", "status": "ok", '
    )
    return start.encode() + rest + b"}\n"
