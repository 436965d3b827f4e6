"""What the meta agent is told: templates (`templates/*.j2`), filled in with what the run knows (`sight`).

Small models follow short prompts and copy what stands in them, so the prompt of a plan for an embedded model
says one thing, shows the form of the reply last, and names only what exists.
"""

from __future__ import annotations

from collections.abc import Sequence

from meta_search.authors.author import Context, Parent
from meta_search.authors.block_table import BLOCKS
from meta_search.authors.designs import stages_of
from meta_search.authors.failing import failing, quoted, room_in
from meta_search.authors.plan import MAX_SAMPLES, MAX_SHOWN, MAX_STEPS, USUAL
from meta_search.authors.sight.builder import sighted
from meta_search.authors.sight.kinds import kind_name
from meta_search.authors.sight.quoting import MATERIAL, named
from meta_search.authors.sight.tokens import shortened, tokens
from meta_search.authors.sight.ways import ways_lines
from meta_search.authors.teach import pool_note
from meta_search.authors.templating import render
from meta_search.text import one_line, passage
from meta_search.types.operators import OPERATORS

__all__ = [
    "another",
    "debug",
    "draft_edit",
    "draft_plan",
    "draft_program",
    "reflect",
    "system",
    "task_of",
    "wrong_items",
]

MOST_DRAFT = 6_000  # tokens of a draft that is not in the conversation
MOST_MESSAGE = 1_000  # characters


STAGES_TOLD = {
    "prepare": "what is worked out before, also a key of each route",
    "check": "how an answer is checked, also a key of each route",
    "failed": "what follows where a check refuses an answer",
    "combine": "how several samples become one answer",
    "choice": "which worked examples are shown",
}


def system(folder: str | None = None) -> str:
    """System message of the meta agent.

    Args:
        folder: Here and below, the user's own templates (`author.prompts`).
    """
    return render(folder, "system")


def draft_plan(context: Context) -> str:
    """Ask for a plan as JSON; in short where the meta model is embedded."""
    if context.context_tokens:
        return _small_plan(context)
    routes = {kind_name(kind): words for kind, words in context.domain.keywords.items()}
    return sighted(
        context,
        "plan",
        system(context.config.prompts),
        task=task_of(context, "novel"),
        allowed=context.config.ways,
        routes=routes,
        steps=MAX_STEPS,
        samples=MAX_SAMPLES,
        shown=MAX_SHOWN,
        temperature=USUAL,
        stages=[
            (
                stage,
                STAGES_TOLD[stage],
                [(name, BLOCKS[name].does if name in BLOCKS else "") for name in names],
            )
            for stage, names in stages_of(context).items()
        ],
    )


def draft_program(context: Context) -> str:
    """Ask for a whole program."""
    return sighted(context, "program", system(context.config.prompts), task=_asked(context, "novel"))


def draft_edit(context: Context) -> str:
    """Ask for an edit of the first parent as search and replace blocks."""
    return sighted(context, "edit", system(context.config.prompts), task=_asked(context, "mutate"))


def reflect(draft: str, form: str, wrong: str = "", folder: str | None = None) -> str:
    """Ask an embedded model for a second look at a draft (Reflexion, Shinn et al. 2023, arXiv 2303.11366).

    Others are asked by `follow_ups.look`, with what the checks have shown.

    Here and below, a draft that is "" stands in the conversation already.

    Args:
        draft: The draft.
        form: What it is, in a word or two.
        wrong: The `wrong_items` that it is to get right, where they do not stand in the conversation.
        folder: As for `system`.
    """
    return render(folder, "reflexion", draft=_draft(draft), form=form, wrong=wrong.strip("\n"))


def debug(draft: str, message: str, form: str, folder: str | None = None) -> str:
    """Ask to mend a draft that failed, with the reason."""
    why = one_line(message, MOST_MESSAGE)
    return render(folder, "debug", draft=_draft(draft), message=why, form=form)


def another(draft: str, twin: str, form: str, folder: str | None = None) -> str:
    """Ask once more where a draft hardly differs from an agent that was tried."""
    return render(folder, "another", draft=_draft(draft), twin=named(twin), form=form)


def task_of(context: Context, otherwise: str) -> str:
    """What the brief's operator asks for, in a sentence.

    Args:
        context: Of the brief.
        otherwise: Operator whose sentence stands in where this one has none.
    """
    spec = OPERATORS.get(context.brief.operator)
    if not spec or not spec.task:
        spec = OPERATORS[otherwise]
    first = context.parents[0] if context.parents else None
    right = first is not None and first.score >= 1 and not first.failures
    return (spec.task_if_right if right else "") or spec.task


def _asked(context: Context, otherwise: str) -> str:
    """What the brief's operator asks for; and what there is to be shown, where an agent is to show it."""
    asked = OPERATORS.get(context.brief.operator)
    note = pool_note(context) if asked is not None and asked.shows else ""
    return "\n".join(filter(None, (task_of(context, otherwise), note)))


def wrong_items(context: Context, head: str) -> str:
    """What the parents got wrong, under a headline; `""` where they got nothing wrong."""
    lines = [line for lines in failing(context.parents, room_in(context)) for line in lines]
    if not lines:
        return ""
    return "\n".join((head, *lines, *([MATERIAL] if quoted(lines) else []))) + "\n\n"


def _draft(draft: str) -> str:
    """A draft to be looked at again: it is the model's own, so it stands as it is, but bounded."""
    return shortened(draft, MOST_DRAFT) if draft.strip() else ""


# -- the plan of an embedded model


def _small_plan(context: Context) -> str:
    """A short prompt; the less room, the fewer inspirations, rates of kinds, and items."""
    for others, kinds, items, brief in (
        (3, True, 3, 4_000),
        (1, False, 3, 2_000),
        (0, False, 1, 1_000),
        (0, False, 0, 600),
    ):
        text = render(
            context.config.prompts,
            "plan_small",
            tasks=shortened(context.domain.brief, context.room, brief),
            ways="\n".join(ways_lines(context, kinds)),
            routes={kind_name(kind): words for kind, words in context.domain.keywords.items()},
            notes=passage(context.config.notes, brief),
            standing=_standing(context, items, others),
            task=task_of(context, "novel"),
        )
        if tokens(text) + tokens(system(context.config.prompts)) <= context.room:
            break
    return text


def _standing(context: Context, items: int, others: int) -> str:
    """The parents with their worst items, and so many inspirations in a line each."""
    wrong = failing(context.parents, room_in(context), items)
    parts = [_parent(parent, lines) for parent, lines in zip(context.parents, wrong, strict=True)]
    if any(map(quoted, wrong)):
        parts.append(MATERIAL)
    if context.inspirations[:others]:
        parts.append("Others so far:")
        parts += [f"- {_line(parent)}" for parent in context.inspirations[:others]]
    return "\n".join(parts)


def _parent(parent: Parent, wrong: Sequence[str]) -> str:
    text = [f"Agent {_line(parent)}"]
    if parent.by_kind:
        counts = {kind: f"{right:g} of {n}" for kind, (right, n) in sorted(parent.by_kind.items())}
        kinds = ", ".join(f"{kind_name(kind)} {count}" for kind, count in counts.items())
        text.append(f"Right: {counts['']}." if list(counts) == [""] else f"Right by kind: {kinds}.")
    return "\n".join([*text, *wrong])


def _line(parent: Parent) -> str:
    return f"{named(parent.agent.name)}: mean score {parent.score:.2f} at {parent.tokens:.0f} tokens an item."
