"""Teaching: worked examples for every kind of item, from the stronger model first.

After DSPy's BootstrapFewShot (Khattab et al. 2023, arXiv 2310.03714, section 3.3), but by kind: what an agent
is shown should be of its question's kind, so each kind is to have `author.teach_each` examples of a form, and
what a teacher got wrong is not asked again. Every example is run in the sandbox and scored; only right ones
are kept. What all of this may use is a share of the budget (`author.teach_share`), over the whole run; of
time, in a brief.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from meta_search.authors.author import Context, Example, Worked
from meta_search.authors.check import check_source
from meta_search.authors.course import META, TASK
from meta_search.authors.drafts import MAX_DEMONSTRATIONS
from meta_search.authors.registry import AUTHORS
from meta_search.authors.shown import forms_shown, uses_pool
from meta_search.authors.teachers import CALLS, FORM_OF_WAY, FORMS, demonstration, teacher
from meta_search.authors.templating import render
from meta_search.authors.written_examples import write_examples
from meta_search.outcomes import CHANCE, UNSCORED
from meta_search.text import one_line
from meta_search.types import Agent, Demonstration, Usage, unknown

__all__ = ["carried", "carried_by", "forms_for_ways", "plain_misses", "pool_note", "pool_of", "taught"]

LEAST = 12  # examples of a form over all kinds, where kinds are few
ROUND = 6  # examples that an embedded model works at a time, or one of each kind where kinds are more
GIVE_UP = 3  # wrong ones of a kind without a right one, after which a form is not asked for any more
PROMPT, REPLY = 250, 512  # tokens that an example is taken to cost before one has been worked
MOST_TOLD, MOST_NAME = 8, 40  # kinds in a line; characters of each
SMALL_REPLY = 128

T = TypeVar("T")


def pool_of(context: Context) -> tuple[Demonstration, ...]:
    """The run's worked examples, with those that this brief has added."""
    pool = context.findings.demonstrations
    return (*pool, *unknown((d for d, _ in context.course.found), pool))


def taught(context: Context, forms: Iterable[str]) -> tuple[Demonstration, ...]:
    """The pool, in which kinds of items that lack examples of these forms were topped up.

    The meta model teaches; where it is not the stronger one, after the task model, which is cheaper. Kinds
    for which no teacher was right are written by the meta agent, where it teaches first.

    Args:
        context: Of the brief.
        forms: Of the replies that are wanted, the most wanted first.
    """
    wanted = list(dict.fromkeys(forms))
    if context.domain.examples:
        for form in wanted:
            for model in (META,) if context.course.first else (TASK, META):
                _Teaching(context, form, model).give()
        if wanted and context.course.first and _writes(context) and not context.bench.late():
            write_examples(context, wanted[0], lacking(context, wanted[0]))
    return pool_of(context)


def _writes(context: Context) -> bool:
    """Whether the meta agent may write examples: embedded models cannot, and the composer alone asks nobody
    to write."""
    spec = AUTHORS.get(context.config.name)
    return not context.context_tokens and (spec is None or spec.asks_model)


def plain_misses(context: Context) -> set[str]:
    """Questions of examples that the task model gets wrong where it is asked for the answer alone. Where that
    is not known it is asked first, within what teaching may use."""
    if context.domain.examples:
        _Teaching(context, "text", TASK).give()
    return {question for question, form, by in context.course.missed if (form, by) == ("text", TASK)}


def forms_for_ways(ways: Iterable[str]) -> tuple[str, ...]:
    """Forms of the replies that ways of working show; an answer alone is no worked example: the domain's own
    are shown for it."""
    found = (FORM_OF_WAY[way] for way in ways if way != "direct")
    return tuple(dict.fromkeys(found))


