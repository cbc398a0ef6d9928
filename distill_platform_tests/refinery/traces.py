"""Traces that are full of what the gates must find, a lake taken through the stages, and a slow second opinion.

The second opinion shares no code with the product: it works on the rows as they were written into the source files.
"""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pyarrow as pa
from hypothesis import strategies as st

from distill_platform.core.workers import Workers
from distill_platform.refinery.corpora.build import Judged, build_corpora, decide, load, open_day
from distill_platform.refinery.evidence import build_evidence
from distill_platform.refinery.quarantine import Reason
from distill_platform.refinery.schemas import CORPORA
from distill_platform.refinery.scoring import score_runs
from distill_platform.refinery.screened import screen_texts
from distill_platform.refinery.settings import Settings
from distill_platform.refinery.stage import Refinery
from distill_platform.store.lake import Check, Counts, Lake, Manifest
from distill_platform.store.lake.parts import write_part
from distill_platform_tests.refinery.builders import (
    DAY,
    NEXT_DAY,
    NOW,
    RECORD,
    World,
    extraction_config,
    jsonl,
    stream_config,
)

Row = dict[str, Any]
GATES = (
    "secrets", "pii_redaction", "verdict_conflicts", "exact_duplicates", "near_duplicates", "split_leakage",
    "eval_contamination",
)  # fmt: skip

# ---------------------------------------------------------------------------------------------------------- vocabulary

TOKEN = "ghp_" + "a8Kd02LmQz7RtYw4Xc1VbN6pJs9HgF3eUo5T"  # made up, but it has the shape of a real one
MAIL, OTHER_MAIL = "nora.keller@corp.example.org", "t.okafor@mail.example.org"
EVAL_QUESTION = (
    "a farmer sells seven crates of pears on monday and twice as many on friday how many crates in both days together"
)
EVAL_ANSWER = "seven crates and fourteen crates make twenty one crates in both days of that week"
SHORT_QUESTION = "Name every prime below ten"
TINY_QUESTION = "What is entropy?"
EVAL_SET = [
    {"question": EVAL_QUESTION, "answer": EVAL_ANSWER},
    {"question": SHORT_QUESTION, "answer": "2, 3, 5, 7"},
    {"question": TINY_QUESTION, "answer": "A measure of disorder."},
]


def prose(seed: str, words: int = 30) -> list[str]:
    """Return words that occur in no other seed's prose."""
    return [f"{seed}{number}" for number in range(words)]


def with_ends(words: Sequence[str], first: str = "", last: str = "") -> str:
    """Return words as a text with their first two or last two exchanged: a near-duplicate of the words as they are."""
    head = [first + "a", first + "b"] if first else list(words[:2])
    tail = [last + "a", last + "b"] if last else list(words[-2:])
    return " ".join([*head, *words[2:-2], *tail])


_LONG = prose("pear")
# Each is a near-duplicate of the one before it, and of no other.
CHAIN = (
    with_ends(_LONG),
    with_ends(_LONG, last="x"),
    with_ends(_LONG, first="y", last="x"),
    with_ends(_LONG, first="y", last="z"),
)
TEXTS = (
    "Use a lock.", "use  a LOCK.", "Use a\u200b lock.", "Drop the cache.", "Retry three times.", *CHAIN,
    " ".join(prose("fig")), " ".join(prose("fig", 31)), " ".join(prose("plum", 40)),
    f"Log in with {TOKEN} now.", f"Write to {MAIL} today.", f"Write to {OTHER_MAIL} today.",
    f"In short: {EVAL_ANSWER}.", f"They asked: {EVAL_QUESTION}?", "", "   ", "\u200b\u200b",
    "It is in src/core/made_up.py I think.", "It is in src/core/real.py I think.",
)  # fmt: skip
PROMPTS = (
    "How is a queue kept short?", "how is a  queue kept short?", "Why does it fail?", "Who calls it?", "When?",
    "And then?", "What is left to do?", "Which lock is it?", f"What does {MAIL} want?",
    f"Please solve this: {EVAL_QUESTION}", SHORT_QUESTION, "", " ", f"What opens {TOKEN}?",
)  # fmt: skip
TASKS = tuple(f"task-{number}" for number in range(7))
VERDICTS = ("accept", "reject", "cycle", "unsure")
STREAMS = ("reviews", "telemetry", "facts")


