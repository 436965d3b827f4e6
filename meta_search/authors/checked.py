"""A reply of the meta agent read and checked: the candidates that it holds, and why other drafts failed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from meta_search.authors.author import Context
from meta_search.authors.compiler import compile_plan
from meta_search.authors.composer import showing
from meta_search.authors.drafts import Draft, attempt, examined
from meta_search.authors.follow_ups import Seen, leak_message, seen
from meta_search.authors.replies.reply import Reply, ReplyFault
from meta_search.authors.replies.several import read_replies
from meta_search.authors.teach import carried_by
from meta_search.types import Attempt, Candidate, ItemResult

__all__ = ["Checked", "candidate_from", "check_reply"]


@dataclass(frozen=True, slots=True)
class Checked:
    """What a reply came to.

    Attributes:
        text: The reply.
        passed: Candidates that passed all checks.
        failed: Drafts that did not.
        seen: Id of a candidate -> what its dry run has shown.
    """

    text: str
    passed: tuple[Candidate, ...] = ()
    failed: tuple[Attempt, ...] = ()
    seen: Mapping[str, Seen] = field(default_factory=dict)

    @property
    def message(self) -> str:
        """Why the drafts failed, for the meta agent."""
        if len(self.failed) == 1:
            return self.failed[0].message
        return "\n".join(f"{n}. {attempt.message}" for n, attempt in enumerate(self.failed, 1))


def check_reply(context: Context, form: str, text: str, most: int = 1) -> Checked:
    """Read a reply, and check every agent that it describes: statically, for scored items, by dry runs.

    Args:
        context: Of the brief.
        form: What was asked for: `plan`, `edit` or `program`.
        text: The reply.
        most: Agents that it may hold.
    """
    passed: dict[str, Candidate] = {}
    failed: list[Attempt] = []
    shown: dict[str, Seen] = {}
    for read in read_replies(text, form, _parent(context), most):
        made, dry = _made(context, read, text)
        if isinstance(made, Attempt):
            failed.append(made)
        elif made.agent.id not in passed:
            passed[made.agent.id] = made
            shown[made.agent.id] = seen(made, dry)
    return Checked(text, tuple(passed.values()), tuple(failed), shown)


def candidate_from(context: Context, form: str, text: str) -> Candidate | Attempt:
    """Read a draft and check the one agent that it describes, but for scored items."""
    [read] = read_replies(text, form, _parent(context))
    if isinstance(read, ReplyFault):
        return attempt(context, "draft", str(read), text)
    return examined(context, _draft(context, read))[0]


def _parent(context: Context) -> str:
    return context.parents[0].agent.source if context.parents else ""


def _made(
    context: Context, read: Reply | ReplyFault, text: str
) -> tuple[Candidate | Attempt, tuple[ItemResult, ...]]:
    if isinstance(read, ReplyFault):
        return attempt(context, "draft", str(read), text), ()
    made, dry = examined(context, _draft(context, read))
    if isinstance(made, Candidate) and context.bench.leak(made.agent):
        return attempt(context, "leak", leak_message(context, made.agent.source), made.agent.source), dry
    return made, dry


def _draft(context: Context, read: Reply) -> Draft:
    if read.plan is None:
        carried = carried_by(context, read.source)
        return Draft(read.name, read.source, read.thought, demonstrations=carried)
    plan, shown = showing(context, read.plan)
    return Draft(plan.name, compile_plan(plan), plan.thought, demonstrations=shown, plan=plan.to_mapping())
