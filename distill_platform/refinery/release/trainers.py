"""Trainers: the same rows in the shapes that LLaMA-Factory and axolotl read, and the files that declare them.

TRL reads the corpora as they are. LLaMA-Factory wants one list of messages per row, single messages as chosen and
rejected, and skips whole rows that do not fit; axolotl's KTO strategies want plain strings. Hence `conversations/`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import yaml

from distill_platform.refinery.release import layout
from distill_platform.store.lake import TableEntry

Row = Mapping[str, Any]


def _sft(row: Row) -> dict[str, Any]:
    """Return the whole conversation; `train` marks the one answer that was judged."""
    messages = [{**message, "train": False} for message in row["prompt"]]
    return {"id": row["id"], "messages": [*messages, {**row["completion"][-1], "train": True}]}


def _preference(row: Row) -> dict[str, Any]:
    return {"id": row["id"], "messages": row["prompt"], "chosen": row["chosen"][-1], "rejected": row["rejected"][-1]}


def _kto(row: Row) -> dict[str, Any]:
    """Return the conversation as messages for LLaMA-Factory, and as two strings for axolotl."""
    return {
        "id": row["id"],
        "messages": [*row["prompt"], row["completion"][-1]],
        "prompt": "\n".join(message["content"] for message in row["prompt"]),
        "completion": row["completion"][-1]["content"],
        "label": row["label"],
    }


CONVERSATIONS: Mapping[str, Callable[[Row], dict[str, Any]]] = {"sft": _sft, "preference": _preference, "kto": _kto}

_TAGS = {
    "role_tag": "role",
    "content_tag": "content",
    "user_tag": "user",
    "assistant_tag": "assistant",
    "system_tag": "system",
    "observation_tag": "tool",
}
_LLAMA_FACTORY: Mapping[str, dict[str, Any]] = {
    "sft": {"columns": {"messages": "messages"}},
    "preference": {"ranking": True, "columns": {"messages": "messages", "chosen": "chosen", "rejected": "rejected"}},
    "kto": {"columns": {"messages": "messages", "kto_tag": "label"}},
}


def llama_factory(tables: Mapping[str, TableEntry]) -> bytes:
    """Return `dataset_info.json`: one dataset per corpus and split that has rows."""
    declared = {
        f"distill_{config}_{split}": {
            "file_name": tables[layout.conversations_table(config, split)].parts[0].path,
            "formatting": "sharegpt",
            **about,
            "tags": _TAGS,
        }
        for config, about in _LLAMA_FACTORY.items()
        for split in layout.SPLITS
        if tables[layout.conversations_table(config, split)].rows
    }
    return json.dumps(declared, indent=2).encode() + b"\n"


_AXOLOTL_HEAD = """\
# Datasets for axolotl. Copy the document you need (supervised fine-tuning, DPO or KTO) into your own configuration.
# Paths are relative to this folder.
"""
_AXOLOTL: Mapping[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "sft": (
        "Supervised fine-tuning: only the answer that was judged is trained on.",
        {},
        {
            "type": "chat_template",
            "field_messages": "messages",
            "message_field_training": "train",
            "roles_to_train": [],
        },
    ),
    "preference": (
        "DPO.",
        {"rl": "dpo"},
        {
            "type": "chat_template.default",
            "field_messages": "messages",
            "field_chosen": "chosen",
            "field_rejected": "rejected",
        },
    ),
    "kto": (
        "KTO. axolotl writes the template itself here: chatml.ultra for ChatML, llama3.ultra for Llama 3.",
        {"rl": "kto", "remove_unused_columns": False},
        {"type": "chatml.ultra"},
    ),
}


def axolotl(tables: Mapping[str, TableEntry]) -> bytes:
    """Return `axolotl.yaml`: one YAML document per kind of training."""
    parts = [_AXOLOTL_HEAD]
    for config, (title, head, dataset) in _AXOLOTL.items():
        found = [tables[layout.conversations_table(config, split)] for split in layout.SPLITS]
        datasets = {
            key: [{"path": entry.parts[0].path, "ds_type": "json", "split": "train", **dataset}]
            for key, entry in zip(("datasets", "test_datasets"), found, strict=True)
            if entry.rows
        }
        if datasets:
            parts.append(f"---\n# {title}\n{plain_yaml(head | datasets)}")
    return "".join(parts).encode()


class _Plain(yaml.SafeDumper):
    """Writes equal values twice instead of inventing anchors."""

    def ignore_aliases(self, _: Any) -> bool:
        return True


def plain_yaml(value: Any) -> str:
    """Return a value as YAML, keys in their own order."""
    return str(yaml.dump(value, Dumper=_Plain, sort_keys=False, allow_unicode=True, width=120))