def trace(tag: object, **changes: Any) -> Row:
    """Return a source row; `tag` finds it again (as the record's model_name), `stream` says in which file it lies."""
    row = {
        "stream": "reviews",
        "model": str(tag),
        "run": f"run-{tag}",
        "task": f"task-{tag}",
        "at": f"{DAY}T10:00:00Z",
        "prompt": f"What about number {tag}?",
        "text": f"Answer number {tag} it is.",
        "verdict": "accept",
    }
    return row | changes


def mostly(usual: Sequence[Any], rare: Sequence[Any]) -> st.SearchStrategy[Any]:
    """Draw from the usual values more often than from the rare ones."""
    return st.sampled_from(usual) | st.sampled_from(usual) | st.sampled_from(rare)


def traces(most: int = 40, days: Sequence[str] = (DAY,), *, least: int = 5) -> st.SearchStrategy[list[Row]]:
    """Rows of a few tasks, prompts and texts, so that everything the gates look for occurs."""
    one = st.fixed_dictionaries(
        {
            "stream": mostly(("reviews",), STREAMS),
            "run": st.sampled_from([f"run-{number}" for number in range(9)]),
            "task": st.sampled_from(TASKS),
            "at": st.builds(
                lambda day, hour: f"{day}T{hour:02d}:00:00Z", st.sampled_from(list(days)), st.integers(0, 3)
            ),
            "prompt": mostly(PROMPTS[:8], PROMPTS),
            "text": mostly(TEXTS[:12], TEXTS),
            "verdict": mostly(VERDICTS[:2], VERDICTS),
        }
    )
    known = {"known": ["src/core/real.py"]}
    numbered = lambda rows: [trace(number, **row, **known) for number, row in enumerate(rows)]  # noqa: E731
    return st.lists(one, min_size=least, max_size=most).map(numbered)


# ---------------------------------------------------------------------------------------------------------------- lake


class Lab(World):
    """A world with three streams, evaluation sets and a stage runner."""

    def fill(self, rows: Iterable[Row], *, files: int = 1, eval_set: Sequence[Row] = EVAL_SET) -> "Lab":
        """Write the streams' declarations, the evaluation set, and the rows into `files` files per stream."""
        known = {"known_paths": {"from": "known", "type": "strings"}}
        self.stream(stream_config(metadata=known))
        self.stream(
            stream_config("telemetry", metadata=known, **{"class": "telemetry"}, prompt_template="Do the work.")
        )
        self.stream(extraction_config("facts", metadata=known, record=RECORD))
        if eval_set:
            (self.root / "config/eval_sets/exam.jsonl").write_bytes(jsonl(eval_set))
        by_file: dict[str, list[Row]] = {f"{name}-{n}.jsonl": [] for name in STREAMS for n in range(files)}
        for number, row in enumerate(rows):
            written = {key: value for key, value in row.items() if key != "stream"}
            by_file[f"{row['stream']}-{number % files}.jsonl"].append(written)
        for name, content in by_file.items():
            self.file(name, content)
        return self

    @contextmanager
    def prepared(self, *days: str, **platform: Any) -> Iterator[Refinery]:
        """Open a refinery whose evidence, verdicts and screening of `days` are made."""
        with self.refinery(**platform) as refinery:
            for stage in (build_evidence, score_runs, screen_texts):
                stage(refinery, days or (DAY,))
            yield refinery

    def refine(self, *days: str, **platform: Any) -> dict[tuple[str, str], Manifest]:
        """Run all stages up to the corpora; return the corpora's manifests by corpus and day."""
        with self.prepared(*days, **platform) as refinery:
            made = build_corpora(refinery, list(CORPORA), days or (DAY,))
            return {(manifest.dataset, manifest.partition): manifest for manifest in made}

    def tags(self, *days: str) -> dict[str, str]:
        """Return every record's tag by its evidence id."""
        return {row["evidence_id"]: row["model_name"] for day in days or (DAY,) for row in self.table(day)}

    def samples(self, corpus: str, day: str = DAY) -> list[Row]:
        """Return a corpus' rows."""
        return self.table(day, "samples", corpus)

    def dropped(self, corpus: str, day: str = DAY) -> list[Row]:
        """Return what a corpus dropped."""
        return self.table(day, "quarantine", corpus)

    def fates(self, corpus: str, *days: str, exports: Row | None = None, **gates: Any) -> dict[str, str]:
        """Return what became of every record, by tag: "kept", or the reason for which the gates drop it."""
        with self.prepared(*days, gates=gates, exports={"validation_fraction": 0.0, **(exports or {})}) as refinery:
            return fates(judged(refinery, corpus, *days), self.tags(*days))