def carried_by(context: Context, source: str) -> tuple[Demonstration, ...]:
    """The worked examples that an agent carries whose source shows some: of the forms that its models reply
    in. Where the pool has none of these, they are collected first."""
    if not uses_pool(source) or check_source(source) is not None:
        return ()
    forms, pool = forms_shown(source), pool_of(context)
    if context.course.first or not _of_forms(pool, forms):
        pool = taught(context, forms or forms_for_ways(context.config.ways)[:1])
    fit = _of_forms(pool, forms)
    return carried(context, fit if fit or context.course.first else pool)


def _of_forms(pool: Sequence[Demonstration], forms: Sequence[str]) -> list[Demonstration]:
    """What of a pool has one of these forms; all of it where they are not known."""
    return [d for d in pool if not forms or d.form in forms]


def carried(context: Context, pool: Sequence[Demonstration]) -> tuple[Demonstration, ...]:
    """As many of a pool as an agent carries: of every kind alike where the meta model teaches, which knows
    kinds; else the newest."""
    if len(pool) <= MAX_DEMONSTRATIONS or not context.course.first:
        return tuple(pool[-MAX_DEMONSTRATIONS:])
    kinds = {e.question: e.kind for e in context.domain.examples}
    by_kind: dict[str, list[Demonstration]] = {}
    for shown in pool:
        by_kind.setdefault(kinds.get(shown.question, ""), []).append(shown)
    kept = _in_turns(by_kind.values())[:MAX_DEMONSTRATIONS]
    return tuple(d for d in pool if d in kept)


def lacking(context: Context, form: str) -> list[str]:
    """Kinds of items without any worked example of a form, in the order of the examples."""
    have = _questions(context, form)
    kinds = dict.fromkeys(e.kind for e in context.domain.examples)
    return [kind for kind in kinds if not any(e.question in have for e in _of_kind(context, kind))]


def pool_note(context: Context) -> str:
    """What the pool has, for the meta agent that is to show it; `""` where that is nothing."""
    kinds = {e.question: e.kind for e in context.domain.examples}
    counts: dict[str, dict[str, int]] = {}
    for shown in pool_of(context):
        of_form = counts.setdefault(shown.form, {})
        kind = kinds.get(shown.question, "")
        of_form[kind] = of_form.get(kind, 0) + 1
    if not counts:
        return ""
    rows = [
        (form, FORMS[form], sum(counts[form].values()), _told(counts[form]))
        for form in FORMS
        if form in counts
    ]
    return render(context.config.prompts, "teach_pool", rows=rows)


