"""A reply of the meta model as an agent's source, whatever form it came in."""

from __future__ import annotations

from dataclasses import dataclass

from meta_search.authors.compiler import compile_plan
from meta_search.authors.plan import Plan
from meta_search.authors.replies.blocks import blocks_in
from meta_search.authors.replies.edits import EditFault, apply_edits, has_edits, without_edits
from meta_search.authors.replies.labels import labels_of
from meta_search.authors.replies.mending import INVISIBLE
from meta_search.authors.replies.plans import read_plan
from meta_search.authors.replies.programs import (
    broken_program_in,
    completed,
    leaves_out,
    pieces_of,
    program_in,
)

__all__ = ["Reply", "ReplyFault", "of_plan", "read_reply"]

UNNAMED = "Unnamed"


class ReplyFault(Exception):
    """Why a reply cannot be read, in one line for the meta agent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """What a reply describes.

    Attributes:
        name: Of the agent.
        thought: The idea of it.
        source: Its source, which may be broken: the static check says where.
        plan: What the source was compiled from, if it is a plan.
    """

    name: str
    thought: str
    source: str
    plan: Plan | None = None


def read_reply(text: str, form: str, parent: str = "") -> Reply:
    """Read a reply in the form that was asked for, else in another one that it has.

    Args:
        text: The reply.
        form: What was asked for: `plan`, `edit` or `program`.
        parent: Source that edits are about, `""` where there is none.

    Raises:
        ReplyFault: It holds nothing that can be read, or edits that cannot be applied.
    """
    if not text.strip(f"{INVISIBLE} \n\t"):
        raise ReplyFault("the reply is empty")
    if form == "plan":
        plan = read_plan(text)
        if isinstance(plan, Plan):
            return of_plan(plan)
    if parent and (form == "edit" or "def forward" not in text) and has_edits(text):
        try:
            return _labelled(text, apply_edits(parent, text), edited=True)
        except EditFault as fault:
            if not (source := program_in(without_edits(text))):
                raise ReplyFault(f"edit: {fault}") from None
            return _whole(text, source, parent)
    if source := program_in(text):
        return _whole(text, source, parent)
    if source := broken_program_in(text):
        return _labelled(text, source)
    if form == "plan":
        raise ReplyFault(str(plan))
    if isinstance(plan := read_plan(text), Plan):
        return of_plan(plan)
    if form == "edit":
        raise ReplyFault("edit: there is no SEARCH/REPLACE block, and no whole program")
    raise ReplyFault("there is no ```python block with a function forward(self, taskInfo)")


def of_plan(plan: Plan) -> Reply:
    """A plan as a reply."""
    return Reply(plan.name, plan.thought, compile_plan(plan), plan)


def _whole(text: str, source: str, parent: str) -> Reply:
    """A program, with what it uses of its parent's and does not repeat.

    Raises:
        ReplyFault: It leaves lines out.
    """
    if left_out := leaves_out(source):
        raise ReplyFault(f"the program leaves lines out (`{left_out[:80]}`): give the whole source")
    return _labelled(text, completed(source, pieces_of(parent)))


def _labelled(text: str, source: str, edited: bool = False) -> Reply:
    # The docstring of an edited source is its parent's.
    name, thought = labels_of(text, blocks_in(text), "" if edited else source)
    return Reply(name or UNNAMED, thought, source.rstrip("\n") + "\n")
