"""Answers that try to make a scorer raise, hang or be wrong."""

from __future__ import annotations

__all__ = ["HOSTILE"]

HOSTILE = (
    "",
    " \n\t",
    "\x00",
    "None",
    "nan",
    "-inf",
    "1e99999999",
    "9" * 5000,
    "9" * 1_000_000,
    "1/0",
    "\ud800",
    "\u202e\u0301" * 3000,
    "\u0327\u0301" * 30_000,
    "٣٤",
    "[" * 20_000,
    "{'a': " * 3000,
    "__import__('os').abort()",
    "lambda: 0",
    "\\boxed{" * 2000,
    "answer is " * 5000,
    "$" * 50_000,
    "1," * 30_000,
    "* " * 30_000,
    "x" * 10_000_000,
    "7" * 10_000_000,
    "5\x00",
    "²⅗Ⅷ",
    "(" * 100_000 + ")" * 100_000,
    "1e99999999/1e-99999999",
    "__import__('os').system('true') or 10**10**10",
    "a" * 60_000 + "!",
    "$1" + ",000" * 20_000,
    "\\frac{" * 20_000,
)
