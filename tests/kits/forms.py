"""How people print numbers."""

from __future__ import annotations

from decimal import Decimal

__all__ = ["NUMBER_FORMS", "swiss", "western"]

NUMBER_FORMS = (
    *("{}", "${}$", " {} ", "{}.", "**{}**", "`{}`", '"{}"', "({})", "= {}", "x = {}", "≈ {}", "{} kg"),
    *("\\boxed{{{}}}", "\\text{{{}}}", "#### {}", "Answer: {}", "The answer is {}.", "so 1 + 1 = {}"),
    *("The answer is **{}** apples.", '{{"answer": "{}"}}', "<think>9</think>{}", "```\n{}\n```"),
)


def western(n: int) -> str:
    """With commas between thousands."""
    return f"{n:,}"


def swiss(value: Decimal) -> str:
    """With apostrophes between thousands."""
    return f"{value:,.2f}".replace(",", "'")
