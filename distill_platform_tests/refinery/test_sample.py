"""The sample is what its README says: counted, seeded, committed, and full of what the gates must find."""

import json
import re
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml

from distill_platform.refinery.sample import Mark, benchmark, generate, planted
from distill_platform.refinery.sample.__main__ import main
from distill_platform.refinery.sample.bad_rows import DEPTH
from distill_platform.refinery.sample.generator import SEED
from distill_platform.refinery.streams import load_streams

ROOT = Path(__file__).parents[2]
ROWS = {
    "scrum_reviews": 172,
    "audits": 264,
    "observer_reviews": 44,
    "contract_analyses": 2,
    "mode_experiments": 168,
    "auto_apply": 96,
    "outcomes": 100,
    "distilled_facts": 71,
    "distilled_procedures": 34,
    "distilled_config_hints": 28,
    "audit_facts": 46,
    "observer_escalations": 28,
}
DECLARED = {path.stem: yaml.safe_load(path.read_text()) for path in (ROOT / "config" / "sources").glob("*.yaml")}
FILES = generate()
LINES = {stream: FILES[f"{stream}.jsonl"].splitlines(keepends=True) for stream in ROWS}
SOURCES = {stream: [json.loads(line) for line in lines] for stream, lines in LINES.items()}
BAD = FILES["bad_rows.jsonl"].splitlines(keepends=True)
PLANTED = planted()
CATEGORIES = {
    "scrum_reviews": lambda row: "accepted" if row["accepted_on_attempt"] == 1 else "partial",
    "audits": lambda row: {"info": "accepted", "low": "accepted", "medium": "partial"}.get(row["severity"], "rejected"),
    "observer_reviews": lambda row: {"accept": "accepted", "cycle": "partial", "reject": "rejected"}[
        row["review"]["verdict"]
    ],
}


def at(row: dict[str, Any], path: str) -> Any:
    """Follow a dotted path; None where it ends early."""
    value: Any = row
    for part in path.split("."):
        value = value.get(part) if isinstance(value, dict) else None
    return value


def field(mark: Mark, name: str) -> Any:
    """The value that the stream's YAML maps to a record field."""
    spec = DECLARED[mark.stream]["record"].get(name)
    if isinstance(spec, dict):
        spec = spec.get("from") or spec["first"][0]
    return at(SOURCES[mark.stream][mark.line], spec) if spec else None


def moment(mark: Mark) -> datetime | None:
    """The instant of a row in UTC, None when it has none."""
    value = field(mark, "timestamp")
    if value is None:
        return None
    if isinstance(value, int):
        return datetime.fromtimestamp(value / 1000, UTC)
    return datetime.fromisoformat(value).astimezone(UTC)


def all_marks() -> Iterator[Mark]:
    """Every row of the twelve streams."""
    for stream, rows in SOURCES.items():
        for line in range(len(rows)):
            yield Mark(stream, line)


def words(text: str) -> list[str]:
    """Lower-case words."""
    return re.findall(r"\w+", text.lower())


def grams(text: str, size: int) -> set[tuple[str, ...]]:
    """All runs of that many words."""
    found = words(text)
    return {tuple(found[start : start + size]) for start in range(len(found) - size + 1)}


def folded(text: str) -> str:
    """The text without differences of case and white space."""
    return " ".join(text.casefold().split())


def jaccard(one: str, other: str) -> float:
    """Exact Jaccard similarity of word 5-grams."""
    left, right = grams(one, 5), grams(other, 5)
    return len(left & right) / len(left | right)


def groups(kind: str) -> tuple[tuple[Mark, ...], ...]:
    """The planted groups of a kind, which must exist."""
    assert PLANTED[kind], f"nothing is planted as {kind}"
    return PLANTED[kind]


def test_counts_are_those_of_the_audited_run() -> None:
    assert {stream: len(rows) for stream, rows in SOURCES.items()} == ROWS
    assert sum(ROWS.values()) == 1053
    assert [mark.stream for mark in all_marks() if moment(mark) is None] == ["outcomes", "outcomes"]


