"""A reply of the meta model as an agent's source, whatever form it came in."""

from __future__ import annotations

from dataclasses import dataclass

from meta_search.authors.plan import Plan, compile_plan
from meta_search.authors.replies.blocks import blocks_in
from meta_search.authors.replies.edits import EditFault, apply_edits, has_edits, without_edits
from meta_search.authors.replies.labels import labels_of
from meta_search.authors.replies.plans import read_plan
from meta_search.authors.replies.programs import broken_program_in, program_in

__all__ = ["Reply", "ReplyFault", "read_reply"]

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
    if not text.strip():
        raise ReplyFault("the reply is empty")
    if form == "plan":
        plan = read_plan(text)
        if isinstance(plan, Plan):
            return _of_plan(plan)
    if parent and (form == "edit" or "def forward" not in text) and has_edits(text):
        try:
            return _labelled(text, apply_edits(parent, text), edited=True)
        except EditFault as fault:
            if not (source := program_in(without_edits(text))):
                raise ReplyFault(f"edit: {fault}") from None
            return _labelled(text, source)
    if source := program_in(text) or broken_program_in(text):
        return _labelled(text, source)
    if form == "plan":
        raise ReplyFault(str(plan))
    if isinstance(plan := read_plan(text), Plan):
        return _of_plan(plan)
    if form == "edit":
        raise ReplyFault("edit: there is no SEARCH/REPLACE block, and no whole program")
    raise ReplyFault("there is no ```python block with a function forward(self, taskInfo)")


def _of_plan(plan: Plan) -> Reply:
    return Reply(plan.name, plan.thought, compile_plan(plan), plan)


def _labelled(text: str, source: str, edited: bool = False) -> Reply:
    # The docstring of an edited source is its parent's.
    name, thought = labels_of(text, blocks_in(text), "" if edited else source)
    return Reply(name or UNNAMED, thought, source.rstrip("\n") + "\n")
