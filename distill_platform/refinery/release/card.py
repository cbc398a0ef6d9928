"""The dataset card: what `datasets` needs to load a release, and what a person needs to trust it.

The card holds no run time, no path of the machine and not its own release's name, which is a hash over it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import pyarrow as pa

from distill_platform.core import canon
from distill_platform.refinery.release import layout
from distill_platform.refinery.release.trainers import plain_yaml
from distill_platform.refinery.schemas import CORPORA
from distill_platform.store.lake import Input, Manifest

_ABOUT = {
    "rag": "documents that held up, for retrieval",
    "sft": "prompts with accepted answers, for supervised fine-tuning",
    "preference": "a better and a worse answer to the same prompt, for preference training",
    "kto": "answers with a yes or no, for KTO",
}
_KINDS = {
    pa.string(): "string",
    pa.bool_(): "bool",
    pa.int32(): "int32",
    pa.int64(): "int64",
    pa.float64(): "float64",
}


def card(manifest: Manifest) -> bytes:
    """Return the README.md of a release whose tables, counts and checks are known."""
    sections = [
        f"---\n{plain_yaml(front_matter(manifest))}---\n",
        _title(manifest),
        _contents(manifest),
        _loading(manifest),
        _gates(manifest.extra),
        _dropped(manifest.extra["corpora"]),
        _checks(manifest),
        _origin(manifest),
        _LICENCE,
    ]
    return "\n".join(sections).encode()


def front_matter(manifest: Manifest) -> dict[str, Any]:
    """Return what `datasets` reads: data files and features per corpus.

    A split or a corpus without rows is left out: `datasets` refuses to load a split that has none.
    """
    filled = {
        config: [split for split in layout.SPLITS if manifest.tables[layout.rows_table(config, split)].rows]
        for config in layout.CORPUS_OF
    }
    filled = {config: splits for config, splits in filled.items() if splits}
    return {
        "pretty_name": f"Training corpora {manifest.partition.replace('_', ' to ')}",
        "license": "other",
        "license_name": "as-the-source-traces",
        "tags": ["distill-platform", "execution-traces"],
        "configs": [_config(config, splits) for config, splits in filled.items()],
        "dataset_info": [_info(manifest, config, splits) for config, splits in filled.items()],
    }


def _config(config: str, splits: Sequence[str]) -> dict[str, Any]:
    files = [{"split": split, "path": f"{layout.rows_table(config, split)}.parquet"} for split in splits]
    return {"config_name": config, "data_files": files}


def _info(manifest: Manifest, config: str, splits: Sequence[str]) -> dict[str, Any]:
    entries = {split: manifest.tables[layout.rows_table(config, split)] for split in splits}
    return {
        "config_name": config,
        "features": features(CORPORA[layout.CORPUS_OF[config]]),
        "splits": [
            {"name": split, "num_bytes": entry.parts[0].bytes, "num_examples": entry.rows}
            for split, entry in entries.items()
        ],
    }


def features(fields: Iterable[pa.Field]) -> list[dict[str, Any]]:
    """Return columns the way a card declares them."""
    return [{"name": field.name, **_feature(field.type)} for field in fields]


def _feature(kind: pa.DataType) -> dict[str, Any]:
    if pa.types.is_struct(kind):
        return {"struct": features(kind)}
    if pa.types.is_list(kind):
        inner = _feature(kind.value_type)
        return {"list": inner.get("struct") or inner["dtype"]}
    return {"dtype": _KINDS[kind]}


def _title(manifest: Manifest) -> str:
    first, last = manifest.partition.split("_")
    days = "1 day" if first == last else f"{manifest.extra['days']} days"
    return f"""# Training corpora, {first} to {last}

Made from the execution traces of {days} by distill-platform. The whole range was judged again as one: duplicates,
near-duplicates, conflicting verdicts, contamination and pairs are looked for across days. Every row names the source
line it comes from, by file, line and hash; every dropped record is in `quarantine/` with its reason.
"""


def _contents(manifest: Manifest) -> str:
    rows = []
    for config, about in _ABOUT.items():
        train, validation = (manifest.tables[layout.rows_table(config, split)].rows for split in layout.SPLITS)
        rows.append((f"`{config}`", about, train, validation))
    table = _table(("config", "what", "train", "validation"), rows)
    return f"## Contents\n\n{table}\nSplits are cut by task: no task stands in both.\n{_pairs(manifest.extra)}"


def _pairs(extra: Mapping[str, Any]) -> str:
    """Return what the preference pairs look like; a model may learn length instead of quality."""
    pairs = extra["corpora"]["preference"].get("pairs")
    if not pairs:
        return ""
    return f"""
