"""Trace: the whole chain behind one row, from what was exported to the bytes of its source line, re-verified.

Exported row, judgement of the gates, verdict, evidence, source line: every link says where it lies and what it says,
and proves itself anew. A preference row has two chains, one per answer.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distill_platform.core.utc import iso
from distill_platform.refinery import proofs as proving
from distill_platform.refinery.excerpt import excerpt, line_excerpt, masked, shortened
from distill_platform.refinery.proofs import Proof, Source, proof
from distill_platform.refinery.schemas import CORPORA
from distill_platform.refinery.scoring import Verdict, lookups
from distill_platform.refinery.search import Place, clean_id, find, find_any
from distill_platform.refinery.settings import Settings
from distill_platform.refinery.streams import Category, Stream
from distill_platform.store.lake import Lake

MOST_CHAINS = 20


@dataclass(frozen=True)
class Link:
    """One link of a chain: where it lies, what it says, and the proofs that it still holds."""

    name: str
    place: str
    facts: Mapping[str, str]
    proofs: tuple[Proof, ...]


@dataclass(frozen=True)
class Chain:
    """The links behind one record; `side` is chosen or rejected for the two answers of a preference row."""

    side: str
    links: tuple[Link, ...]


@dataclass(frozen=True)
class Trace:
    """A row and everything behind it; `kind` says what was asked for: a row of a corpus, a record, a source line."""

    id: str
    kind: str
    head: Link | None
    chains: tuple[Chain, ...]

    @property
    def proofs(self) -> tuple[Proof, ...]:
        """Return all proofs of all links."""
        links = [*([self.head] if self.head else []), *(link for chain in self.chains for link in chain.links)]
        return tuple(found for link in links for found in link.proofs)

    @property
    def holds(self) -> bool:
        """Return whether everything was proved."""
        return all(found.holds for found in self.proofs)


def trace_row(settings: Settings, lake: Lake, asked: str) -> Trace:
    """Return the trace of the row whose id, evidence id or source line hash is, or starts with, `asked`.

    Raises UnknownRow when there is none, or more than one.
    """
    places = find_any(lake, clean_id(asked))
    tracer = _Tracer(settings, lake)
    if places[0].corpus:
        return tracer.exported(places[0], places[1:])
    chains = tuple(tracer.dropped(p) if p.table == "quarantine" else tracer.record(p) for p in places[:MOST_CHAINS])
    kind = "evidence record" if places[0].table == "records" else "dropped source line"
    return Trace(places[0].id, kind, None, chains)


@dataclass(frozen=True)
class _Tracer:
    """Builds links from rows of the lake, with the settings of today."""

    settings: Settings
    lake: Lake

    def exported(self, place: Place, others: Sequence[Place] = ()) -> Trace:
        """Return the trace of an exported row; `others` are the places where the same row lies, too."""
        row = place.values
        sides = ("chosen", "rejected") if place.corpus == "preference_corpus" else ("",)
        found = {side: self._evidence(row[f"{side}_evidence_id" if side else "evidence_id"]) for side in sides}
        chains = tuple(self.record(evidence, side) if evidence else _lost(side) for side, evidence in found.items())
        facts = _row_facts(row) | ({"also in": ", ".join(other.name for other in others)} if others else {})
        checks = [*proving.stored(self.lake, place), *self._rebuilt(place, row, found)]
        return Trace(place.id, f"{place.corpus} row", Link("Exported row", _where(place), facts, tuple(checks)), chains)

    def _rebuilt(self, place: Place, row: dict[str, Any], found: Mapping[str, Place | None]) -> Iterator[Proof]:
        records = []
        for (side, evidence), says in zip(found.items(), proving.categories(place.corpus, row), strict=True):
            screened = self._beside(evidence, "screened_texts", "texts") if evidence else None
            scored = self._beside(evidence, "scored_runs", "runs") if evidence else None
            if evidence is None or screened is None or scored is None:
                yield Proof("the records behind it are in the lake", False, "evidence, verdict or screening is missing")
                return
            records.append((evidence, screened))
            verdict = self._verdict_for(place, scored)
            whose = f"the verdict on the {side} answer" if side else "the verdict on its record"
            yield proof(f"{whose} is {says}", verdict == says, f"it is {verdict} in {scored.name}")
        yield from proving.rebuilt(place, row, records, self.settings.config.gates.pii_redaction)

    def _verdict_for(self, place: Place, scored: Place) -> str:
        """Return a record's category; in a release, an inherited one is that of the task over all of its days."""
        row = scored.values
        if not (place.in_release and row["inherited"]):
            return str(row["category"])
        first, _, last = place.partition.partition("_")
        days = [day for day in self.lake.partitions("scored_runs") if first <= day <= last]
        found = [self.lake.inspect("scored_runs", day) for day in days]
        return str(proving.inherited(self.settings, found, row["task_id"]).category)

    def _evidence(self, evidence_id: str) -> Place | None:
        return next(find(self.lake, "evidence", "records", "evidence_id", evidence_id), None)

    def _beside(self, evidence: Place, dataset: str, table: str) -> Place | None:
        """Return the row of another dataset that goes with an evidence record."""
        day = evidence.partition
        wanted = evidence.values["evidence_id"]
        return next(find(self.lake, dataset, table, "evidence_id", wanted, day), None)

    def record(self, evidence: Place, side: str = "") -> Chain:
        """Return the chain behind an evidence record: judgement, verdict, evidence, source line."""
        row = evidence.values
        screened = self._beside(evidence, "screened_texts", "texts")
        scored = self._beside(evidence, "scored_runs", "runs")
        found = screened.values if screened else {}
        source = proving.read_source(self.settings, row["provenance"], row["source"])
        links = [
            self._judgement(evidence, row["evidence_id"], screened),
            self._verdict(evidence, scored) if scored else _missing("Verdict", "scored_runs"),
            self._evidence_link(evidence, row, found, source),
            _source_link(self.settings.data, row["provenance"], source, found.get("secrets") or []),
        ]
        return Chain(side, tuple(links))

    def _judgement(self, evidence: Place, evidence_id: str, screened: Place | None) -> Link:
        facts, checks = {}, proving.stored(self.lake, screened) if screened else []
        for corpus in CORPORA:
            said, places = self._fate(corpus, evidence.partition, evidence_id)
            facts[corpus] = said
            wrong = [p for place in places[:1] for p in proving.stored(self.lake, place) if not p.holds]
            if places:
                detail = f"{wrong[0].claim}: {wrong[0].detail}" if wrong else ""
                checks.append(Proof(f"{corpus} is as published, passed and current", not wrong, detail))
        place = _where(screened) if screened else "not screened yet"
        return Link("Judgement", place, facts, tuple(checks))

    def _fate(self, corpus: str, day: str, evidence_id: str) -> tuple[str, list[Place]]:
        """Return what became of a record in a corpus, and the rows that say so."""
        if self.lake.manifest(corpus, day) is None:
            return "not built for this day", []
        names = [name for name in CORPORA[corpus].names if name.endswith("evidence_id")]
        kept = [place for name in names for place in find(self.lake, corpus, "samples", name, evidence_id, day)]
        if kept:
            ids = ", ".join(place.values["id"][:16] for place in kept)
            return f"kept in {kept[0].values['split']} as {ids}", kept
        gone = list(find(self.lake, corpus, "quarantine", "evidence_id", evidence_id, day))
        reasons = [
            f"{row['disposition']}: {row['reason']}, {excerpt(row['detail'])}" for row in (p.values for p in gone)
        ]
        return "; ".join(reasons) or "unknown", gone

    def _verdict(self, evidence: Place, scored: Place) -> Link:
        row = scored.values
        verdict = Verdict(Category(row["category"]), tuple(row["reasons"]))
        stream = {stream.name: stream for stream in self.settings.streams}.get(row["source"])
        facts = {"category": row["category"], "reasons": ", ".join(map(excerpt, row["reasons"]))}
        if row["inherited"]:
            found = proving.parents(self.settings, scored.dataset, row["task_id"])
            facts["inherited from"] = ", ".join(f"{parent[:16]} ({category})" for parent, category in found) or "nobody"
        elif stream is not None:
            facts |= _rules(stream, row["reasons"], evidence)
        facts["scorer"] = f"{row['scorer_version']}, rules {row['config_hash'][:16]}"
        checks = [*proving.stored(self.lake, scored)]
        checks.append(proving.rejudged(self.settings, evidence, scored.dataset, verdict))
        return Link("Verdict", _where(scored), facts, tuple(checks))

    def _evidence_link(self, place: Place, row: dict[str, Any], screened: dict[str, Any], source: Source) -> Link:
        names = ("evidence_id", "source", "task_id", "run_id", "model_role", "model_name")
        facts = {name: excerpt(str(row[name])) for name in names if row[name] is not None}
        facts["timestamp"] = iso(row["timestamp"])
        secrets = screened.get("secrets") or []
        for name in ("prompt", "text"):
            shown = screened.get(f"redacted_{name}") or row[name]
            if shown:
                facts[name] = masked(secrets) if secrets else excerpt(shown)
        copies = find(self.lake, "evidence", "quarantine", "evidence_id", row["evidence_id"], place.partition)
        again = [_line_name(copy.values["provenance"]) for copy in copies]
        if again:
            facts["came again in"] = ", ".join(again)
        checks = [*proving.stored(self.lake, place), proving.remapped(source, row["evidence_id"])]
        return Link("Evidence", _where(place), facts, tuple(checks))

    def dropped(self, place: Place) -> Chain:
        """Return the chain behind a source line that did not become evidence, or came a second time."""
        row = place.values
        source = proving.read_source(self.settings, row["provenance"], None)
        facts = {"disposition": row["disposition"], "reason": row["reason"], "detail": excerpt(row["detail"])}
        if row["evidence_id"]:
            facts["evidence_id"] = row["evidence_id"]
        checks = [*proving.stored(self.lake, place), proving.refused_again(source, row["reason"])]
        return Chain(
            "",
            (
                Link("Quarantine", _where(place), facts, tuple(checks)),
                _source_link(self.settings.data, row["provenance"], source, []),
            ),
        )


