"""One row of the GSM8K model solutions holds four answers; this makes one flat row of each."""

import hashlib
from collections.abc import Iterator, Mapping

_NOT_A_MODEL = frozenset({"question", "ground_truth"})


def explode(row: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """Yield one row per model: model, question, solution, is_correct, task_id and run_id.

    Nothing is left out: an odd or missing solution is passed on, for the refinery to refuse with a reason.
    """
    question = row.get("question")
    task_id = _task_id(question)
    for model, answer in row.items():
        if model in _NOT_A_MODEL:
            continue
        known = answer if isinstance(answer, Mapping) else {"solution": answer}
        yield {
            "model": model,
            "question": question,
            "solution": known.get("solution"),
            "is_correct": known.get("is_correct"),
            "task_id": task_id,
            "run_id": task_id and f"{task_id}:{model}",
        }


def _task_id(question: object) -> str | None:
    if not isinstance(question, str) or not question.strip():
        return None
    return hashlib.sha256(question.encode()).hexdigest()[:16]