def test_verdicts_are_those_of_the_audited_run() -> None:
    counts = {stream: Counter(judge(row) for row in SOURCES[stream]) for stream, judge in CATEGORIES.items()}
    assert counts["scrum_reviews"] == {"accepted": 111, "partial": 61}
    assert counts["audits"] == {"accepted": 217, "partial": 29, "rejected": 18}
    assert counts["observer_reviews"] == {"accepted": 22, "partial": 3, "rejected": 19}
    assert sorted(bool(row["clauses"]["failed"]) for row in SOURCES["contract_analyses"]) == [False, True]


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others() -> None:
    assert generate(SEED) == FILES
    other = generate(SEED + 1)
    assert all(other[f"{stream}.jsonl"] != FILES[f"{stream}.jsonl"] for stream in ROWS)
    assert {stream: other[f"{stream}.jsonl"].count(b"\n") for stream in ROWS} == ROWS


def test_committed_files_are_the_generators_output() -> None:
    for name, content in FILES.items():
        assert (ROOT / "data" / "sources" / name).read_bytes() == content, name
    assert (ROOT / "config" / "eval_sets" / "sample_benchmark.jsonl").read_bytes() == benchmark()


def test_the_writer_writes_into_the_folders_it_is_given(tmp_path: Path) -> None:
    main([str(tmp_path / "sources"), str(tmp_path / "sets")])
    assert {path.name: path.read_bytes() for path in (tmp_path / "sources").iterdir()} == FILES
    assert (tmp_path / "sets" / "sample_benchmark.jsonl").read_bytes() == benchmark()


def test_rows_spread_over_the_whole_week() -> None:
    days = Counter(found.date() for mark in all_marks() if (found := moment(mark)))
    assert sorted(days) == [date(2026, 4, 20) + timedelta(days=number) for number in range(7)]
    assert min(days.values()) >= 40


def test_every_time_stamp_has_a_zone_and_several_zones_occur() -> None:
    texts = [value for mark in all_marks() if isinstance(value := field(mark, "timestamp"), str)]
    ends = Counter("Z" if text.endswith("Z") else text[-6:] for text in texts)
    assert all(datetime.fromisoformat(text).tzinfo for text in texts)
    assert {"Z", "+02:00", "+00:00", "-05:00", "+05:30"} <= set(ends)


def test_rows_stand_just_before_and_just_after_midnight() -> None:
    starts = [found - found.replace(hour=0, minute=0, second=0, microsecond=0) for found in _midnights()]
    assert sum(start < timedelta(seconds=1) for start in starts) == 14
    assert sum(start > timedelta(hours=23, minutes=59, seconds=58) for start in starts) == 14


def _midnights() -> list[datetime]:
    return [found for group in groups("midnight") for mark in group if (found := moment(mark))]


def test_texts_are_of_a_realistic_length_and_differ() -> None:
    bound = {
        mark for kind in ("exact_duplicate", "verdict_conflict", "repeated_line") for g in groups(kind) for mark in g
    }
    planned = {(mark.stream, mark.line) for mark in bound}
    texts = [text for mark in all_marks() if (mark.stream, mark.line) not in planned and (text := field(mark, "text"))]
    assert all(200 <= len(text) <= 1500 for text in texts)
    assert len(set(texts)) == len(texts)


def test_a_task_has_one_prompt_wherever_it_turns_up() -> None:
    prompts: dict[str, set[str]] = {}
    streams: dict[str, set[str]] = {}
    for mark in all_marks():
        task = field(mark, "task_id")
        streams.setdefault(task, set()).add(mark.stream)
        if prompt := field(mark, "prompt"):
            prompts.setdefault(task, set()).add(prompt)
    assert all(len(found) == 1 for found in prompts.values())
    assert sum(len(found) >= 4 for found in streams.values()) >= 50


def test_every_day_has_pairs_and_the_week_has_more_than_eighty() -> None:
    sides: dict[tuple[date, str], Counter[str]] = {}
    for mark in all_marks():
        if mark.stream in CATEGORIES and (found := moment(mark)) and field(mark, "text"):
            category = CATEGORIES[mark.stream](SOURCES[mark.stream][mark.line])
            sides.setdefault((found.date(), field(mark, "task_id")), Counter())[category] += 1
    pairs: Counter[date] = Counter()
    for (day, _), side in sides.items():
        pairs[day] += min(side["accepted"], side["rejected"] + side["partial"])
    assert pairs.total() > 80
    assert len(pairs) == 7
    assert min(pairs.values()) >= 4


