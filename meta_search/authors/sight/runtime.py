"""The runtime that agents see, exactly, without what is empty in this run."""

from __future__ import annotations

from meta_search.authors.author import Context
from meta_search.authors.sight.part import Part
from meta_search.authors.sight.tokens import tokens
from meta_search.authors.templating import render

__all__ = ["HELPERS", "runtime", "runtime_text"]

GRANTED = "granted by the domain."
# Helper of `agent.helpers` -> how it is called, and what it gives.
HELPERS = {
    "run_examples_and_get_feedback": (
        "run_examples_and_get_feedback(code)",
        "tries code with `def transform(grid)` on the item's examples; returns (feedback, an Info; examples "
        "that it solves; examples that it does not), two empty lists where it fails.",
    ),
    "get_test_output_from_code": (
        "get_test_output_from_code(code)",
        "applies such code to the item's test grid; returns an Info: the grid as text, or the error.",
    ),
}


def runtime(context: Context) -> Part:
    """The runtime; in little room in short."""
    whole, short = (runtime_text(context, name) for name in ("runtime", "runtime_short"))

    def shrink(room: int) -> str:
        return next((text for text in (whole, short) if tokens(text) <= room), "")

    return Part(
        "runtime", whole, shrink, share=0.25, missed="the runtime that agents see", least=tokens(short)
    )


def runtime_text(context: Context, name: str = "runtime") -> str:
    """One of the two templates on the runtime, filled in for this run."""
    return render(
        context.config.prompts,
        name,
        examples=len(context.domain.examples),
        demonstrations=len(context.findings.demonstrations),
        helpers=dict(HELPERS.get(name, (f"{name}(…)", GRANTED)) for name in context.domain.helpers),
        reply_tokens=context.task.reply_tokens,
        sandbox=context.sandbox,
    )