@contextmanager
def lab(rows: Iterable[Row], **options: Any) -> Iterator[Lab]:
    """Open a lab in a folder of its own: property tests need a fresh one for every example."""
    with TemporaryDirectory() as folder:
        yield Lab(Path(folder)).fill(rows, **options)


def with_config(settings: Settings, **groups: Row) -> Settings:
    """Return settings with some keys of `gates`, `exports` and so on changed."""
    config = settings.config
    changed = {name: getattr(config, name).model_copy(update=keys) for name, keys in groups.items()}
    return replace(settings, config=config.model_copy(update=changed))


def judged(refinery: Refinery, corpus: str, *days: str, **groups: Row) -> Judged:
    """Return a corpus' decision over the days together, as a release takes it."""
    settings = with_config(refinery.settings, **groups)
    (decision,) = decide(settings, [corpus], load(settings, [open_day(refinery, day) for day in days or (DAY,)]))
    return decision


def fates(decision: Judged, tags: dict[str, str]) -> dict[str, str]:
    """Return what became of every record, by tag."""
    codes = decision.judgement.codes.tolist()
    ids = decision.candidates.ids.to_pylist()
    return {
        tags[name]: str(decision.judgement.reason(row)) if code else "kept"
        for row, (name, code) in enumerate(zip(ids, codes, strict=True))
    }


def evidence_ids(corpus: str, rows: Iterable[Row]) -> list[str]:
    """Return the records that stand in samples."""
    names = ("chosen_evidence_id", "rejected_evidence_id") if corpus == "preference_corpus" else ("evidence_id",)
    return [row[name] for row in rows for name in names]


def forge(refinery: Refinery, dataset: str, table: str, edit: Callable[[pa.Table], pa.Table], day: str = DAY) -> None:
    """Publish a dataset anew with one table edited and a verdict that says all is well."""
    opened = refinery.lake.inspect(dataset, day)
    with refinery.lake.draft(dataset, day) as draft:
        for name, entry in opened.manifest.tables.items():
            content = opened.read(name)
            parts = []
            if content is not None:
                content = edit(content) if name == table else content
                parts = [write_part(draft.part_path(name, 0), content)]
            draft.add(name, parts, entry.content_hash)
        draft.publish(
            inputs=opened.manifest.inputs,
            code_version=opened.manifest.code_version,
            config_hash=opened.manifest.config_hash,
            counts=Counts(),
            checks=[Check("forged", True, True, 0, 0, "says that all is well")],
        )


def inline_workers(refinery: Refinery) -> Refinery:
    """Return the refinery with everything in this process, where a test's patches hold."""
    return replace(refinery, workers=Workers(1), lake=Lake(refinery.lake.root))


# ------------------------------------------------------------------------------------------------------ second opinion

ACCEPTED, PARTIAL, REVIEW, REJECTED = "accepted", "partially_accepted", "needs_human_review", "rejected"
_OF_VERDICT = {"accept": ACCEPTED, "cycle": PARTIAL, "reject": REJECTED}
_WORST_FIRST = (REJECTED, REVIEW, PARTIAL, ACCEPTED)


@dataclass(frozen=True)
class Opinion:
    """What a careful reader would say of one source row, given all rows that are judged with it."""

    tag: str
    category: str
    inherited: bool
    prompt: str
    text: str
    secret: bool
    contaminated: bool
    invents: bool
    conflicting: bool

    @property
    def side(self) -> bool:
        """Whether the record speaks against its text."""
        return self.category == REJECTED

    def content(self, corpus: str) -> tuple[Any, ...]:
        """What makes two rows of a corpus the same."""
        text = same(unaddressed(self.text))
        return (text, self.side) if corpus == "rag_corpus" else (same(unaddressed(self.prompt)), text, self.side)


def same(text: str) -> str:
    """Return the form in which two texts count as the same."""
    return " ".join(re.sub("[\u200b\u200d\ufeff]", "", unicodedata.normalize("NFKC", text)).casefold().split())


def unaddressed(text: str) -> str:
    """Return a text without e-mail addresses."""
    return re.sub(r"[\w.]+@[\w.]+\w", "[mail]", text)


def grams(text: str, size: int) -> set[tuple[str, ...]]:
    """Return all runs of that many words; a shorter text is one run."""
    found = re.findall(r"\w+", same(text))
    return {tuple(found[at : at + size]) for at in range(max(len(found) - size + 1, min(len(found), 1)))}


def alike(left: str, right: str) -> float:
    """Return the Jaccard similarity of the sets of five-word runs; 0 where either text has fewer than 20 words."""
    if min(len(re.findall(r"\w+", text)) for text in (left, right)) < 20:
        return 0.0
    one, other = grams(left, 5), grams(right, 5)
    return len(one & other) / len(one | other)