Of the preference pairs the chosen answer is the longer one in {pairs["chosen_longer_share"]:.0%} (median length ratio
{pairs["length_ratio_median"]:.2f}); the two answers share {pairs["similarity_mean"]:.0%} of their words on average.
"""


def _loading(manifest: Manifest) -> str:
    empty = [
        name
        for name in (layout.rows_table(c, s) for c in _ABOUT for s in layout.SPLITS)
        if not manifest.tables[name].rows
    ]
    note = f"\nWithout rows, and therefore not declared: {', '.join(empty)}.\n" if empty else ""
    return f"""## Loading

```python
from datasets import load_dataset

load_dataset("path/to/this/folder", "sft")  # or rag, preference, kto
```

`sft`, `preference` and `kto` train with TRL's SFTTrainer, DPOTrainer and KTOTrainer as they are. For LLaMA-Factory give
this folder as `dataset_dir` (and `mask_history: true`: only the last answer of a conversation was judged); for axolotl
take the datasets in `axolotl.yaml`.
{note}"""


def _gates(extra: Mapping[str, Any]) -> str:
    rows = [
        (f"`{group}.{name}`", _shown(value))
        for group in ("gates", "screening", "exports")
        for name, value in extra[group].items()
    ]
    sets = "".join(f"- {name}: SHA-256 `{sha256}`\n" for name, sha256 in extra["eval_sets"].items()) or "- none\n"
    return f"""## Gates

In the order in which they judge, with their thresholds:

{_table(("setting", "value"), rows)}
Evaluation sets that no row may share text with:

{sets}"""


def _shown(value: Any) -> str:
    return {True: "on", False: "off"}[value] if isinstance(value, bool) else f"{value:g}"


def _dropped(corpora: Mapping[str, Any]) -> str:
    totals = []
    reasons = []
    for config, about in corpora.items():
        counts = about["counts"]
        skipped, quarantined = (sum(counts[name].values()) for name in ("skipped", "quarantined"))
        totals.append((config, counts["rows_in"], counts["rows_out"], counts["deduplicated"], skipped, quarantined))
        for fate in ("skipped", "quarantined"):
            reasons += [(config, fate, reason, count) for reason, count in counts[fate].items()]
    header = ("corpus", "records in", "in a row", "deduplicated", "skipped", "quarantined")
    return f"""## What became of the records

{_table(header, totals)}
{_table(("corpus", "fate", "reason", "records"), reasons)}"""


def _checks(manifest: Manifest) -> str:
    rows = [(check.name, "passed" if check.passed else "FAILED", check.description) for check in manifest.checks]
    return f"## Checks\n\n{_table(('check', 'verdict', 'counts'), rows)}"


def _origin(manifest: Manifest) -> str:
    """Return where the rows come from: one hash per stage over its days; MANIFEST.json names them all."""
    stages: dict[str, dict[str, Input]] = {}
    for name, read in manifest.inputs.items():
        stages.setdefault(name.partition("/")[0], {})[name] = read
    inputs = [
        (stage, len(read), f"`{_over(read, 'version')}`", f"`{_over(read, 'content_hash')}`")
        for stage, read in stages.items()
    ]
    settings = [(name, f"`{value}`") for name, value in manifest.extra["config_hashes"].items()]
    return f"""## How it was made

Rows are evidence records with their verdict and screening, cut, redacted and paired; no model was asked.
`MANIFEST.json` names every file with its hash, the version of every input as its receipt does, the version of the code
and the checks. `distill export verify` reads everything again.

{_table(("input", "days", "SHA-256 over versions", "SHA-256 over content"), inputs)}
{_table(("configuration", "SHA-256"), settings)}"""


def _over(inputs: Mapping[str, Input], name: str) -> str:
    return canon.sig_hash({key: getattr(read, name) for key, read in inputs.items()})


_LICENCE = """## Licence

The texts come from the traces of whoever ran distill-platform, and so do the rights in them: the models' terms of use
and the owners of prompts and code decide what may be done with this data. Personal data and secrets were looked for,
but no pattern finds everything.
"""


def _table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    lines = [header, ["---"] * len(header), *rows]
    return "".join("| " + " | ".join(str(cell) for cell in line) + " |\n" for line in lines)
