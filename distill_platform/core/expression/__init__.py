"""The rule language: a closed subset of CEL that fails closed.

Literals, dotted names, `== != < <= > >=`, `&& || !`, `in [...]` and parentheses, checked against declared names and
kinds when a rule is loaded. What differs from CEL on purpose: one missing or unusable value makes the whole rule
unknown, comparisons do not chain, and integers and floats compare exactly.

>>> rule = compile_expression("metadata.attempt == 1", {"metadata.attempt": Kind.NUMBER})
>>> rule.evaluate({"metadata.attempt": 1}.get)
<Verdict.TRUE: 'true'>
>>> rule.evaluate({}.get)
<Verdict.UNKNOWN: 'unknown'>
"""

from __future__ import annotations

from distill_platform.core.expression.kinds import Kind, Verdict
from distill_platform.core.expression.language import Expression, compile_expression

__all__ = ["Expression", "Kind", "Verdict", "compile_expression"]