@pytest.mark.parametrize("kind", ["verdict_conflict", "verdict_conflict_restyled"])
def test_conflicts_are_the_same_answer_to_the_same_task_once_good_and_once_bad(kind: str) -> None:
    for group in groups(kind):
        assert len({field(mark, "task_id") for mark in group}) == 1
        assert len({folded(field(mark, "text")) for mark in group}) == 1
        restyled = len({field(mark, "text") for mark in group}) > 1
        assert restyled == (kind == "verdict_conflict_restyled")
        good, bad = (SOURCES[mark.stream][mark.line] for mark in group)
        assert good.get("accepted_on_attempt", 1) == 1
        assert bad.get("severity") == "high" or at(bad, "review.verdict") == "reject"


def test_exact_duplicates_cross_streams_and_days() -> None:
    for group in groups("exact_duplicate"):
        assert len({(field(mark, "prompt"), field(mark, "text")) for mark in group}) == 1
    assert any(len({mark.stream for mark in group}) > 1 for group in groups("exact_duplicate"))
    assert any(len({found.date() for mark in g if (found := moment(mark))}) > 1 for g in groups("exact_duplicate"))


def test_near_duplicates_are_long_and_differ_in_a_few_words() -> None:
    for group in groups("near_duplicate"):
        texts = [field(mark, "text") for mark in group]
        assert len(set(texts)) == len(texts)
        assert all(len(text) >= 1000 and jaccard(texts[0], text) >= 0.8 for text in texts)


