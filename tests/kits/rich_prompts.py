"""Every prompt on the made state of `rich_run`, by the name of its snapshot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from meta_search.authors import adas_prompts
from meta_search.authors import prompts as asked
from meta_search.authors.follow_ups import Seen, look
from meta_search.types import Attempt
from tests.kits.rich_run import REQUEST, VERIFIER, archive, rich_context

__all__ = ["ROOMS", "SNAPSHOTS", "prompts"]

SNAPSHOTS = Path(__file__).parent.parent / "data" / "prompts"
ROOMS = (1_500, 6_000, 24_000)
DRAFT = f"Name: Solve and verify\nThought: A second look.\n```python\n{VERIFIER}```"
DRAFTS = {
    "program": ("mutate", asked.draft_program),
    "program-novel": ("novel", asked.draft_program),
    "edit": ("mutate", asked.draft_edit),
    "edit-crossover": ("crossover", asked.draft_edit),
    "edit-debug": ("debug", asked.draft_edit),
    "plan": ("mutate", asked.draft_plan),
}


def prompts() -> dict[str, str]:
    """All of them, the longer ones for several rooms."""
    found = {
        f"{name}.{room}": make(rich_context(operator, room))
        for name, (operator, make) in DRAFTS.items()
        for room in ROOMS
    }
    small = rich_context("mutate", 1_500, context_tokens=2_048)
    early = replace(small, parents=(), inspirations=(), findings=replace(small.findings, rates=()))
    sent = Seen("Solve and verify", 2, ("(Solver, helpful assistant)", *REQUEST[-1][1].split("\n")))
    lost = Attempt(1, "llm", "novel", "dry_run", "KeyError: 'x' (line 3)", "Name: Loop\nThought: …")
    adas = rich_context("novel", 24_000)
    agents = archive()
    return {
        **found,
        "system": asked.system(),
        "plan-small": asked.draft_plan(small),
        "plan-small-first": asked.draft_plan(replace(early, brief=replace(early.brief, operator="novel"))),
        "look": look(adas, "program", [sent], ()),
        "look-several": look(adas, "program", [sent, Seen("Ask", 0, ())], [lost]),
        "reflexion-alone": asked.reflect(DRAFT, "program", asked.wrong_items(small, "The wrong items:")),
        "debug": asked.debug("", "crash: KeyError: 'x'; the key may be missing", "program"),
        "another": asked.another("", "Solve and verify", "program"),
        "adas-system": adas_prompts.system(),
        "adas": adas_prompts.design(adas, agents),
        "adas-idea": adas_prompts.look(0, agents[-1], agents),
        "adas-idea-not-shown": adas_prompts.look(0, agents[-1], agents[:1]),
        "adas-code": adas_prompts.look(1, None),
        "adas-mend": adas_prompts.mend(adas_prompts.why_failed(adas, agents[0])),
    }
