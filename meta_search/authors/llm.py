"""The llm author: the meta agent drafts, hears what the checks find, mends, and looks again.

The loop of Meta Agent Search (arXiv 2408.08435, section 3) in another order: checks and free dry run come
before the reflexion, which sees what they found; and with parents and their failures in the prompt in place
of the whole archive (arXiv 2510.06711).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from functools import partial

from meta_search.authors import follow_ups, prompts
from meta_search.authors.author import Context, Written
from meta_search.authors.bootstrap import bootstrap_by
from meta_search.authors.checked import Checked, candidate_from, check_reply
from meta_search.authors.drafts import attempt
from meta_search.authors.lessons import with_lesson
from meta_search.authors.near_duplicates import twin
from meta_search.authors.registry import by_operator
from meta_search.authors.replies.remarks import read_ideas, says_keep
from meta_search.authors.replies.reply import Reply
from meta_search.authors.replies.several import read_replies
from meta_search.authors.talk import Talk
from meta_search.types import Attempt, Candidate
from meta_search.types.operators import OPERATORS

__all__ = ["FORMS", "LLMAuthor", "candidate_from", "form_of"]

FORMS = {"plan": "JSON plan", "edit": "edits", "program": "program"}
OPENINGS = {"plan": prompts.draft_plan, "edit": prompts.draft_edit, "program": prompts.draft_program}
TOLD = 2  # times that a draft is told to be a near-duplicate; once in a small window


class LLMAuthor:
    """Author `llm`."""

    def write(self, context: Context) -> Written:
        """Carry a brief out in the format the guide chose (a tag), else the first that is configured."""
        context = with_lesson(context)
        written = by_operator("llm", context)
        if written is not None:
            return written
        asked = OPERATORS.get(context.brief.operator)
        shows = asked is not None and asked.shows
        return bootstrap_by(context, _write) if shows else _write(context)


def _write(context: Context) -> Written:
    return _Work(context).written()


def form_of(context: Context) -> str:
    """The format in which a brief is carried out; no edits where there is nothing to edit, or another agent
    is asked for."""
    brief, formats = context.brief, context.config.formats
    form = next(f for f in (*brief.tags, *formats, "plan") if f in FORMS)
    if brief.operator == "debug" and "edit" in formats:
        form = "edit"  # what fails is mended where it fails
    if form == "edit" and (not context.parents or brief.operator == "novel"):
        return next((f for f in formats if f in FORMS and f != "edit"), "program")
    return form


class _Work:
    """One brief from the first message to its candidates.

    Args:
        context: Of the brief.
    """

    def __init__(self, context: Context) -> None:
        self._context, self._form = context, form_of(context)
        self._folder = context.config.prompts
        self._small = bool(context.context_tokens)  # the window of an embedded model
        self._most = 1 if context.brief.operator == "debug" else context.config.drafts or 1
        self._talk = Talk(context, self._form, self._most)
        self._failed: list[Attempt] = []
        self._looks = context.config.reflexions or 0  # that are left

    def written(self) -> Written:
        """Draft, checks and mending, another draft where it hardly differs from an agent of the run, a second
        look."""
        checked = self._mended(self._opened(), "")
        if checked is not None:
            checked = self._looked_at(self._another(checked))
        if checked is None:
            return Written(None, tuple(self._failed))
        first, *further = checked.passed
        return Written(first, tuple(self._failed), further=tuple(further))

    # -- the first draft

    def _opened(self) -> str | Attempt:
        """The first draft; where another agent is asked for, after ideas for it."""
        context, opening = self._context, OPENINGS[self._form](self._context)
        if self._most > 1:
            opening = f"{opening}\n\n{follow_ups.several(context, self._form, self._most)}"
        if self._small or context.brief.operator != "novel":
            return self._talk.say(opening, "draft")
        asked = follow_ups.ideas(context, self._most)
        said = self._talk.say(f"{opening}\n\n{asked}", "ideas", free=True)
        if isinstance(said, Attempt):
            return self._talk.say(opening, "draft") if self._talk.was_cut else said
        if any(isinstance(read, Reply) for read in read_replies(said, self._form)):
            return said  # it did not wait to be asked
        return self._talk.say(follow_ups.write_idea(context, self._chosen(said)), "draft")

    def _chosen(self, said: str) -> list[str]:
        """The ideas that are written: those that the reply picks, else the farthest from what was tried."""
        ideas, picked = read_ideas(said)
        if not ideas:
            return []
        shown = (*self._context.parents, *self._context.inspirations)
        tried = [agent.thought or agent.name for agent in self._context.findings.tried]
        tried += [parent.thought or parent.agent.name for parent in shown]
        picked = picked or [follow_ups.farthest(ideas, tried)]
        return [ideas[place] for place in picked[: self._most]]

    # -- checks

    def _mended(self, text: str | Attempt, step: str) -> Checked | None:
        """A reply checked, and mended by the meta agent while all of it fails and rounds are left."""
        rounds = self._context.config.debug_rounds
        instead = 0 if rounds else self._looks  # where nothing passes, there is nothing to look at
        rounds += instead
        for round_ in range(rounds + 1):
            if isinstance(text, Attempt):
                self._failed.append(text)
                return None
            checked = self._checked(text)
            self._failed += checked.failed
            if checked.passed:
                return checked
            if round_ < rounds:
                self._looks -= bool(instead)
                asked = partial(
                    prompts.debug, message=checked.message, form=FORMS[self._form], folder=self._folder
                )
                text = self._follow(text, asked, f"{step}debug{round_}")
        return None

    def _checked(self, text: str) -> Checked:
        return check_reply(self._context, self._form, text, self._most)

    def _follow(
        self, draft: str, asked: Callable[[str], str], step: str, free: bool = False
    ) -> str | Attempt:
        return self._talk.follow(draft, asked, step, free)

    # -- near-duplicates

    def _another(self, first: Checked) -> Checked:
        """The candidates that differ from all agents of the run; where none does, another draft is asked for.

        What comes of that is taken if it can be used, else the first after all.
        """
        best = first
        for number in range(1 if self._small else TOLD):
            fresh, twins = self._twins(best.passed)
            if fresh or not twins:
                self._told(twins)
                return Checked(best.text, fresh or best.passed, best.failed, best.seen)
            alike = next(iter(twins.values()))
            draft = json.dumps(best.passed[0].plan) if self._form == "plan" else best.text
            step = f"another{number or ''}"
            asked = partial(prompts.another, twin=alike, form=FORMS[self._form], folder=self._folder)
            second = self._mended(self._follow(draft, asked, step), f"{step}-")
            if second is None:
                return best
            self._told(twins)
            best = second
        return best

    def _twins(self, passed: Sequence[Candidate]) -> tuple[tuple[Candidate, ...], dict[str, str]]:
        """Those that differ from all agents of the run; source -> name of its twin for the others."""
        named = [(candidate, twin(candidate, self._context.findings.known)) for candidate in passed]
        fresh = tuple(candidate for candidate, name in named if not name)
        return fresh, {candidate.agent.source: name for candidate, name in named if name}

    def _told(self, twins: dict[str, str]) -> None:
        for source, name in twins.items():
            self._failed.append(attempt(self._context, "duplicate", f"hardly differs from «{name}»", source))

    # -- a second look

    def _looked_at(self, checked: Checked) -> Checked:
        """Reflexions on what has passed. One that changes nothing, or cannot be used, loses nothing."""
        context, form = self._context, FORMS[self._form]
        for number in range(self._looks):
            if self._small:
                # A plan is looked at by itself: what it is to get right has to be said again.
                plan = self._form == "plan"
                wrong = prompts.wrong_items(context, "The wrong items:") if plan else ""
                asked: Callable[[str], str] = partial(
                    prompts.reflect, form=form, wrong=wrong, folder=self._folder
                )
            else:
                seen = [checked.seen[c.agent.id] for c in checked.passed if c.agent.id in checked.seen]
                text = follow_ups.look(context, form, seen, checked.failed)
                asked = partial(_whatever, text)
            reply = self._follow(checked.text, asked, f"reflexion{number}", free=not self._small)
            if isinstance(reply, Attempt) or says_keep(reply):
                break
            checked = self._improved(checked, reply)
        return checked

    def _improved(self, before: Checked, reply: str) -> Checked:
        """What a second look came to: its agents in place of those of their names."""
        after = self._checked(reply)
        self._failed += [failed for failed in after.failed if failed.stage != "draft"]
        fresh, twins = self._twins(after.passed)
        self._told(twins)
        if not fresh:
            return before
        names = {candidate.agent.name for candidate in fresh}
        ids = {candidate.agent.id for candidate in fresh}
        most = max(self._most, len(before.passed))
        kept = [c for c in before.passed if c.agent.name not in names and c.agent.id not in ids]
        kept = kept if most > 1 else []
        return Checked(reply, (*fresh, *kept)[:most], after.failed, {**before.seen, **after.seen})


def _whatever(text: str, draft: str) -> str:
    """A message that does not depend on the draft, which stands in the conversation."""
    return text
