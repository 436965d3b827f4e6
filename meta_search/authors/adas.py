"""Meta Agent Search as published (ADAS, Hu, Lu and Clune 2024, arXiv 2408.08435, section 3 and algorithm 1).

The meta agent sees the whole archive, proposes an agent as a program, looks at it twice, and gets up to
three evaluation attempts in all (`search.attempts`), with the error shown between them. A generation whose
attempts all fail is consumed. The rest of the algorithm (seven seeds, one agent at a time, every agent
evaluated whole, what counts as an error) is the configuration of `search=adas`.

Where we depart from the reference implementation:
- After three attempts in which nothing was right, it keeps the last agent, which was never evaluated, with
  the fitness of the one before. We do not: an agent joins the population with an evaluation of its own only.
- A draft that our static checks or the free dry run refuse counts as an attempt, as it would have failed in
  the evaluation, but it costs no calls. So does a reply that cannot be read, which there ends the generation
  (in the draft or a reflexion) or has the old code evaluated again (after an error).
- After an evaluation that failed, the meta agent sees the archive, the agent and its error, not the draft and
  reflexions that led there.
- An agent that is in the archive already is not evaluated again, and one that carries scored items is
  refused: that ends the generation.
- Replies are a name, a thought and a fenced block of code in place of JSON, which small models break.
- The error is shown with where in the code it happened; where nothing was right, with what the scorer says of
  some answers.
- Agents of the archive have their costs and some of the tasks that they got wrong, each thought stands there
  once, and the first reflexion names the agent found before in place of showing it again.
- Where the meta model's context does not hold the archive, the best and the newest agents are shown, and the
  run says so.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from meta_search.authors import adas_prompts as prompts
from meta_search.authors.asking import request
from meta_search.authors.author import Context, Parent, Written
from meta_search.authors.drafts import lost
from meta_search.authors.llm import candidate_from
from meta_search.authors.sight.tokens import tokens
from meta_search.types import Attempt, CallReply, Candidate

__all__ = ["AdasAuthor", "best_and_newest", "fitting"]

LOOKS = 2


class AdasAuthor:
    """Author `adas`."""

    def write(self, context: Context) -> Written:
        """Propose an agent, or mend the one that failed, till one passes the checks or no attempt is left."""
        talk = _Talk(context)
        if context.brief.operator == "debug":
            broken = context.parents[0]
            why = prompts.mend(prompts.why_failed(context, broken), context.config.prompts)
            text = talk.go_on(prompts.reply(broken), why)
        else:
            text = _look_again(context, talk, talk.open())
        failed: list[Attempt] = []
        for number in range(context.attempts):
            if number:
                text = talk.say(prompts.mend(failed[-1].message, context.config.prompts), f"debug{number}")
            if text.fault:
                return Written(None, (*failed, lost(context, text)), note=talk.note)
            made = candidate_from(context, "program", text.text)
            if isinstance(made, Candidate):
                found = replace(made, generation=context.brief.number + 1)
                return Written(found, tuple(failed), used=len(failed) + 1, note=talk.note)
            failed.append(made)
        return Written(None, tuple(failed), note=talk.note)


class _Talk:
    """A conversation with the meta agent: every message is answered with all before it in view.

    It begins with as much of the archive as the model's context holds. Where that is not known, or was
    guessed too large, the endpoint says so, and half of the agents are left out.

    Attributes:
        shown: The agents that it begins with, oldest first.
    """

    def __init__(self, context: Context) -> None:
        self._context, self.shown = context, fitting(context)
        self._said: list[tuple[str, str]] = []

    @property
    def note(self) -> str:
        """One line where agents were left out."""
        shown, of = len(self.shown), len(self._context.findings.archive)
        return "" if shown == of else _note(shown, of)

    def open(self) -> CallReply:
        """Ask for the next agent."""
        return self._answer("draft")

    def go_on(self, before: str, text: str) -> CallReply:
        """Take up a conversation of an earlier brief, which ended with `before`."""
        self._said.append(("assistant", before))
        return self.say(text, "draft")

    def say(self, text: str, step: str) -> CallReply:
        """Say something and have the answer."""
        self._said.append(("user", text))
        return self._answer(step)

    def _answer(self, step: str) -> CallReply:
        while True:
            system = prompts.system(self._context.config.prompts)
            first = (("system", system), ("user", prompts.design(self._context, self.shown)))
            reply = self._context.bench.ask(request(self._context, (*first, *self._said), step))
            if reply.fault != "context" or not self.shown:
                break
            self.shown = best_and_newest(self.shown, len(self.shown) // 2)
        self._said.append(("assistant", reply.text))
        return reply


def _look_again(context: Context, talk: _Talk, text: CallReply) -> CallReply:
    """Two reflexions; the first sees the agent that was found before."""
    previous = context.findings.archive[-1] if context.findings.archive and context.brief.number else None
    for number in range(min(LOOKS, context.config.reflexions or 0)):
        if text.fault:
            break
        asked = prompts.look(number, previous, talk.shown, context.config.prompts)
        text = talk.say(asked, f"reflexion{number}")
    return text


def fitting(context: Context) -> tuple[Parent, ...]:
    """The archive, or as many of its agents as there is room for beside the conversation: in the meta model's
    context where that is known, else in `author.context` where that is set."""
    archive = context.findings.archive
    room = context.context_tokens or context.config.context or 0
    if not room or not archive:
        return archive
    answers = (LOOKS + context.attempts) * (context.config.max_tokens or 0)  # of the longest conversation
    folder = context.config.prompts
    looks = prompts.look(0, archive[-1], (), folder) + prompts.look(1, None, (), folder)
    asked = prompts.system(folder) + prompts.design(context, ()) + looks
    left = room - (answers if context.context_tokens else 0) - tokens(asked)
    for count in range(len(archive), 0, -1):
        chosen = best_and_newest(archive, count)
        if sum(tokens(prompts.entry(agent)) + 1 for agent in chosen) <= left:
            return chosen
    return ()


def best_and_newest(archive: Sequence[Parent], count: int) -> tuple[Parent, ...]:
    """So many agents, half of them (rounded up) the best, the others the newest of the rest; oldest first."""
    ranked = sorted(range(len(archive)), key=lambda i: (-archive[i].score, -i))
    best = ranked[: (count + 1) // 2]
    newest = [i for i in reversed(range(len(archive))) if i not in best][: count - len(best)]
    return tuple(archive[i] for i in sorted((*best, *newest)))


def _note(shown: int, of: int) -> str:
    return (
        f"the archive does not fit in the meta model's context: it is shown {shown} of {of} agents, the best "
        "and the newest, from now on (raise llm.local.meta_context or author.context to show more)"
    )
