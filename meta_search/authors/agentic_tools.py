"""Tools of `author=agentic` that are no reading: items are run, the task model asked, an agent handed in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from meta_search.authors.archive_lines import said, summary, verdict
from meta_search.authors.archive_tools import ArchiveTools
from meta_search.authors.asking import request
from meta_search.authors.author import Context
from meta_search.authors.drafts import Draft, attempt, demonstrations_for, finish, fit
from meta_search.authors.knowledge import Knowledge, Known
from meta_search.authors.replies.programs import program_in
from meta_search.authors.tool_text import BadArguments, between, page_of, quote
from meta_search.text import one_line, passage
from meta_search.types import Agent, Attempt, Candidate, ItemResult

__all__ = ["DoingTools"]

MOST_PROMPT = 20_000  # characters
MOST_NAME, MOST_THOUGHT = 60, 1_000


class DoingTools:
    """These tools in one brief.

    Args:
        context: Of the brief.
        archive: The reading tools, which come to know what was tried.

    Attributes:
        tries: That are left.
        said: What the meta agent has said last; the thought of what it tries.
        valid: The last agent that was tried, as it was drafted.
        made: The agent that was handed in.
        failed: What was handed in and not taken.
    """

    def __init__(self, context: Context, archive: ArchiveTools) -> None:
        self._context, self._bench, self._archive = context, context.bench, archive
        self._known = context.knowledge or Knowledge()
        self._tools: dict[str, Callable[[dict[str, Any]], str]] = {
            "try": self._try,
            "ask": self._ask,
            "hand_in": self.hand_in,
        }
        self.tries, self._asked, self.said = context.config.tries, 0, ""
        self.failed: list[Attempt] = []
        self.valid: Draft | None = None
        self.made: Candidate | None = None
        self._tried: dict[str, str] = {}  # id of an agent -> its name here

    def __contains__(self, name: str) -> bool:
        return name in self._tools

    def use(self, name: str, given: dict[str, Any]) -> str:
        """What a tool comes to.

        Args:
            name: Of the tool.
            given: Its arguments, all of them.

        Raises:
            BadArguments: It cannot be done with these; one line.
        """
        return self._tools[name](given)

    def _try(self, given: dict[str, Any]) -> str:
        items = list({i.id: i for i in (self._archive.item(name) for name in given["items"])}.values())
        if not items:
            raise BadArguments("items is empty: name the train items to run")
        draft = self._draft(self._name_of_try(), given["source"], self.said)
        agent = Agent.of(draft.name, draft.source, {}, draft.demonstrations)
        _, fault, _ = fit(self._context, agent)
        fault = fault or self._leak(agent)
        if fault:
            return f"Error: it fails the free check, nothing was run: {fault}"
        if len(items) > self.tries:
            raise BadArguments(f"each item costs a try: {len(items)} are named, and {self.tries} are left")
        self.tries -= len(items)
        self.valid = draft
        places = {item.id: place for place, item in enumerate(self._known.items)}
        results = self._bench.run(agent, [places[item.id] for item in items])
        if not results:
            return "Error: the search has ended."
        return self._keep(agent, results)

    def _name_of_try(self) -> str:
        return f"Tried in brief {self._context.brief.number}, {len(self._tried) + 1}"

    def _keep(self, agent: Agent, results: Sequence[ItemResult]) -> str:
        """Have the reading tools know what was tried, and say how it went."""
        name = self._tried.setdefault(agent.id, f"try{len(self._tried) + 1}")
        scored = {(r.item, r.repeat): r for r in results}
        before = self._archive.own(name)
        if before is not None:
            scored = {(r.item, r.repeat): r for r in before.results} | scored
        candidate = Candidate(agent, self._context.brief)
        known = Known(candidate, "tried in this brief", tuple(scored.values()))
        self._archive.add(name, known)
        right = sum(r.right for r in results)
        lines = [
            f"{right} of {len(results)} right, {_mean(results):.0f} tokens an item. It is called {name}."
        ]
        for result in results:
            item = self._archive.item(result.item)
            lines.append(f"> {one_line(result.item, MOST_NAME)}: {verdict(result)}: {said(result, known)}")
            if not result.right:
                lines += quote(f"expected {between(item.answer, 200)}", 300)
                lines += quote(result.feedback, 600) if result.feedback and self._feedback else []
        return page_of(lines, None)

    @property
    def _feedback(self) -> bool:
        return self._context.config.feedback

    def _ask(self, given: dict[str, Any]) -> str:
        prompt = given["prompt"]
        if not prompt.strip() or len(prompt) > MOST_PROMPT:
            raise BadArguments(f"a prompt has 1 to {MOST_PROMPT} characters, not {len(prompt)}")
        if self.tries < 1:
            raise BadArguments("no tries are left")
        self.tries -= 1
        self._asked += 1
        asked = request(self._context, (("user", prompt),), f"ask{self._asked}")
        reply = self._bench.ask(replace(asked, model="task", max_tokens=None))
        if reply.fault:
            return f"Error: {reply.fault}: {one_line(reply.message, 400)}"
        return page_of(["It says:", *quote(reply.text, 4_000)], None)

    def hand_in(self, given: dict[str, Any]) -> str:
        """Take an agent, if it passes the checks."""
        name = one_line(given["name"], MOST_NAME) or "Unnamed"
        draft = self._draft(name, given["source"], given["thought"])
        made = self.checked(draft)
        if isinstance(made, Attempt):
            self.failed.append(made)
            return f"Error: not taken ({made.stage}): {made.message}"
        self.made = made
        return "Taken."

    def _draft(self, name: str, source: str, thought: str) -> Draft:
        source = program_in(source) or source
        carried = demonstrations_for(source, self._known.pool)
        return Draft(name, source, passage(thought, MOST_THOUGHT), demonstrations=carried)

    def checked(self, draft: Draft) -> Candidate | Attempt:
        """Static check, leak check and free dry run; and whether the run has it already."""
        made = finish(self._context, draft)
        if isinstance(made, Attempt):
            return made
        twins = [a for a in self._known.agents if a.candidate.agent.id == made.agent.id]
        if twins:
            return attempt(self._context, "duplicate", f"it is {summary(twins[0])}", draft.source)
        leak = self._leak(made.agent)
        return attempt(self._context, "leak", leak, draft.source) if leak else made

    def _leak(self, agent: Agent) -> str:
        item = self._bench.leak(agent)
        return f"carries the question of scored item {item}" if item else ""


def _mean(results: Sequence[ItemResult]) -> float:
    return sum(r.used.tokens for r in results) / len(results)