def _contaminated(prompt: str, text: str) -> bool:
    asked, answered = grams(EVAL_QUESTION, 13), grams(EVAL_ANSWER, 8)
    quotes = any(grams(part, 13) & asked for part in (prompt, text))
    short = any(f" {same(SHORT_QUESTION)} " in f" {same(part)} ".replace("?", " ") for part in (prompt, text))
    tiny = same(prompt).strip("?") == same(TINY_QUESTION).strip("?")
    share = max(len(grams(part, 8) & answered) / len(answered) for part in (prompt, text, f"{prompt} {text}"))
    return quotes or short or tiny or share >= 0.5


def opinions(rows: Sequence[Row]) -> dict[str, Opinion]:
    """Return the second opinion on all rows that are judged together, by tag."""
    worst: dict[str, str] = {}
    for row in rows:
        if row["stream"] == "reviews":
            pair = (_OF_VERDICT.get(row["verdict"], REVIEW), worst.get(row["task"], ACCEPTED))
            worst[row["task"]] = min(pair, key=_WORST_FIRST.index)
    told: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    plain = [_plain(row, worst) for row in rows]
    for row, (category, prompt) in zip(rows, plain, strict=True):
        for place in _places(row, prompt):
            told[place].add(category)
    return {
        row["model"]: _opinion(row, category, prompt, [told[place] for place in _places(row, prompt)])
        for row, (category, prompt) in zip(rows, plain, strict=True)
    }


def _plain(row: Row, worst: dict[str, str]) -> tuple[str, str]:
    own = _OF_VERDICT.get(row["verdict"], REVIEW)
    category = worst.get(row["task"], REVIEW) if row["stream"] == "facts" else own
    prompt = row["prompt"] or ("Do the work." if row["stream"] == "telemetry" else "")
    return category, prompt


def _places(row: Row, prompt: str) -> list[tuple[Any, ...]]:
    text = same(unaddressed(row["text"]))
    places: list[tuple[Any, ...]] = [("task", row["task"], text)] if text else []
    return [*places, ("prompt", same(unaddressed(prompt)), text)] if text and same(prompt) else places


def _opinion(row: Row, category: str, prompt: str, told: list[set[str]]) -> Opinion:
    return Opinion(
        tag=row["model"],
        category=category,
        inherited=row["stream"] == "facts",
        prompt=prompt,
        text=row["text"],
        secret=TOKEN in row["text"] + prompt,
        contaminated=_contaminated(prompt, row["text"]),
        invents="made_up.py" in row["text"],
        conflicting=any(REJECTED in said and said & {ACCEPTED, PARTIAL} for said in told),
    )


def fit(corpus: str, opinion: Opinion) -> bool:
    """Return whether a record may stand in a corpus at all, by itself and with every gate on."""
    allowed = {
        "rag_corpus": {ACCEPTED, PARTIAL},
        "sft_corpus": {ACCEPTED},
        "preference_corpus": {ACCEPTED, PARTIAL, REJECTED},
        "kto_corpus": {ACCEPTED, REJECTED},
    }[corpus]
    harmless = not (opinion.secret or opinion.contaminated or opinion.invents or opinion.conflicting)
    own = corpus == "rag_corpus" or not opinion.inherited
    speaks = same(opinion.text) != "" and (corpus == "rag_corpus" or same(opinion.prompt) != "")
    return opinion.category in allowed and harmless and own and speaks


def clusters(corpus: str, said: Iterable[Opinion], similar: float = 0.8) -> dict[str, int]:
    """Return the number of each record's cluster: exact and near-duplicates, and theirs, on one side of the verdict."""
    records = list(said)
    group = {record.tag: number for number, record in enumerate(records)}
    for at, one in enumerate(records):
        for other in records[:at]:
            repeats = one.content(corpus) == other.content(corpus) or alike(one.text, other.text) >= similar
            if repeats and one.side == other.side and group[one.tag] != group[other.tag]:
                merged, kept = group[one.tag], group[other.tag]
                group = {tag: kept if number == merged else number for tag, number in group.items()}
    return group


PAIRING = {
    str(reason)
    for reason in (
        Reason.NO_COUNTERPART, Reason.PAIR_CAP, Reason.SELF_PAIRING, Reason.INVALID_PREFERENCE_PAIRING,
    )
}  # fmt: skip

__all__ = ["DAY", "NEXT_DAY", "NOW"]