@dataclass(slots=True)
class _Teaching:
    """Worked examples in one form by one model, round by round, until every kind has enough."""

    context: Context
    form: str
    model: str
    tried: set[str] = field(default_factory=set)
    cut: int = 0
    unasked: int = 0

    def give(self) -> None:
        """Teach, keep what is right, remember what is not, and say how far it is."""
        bench, used_up = self.context.bench, ""
        agent = teacher(self.form, brief=not self.context.context_tokens)
        while asked := self._round():
            if bench.late():
                used_up, self.unasked = "the time", 0
                break
            if not self._teach(agent, asked):
                break  # the search has ended, the budget, or the endpoint
            bench.say(self._line())
        if self.unasked and self.context.course.used.calls:
            used_up = "the budget"
        if used_up:
            bench.say(f"teaching has used its share of {used_up} (author.teach_share): {self._line()}")
        if self.cut:
            bench.say(f"{self.cut} worked examples were cut: raise llm.max_tokens")

    def _teach(self, agent: Agent, asked: Sequence[Example]) -> bool:
        """One round; whether any of it was run."""
        context = self.context
        worked = context.bench.teach(agent, asked, self.model)
        kept = [self._taken(run, bool(context.context_tokens)) for run in worked]
        found = [shown for shown in kept if shown is not None]
        if found:
            context.bench.keep(found, self.model)
            context.course.found += [(shown, self.model) for shown in found]
        self.tried |= {example.question for example in asked}
        return any(run.result.kind not in UNSCORED for run in worked)

    def _taken(self, run: Worked, small: bool) -> Demonstration | None:
        course, result = self.context.course, run.result
        # What chance ends costs a replay nothing, which must go on as the recorded run did.
        chance = result.kind in CHANCE
        course.charge(self._expected() if chance else result.used)
        self.cut += result.kind == "cut"
        shown = demonstration(run, self.form, small)
        if shown is None and not chance:
            course.fail((run.example.question, self.form, self.model))
        return shown

    def _round(self) -> list[Example]:
        """The examples that are asked for next, as many as fit: one of each kind, then a second one, …

        Embedded models, which are slow, are asked for a few at a time.
        """
        wanted = [
            [e for e in _of_kind(self.context, kind) if self._open(e)][: self._missing(kind)]
            for kind in dict.fromkeys(e.kind for e in self.context.domain.examples)
        ]
        asked = _in_turns(wanted)
        if self.context.context_tokens:
            asked = asked[: max(ROUND, len(wanted))]
        room = int(min(self.context.course.room(self._expected()), len(asked)))
        self.unasked = len(asked) - room
        return asked[:room]

    def _open(self, example: Example) -> bool:
        """Whether an example was not worked yet, in this form by this teacher."""
        question = example.question
        missed = (question, self.form, self.model) in self.context.course.missed
        return not missed and question not in self.tried and question not in self._have()

    def _missing(self, kind: str) -> int:
        """How many further examples a kind is to have; none where this does not pay."""
        have, examples = self._have(), _of_kind(self.context, kind)
        right = sum(e.question in have for e in examples)
        missed = self.context.course.missed
        wrong = sum((e.question, self.form, self.model) in missed for e in examples)
        return 0 if not right and wrong >= GIVE_UP else max(0, _each(self.context) - right)

    def _have(self) -> set[str]:
        return _questions(self.context, self.form)

    def _expected(self) -> Usage:
        """What an example may cost, before any has been worked."""
        longest = max((len(e.question) for e in self.context.domain.examples), default=0)
        small = SMALL_REPLY if self.context.context_tokens else REPLY
        reply = self.context.task.reply_tokens or small
        return Usage(CALLS[self.form], PROMPT + longest // 3, reply)

    def _line(self) -> str:
        have, each = self._have(), _each(self.context)
        counts: dict[str, int] = {}
        of: dict[str, int] = {}
        for example in self.context.domain.examples:
            counts[example.kind] = counts.get(example.kind, 0) + (example.question in have)
            of[example.kind] = min(each, of.get(example.kind, 0) + 1)
        done = sum(min(counts[kind], of[kind]) for kind in of)
        by_kind = _told(counts, of)
        who = "the meta model" if self.model == META else "the task model"
        return f"{who} teaches {FORMS[self.form]}: {done} of {sum(of.values())} examples{by_kind}"


def _each(context: Context) -> int:
    """Examples of a form that each kind is to have."""
    kinds = len({e.kind for e in context.domain.examples})
    return max(context.course.each, -(-LEAST // max(1, kinds)))


def _of_kind(context: Context, kind: str) -> list[Example]:
    return [e for e in context.domain.examples if e.kind == kind]


def _questions(context: Context, form: str) -> set[str]:
    """The examples that the pool has in a form."""
    return {d.question for d in pool_of(context) if d.form == form}


def _in_turns(rows: Iterable[Sequence[T]]) -> list[T]:
    """The first of each row, then the second of each, …"""
    lists = [list(row) for row in rows]
    longest = max((len(row) for row in lists), default=0)
    return [row[place] for place in range(longest) for row in lists if place < len(row)]


def _told(counts: dict[str, int], of: dict[str, int] | None = None) -> str:
    """Counts by kind, as the end of a line; `""` where there are no kinds."""
    if not any(counts):
        return ""
    shown = list(counts.items())[:MOST_TOLD]
    parts = [
        f"{one_line(kind, MOST_NAME) or 'no kind'} {n}" + (f"/{of[kind]}" if of else "") for kind, n in shown
    ]
    more = f", and {len(counts) - MOST_TOLD} more kinds" if len(counts) > MOST_TOLD else ""
    return f" ({', '.join(parts)}{more})"