def _where(place: Place) -> str:
    return f"{place.path}, row {place.index}"


def _line_name(provenance: dict[str, Any]) -> str:
    return f"{shortened(provenance['source_file'], 500)}:{provenance['line_offset'] + 1}"


def _row_facts(row: dict[str, Any]) -> dict[str, str]:
    """Return what an exported row says; its provenance has a link of its own."""
    left_out = {"id", "provenance", "chosen_provenance", "rejected_provenance"}
    return {name: _said(value) for name, value in row.items() if name not in left_out and value is not None}


def _said(value: Any) -> str:
    if isinstance(value, list) and value and isinstance(value[0], dict):
        return " / ".join(f"{message['role']}: {excerpt(message['content'])}" for message in value)
    if isinstance(value, list):
        return ", ".join(excerpt(str(item)) for item in value)
    return f"{value:.4g}" if isinstance(value, float) else excerpt(str(value))


def _rules(stream: Stream, reasons: list[str], evidence: Place) -> dict[str, str]:
    """Return the text of the rule that decided and the values it looked at."""
    wanted = {reason.removeprefix("unknown:") for reason in reasons}
    fired = [rule for rule in stream.rules if rule.reason in wanted]
    if not fired:
        return {"rule": f"none held, so otherwise ({stream.file.name})"}
    lookup = next(lookups(evidence.row, stream))
    names = sorted({name for rule in fired for name in rule.when.names})
    return {
        "rule": "; ".join(f"{rule.when.text} → {rule.category}" for rule in fired) + f" ({stream.file.name})",
        "looked at": ", ".join(f"{name} = {_said(lookup(name))}" for name in names),
    }


def _source_link(folder: Path, provenance: dict[str, Any], source: Source, secrets: list[str]) -> Link:
    facts = {}
    if source.line is not None:
        facts["bytes"] = f"{len(source.line.raw):,}"
        facts["line"] = masked(secrets) if secrets else line_excerpt(source.line.raw)
    return Link("Source line", f"{folder}/{_line_name(provenance)}", facts, tuple(proving.rehashed(source, provenance)))


def _lost(side: str) -> Chain:
    return Chain(side, (_missing("Evidence", "evidence"),))


def _missing(name: str, dataset: str) -> Link:
    return Link(name, dataset, {}, (Proof(f"its row in {dataset} is there", False, "not found; run again"),))