def test_only_planted_texts_are_near_duplicates() -> None:
    texts = [text for mark in all_marks() if (text := field(mark, "text"))]
    sizes = [grams(text, 5) for text in texts]
    close = sum(
        len(one & other) > 0.7 * len(one | other)
        for number, one in enumerate(sizes)
        for other in sizes[number + 1 :]
        if one and 0.7 <= len(one) / max(len(other), 1) <= 1.43
    )
    kinds = ("verdict_conflict", "verdict_conflict_restyled", "exact_duplicate", "near_duplicate", "repeated_line")
    expected = sum(len(g) * (len(g) - 1) // 2 for kind in kinds for g in groups(kind))
    assert close == expected


def test_repeated_lines_are_equal_to_the_last_byte() -> None:
    for group in groups("repeated_line"):
        assert len(group) >= 2
        assert len({LINES[mark.stream][mark.line] for mark in group}) == 1
    repeated = sum(len(lines) - len(set(lines)) for lines in LINES.values())
    assert repeated == sum(len(group) - 1 for group in groups("repeated_line"))


def test_personal_data_is_there_and_uses_reserved_names_only() -> None:
    for group in groups("pii"):
        for mark in group:
            assert re.search(r"@(mail\.)?example\.(com|org|net)|555-01\d\d", field(mark, "text"))
    everything = b"".join(FILES.values()).decode("utf-8", "replace")
    assert set(re.findall(r"@([\w.-]+\.\w+)", everything)) <= {
        "example.com", "example.org", "example.net", "mail.example.com",
    }  # fmt: skip


def test_secrets_are_three_and_stand_where_they_were_planted() -> None:
    pattern = re.compile(r"\bghp_[A-Za-z0-9]{36}\b")
    found = {
        (mark.stream, mark.line)
        for mark in all_marks()
        if pattern.search(f"{field(mark, 'prompt')} {field(mark, 'text')}")
    }
    assert found == {(mark.stream, mark.line) for group in groups("secret") for mark in group}
    assert len(found) == 3


def test_benchmark_items_are_long_enough_to_be_recognised() -> None:
    items = [json.loads(line) for line in benchmark().splitlines()]
    assert len(items) == 20
    assert all(set(item) == {"question", "answer"} for item in items)
    assert all(len(item["question"].split()) >= 20 and len(item["answer"].split()) >= 20 for item in items)


def test_only_planted_rows_quote_the_benchmark() -> None:
    items = [json.loads(line) for line in benchmark().splitlines()]
    questions = set().union(*(grams(item["question"], 13) for item in items))
    answers = set().union(*(grams(item["answer"], 8) for item in items))
    asked = {(m.stream, m.line) for m in all_marks() if grams(field(m, "prompt") or "", 13) & questions}
    answered = {(m.stream, m.line) for m in all_marks() if grams(field(m, "text") or "", 8) & answers}
    assert asked == {(mark.stream, mark.line) for group in groups("eval_prompt") for mark in group}
    assert answered == {(mark.stream, mark.line) for group in groups("eval_answer") for mark in group}


def test_empty_answers_are_empty_or_absent() -> None:
    marks = [mark for group in groups("empty_answer") for mark in group]
    assert not any(field(mark, "text") for mark in marks)
    assert {field(mark, "text") for mark in marks} == {"", None}
    assert len(marks) == sum(not field(mark, "text") for mark in all_marks())


def test_extraction_rows_have_and_have_not_a_parent_on_their_day() -> None:
    days: dict[tuple[str, date], Mark] = {}
    for mark in all_marks():
        if DECLARED[mark.stream]["class"] == "verdict" and (found := moment(mark)):
            days.setdefault((field(mark, "task_id"), found.date()), mark)
    for kind, expected in (("extraction_with_parent", True), ("extraction_without_parent", False)):
        assert len(groups(kind)) >= 20
        for group in groups(kind):
            mark = group[0]
            found = moment(mark)
            assert found
            assert ((field(mark, "task_id"), found.date()) in days) is expected


def test_files_cited_look_like_paths() -> None:
    for row in SOURCES["scrum_reviews"]:
        assert re.fullmatch(r"(crates|services|sql)/[\w/]+\.(rs|py|sql)", row["file"])


def test_each_bad_row_is_bad_in_its_own_way() -> None:
    kinds = [kind.removeprefix("bad:") for kind in PLANTED if kind.startswith("bad:")]
    rows = dict(zip(kinds, BAD, strict=True))
    assert rows["bom"].startswith(b"\xef\xbb\xbf{")
    assert rows["crlf"].endswith(b"}\r\n")
    assert not rows["torn_line"].endswith(b"\n")
    assert rows["deep_nesting"].count(b"[") == DEPTH
    assert b"NaN" in rows["nan"]
    assert b"Infinity" in rows["infinity"]
    assert rb"\ud800" in rows["lone_surrogate"]
    with pytest.raises(UnicodeDecodeError):
        rows["non_utf8"].decode()
    pairs = json.loads(rows["duplicate_key"], object_pairs_hook=list)
    assert len(pairs) == len(dict(pairs)) + 1
    for kind in ("malformed_json", "truncated", "torn_line"):
        with pytest.raises(json.JSONDecodeError):
            json.loads(rows[kind])
    assert not isinstance(json.loads(rows["not_an_object"]), dict)


def test_bad_rows_with_wrong_fields_are_otherwise_good_json() -> None:
    rows = {kind: json.loads(BAD[PLANTED[f"bad:{kind}"][0][0].line].lstrip(b"\xef\xbb\xbf")) for kind in _READABLE}
    assert isinstance(rows["answer_is_a_list"]["answer"], list)
    assert isinstance(rows["task_id_is_an_object"]["task_id"], dict)
    assert rows["empty_text"]["answer"] == ""
    for field_name in ("run_id", "task_id", "timestamp"):
        assert field_name not in rows[f"missing_{field_name}"]
    assert datetime.fromisoformat(rows["zoneless_timestamp"]["timestamp"]).tzinfo is None
    with pytest.raises(ValueError, match="Invalid isoformat"):
        datetime.fromisoformat(rows["unparseable_timestamp"]["timestamp"])
    assert rows["far_future_timestamp"]["timestamp"].startswith("2999")


_READABLE = (
    "bom", "crlf", "answer_is_a_list", "task_id_is_an_object", "empty_text", "missing_run_id", "missing_task_id",
    "missing_timestamp", "zoneless_timestamp", "unparseable_timestamp", "far_future_timestamp",
)  # fmt: skip


def test_logs_grow_with_time() -> None:
    for stream, rows in SOURCES.items():
        repeated = {mark.line for group in groups("repeated_line") for mark in group if mark.stream == stream}
        moments = [moment(Mark(stream, line)) for line in range(len(rows)) if line not in repeated]
        dated = [found for found in moments if found]
        assert all(one <= other for one, other in pairwise(dated)), stream


def test_a_yaml_declares_every_stream_and_the_bad_rows() -> None:
    assert set(DECLARED) == {*ROWS, "bad_rows"}
    for name, config in DECLARED.items():
        assert config["stream"] == name
        assert config["path"] == f"{name}.jsonl"
        assert ("scoring" in config) == (config["class"] != "extraction")
        assert ("otherwise" in config) == ("scoring" in config)


def test_every_declaration_loads_with_its_rules_compiled() -> None:
    streams = {stream.name: stream for stream in load_streams(ROOT / "config" / "sources")}
    assert set(streams) == set(DECLARED)
    assert all(len(stream.rules) == len(DECLARED[name].get("scoring", ())) for name, stream in streams.items())
