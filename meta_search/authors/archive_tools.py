"""Read-only tools over what the run knows, for an author that works in steps. What they cost is reading.

Agents are named by id, by the beginning of an id, or by name; items by id or by number. Nothing of it reaches
a file or a database by a name that a model gave: names are looked up in what the brief may be shown.
"""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from meta_search.authors.archive_lines import (
    MOST_NAME,
    MOST_THOUGHT,
    around,
    call_lines,
    id_of,
    program_lines,
    said,
    summary,
    verdict,
)
from meta_search.authors.find_text import Pattern
from meta_search.authors.knowledge import Knowledge, Known, TrainItem
from meta_search.authors.lookup import Lookup
from meta_search.authors.tool_specs import PLACES
from meta_search.authors.tool_text import BadArguments, between, code, page_of, quote
from meta_search.outcomes import explain
from meta_search.text import one_line
from meta_search.types import ItemResult

__all__ = ["ArchiveTools"]

MOST_QUESTION = 160
MOST_DIFF = 2_000  # lines of a source that are compared
MOST_SEARCHED = 20_000_000  # characters that one `grep` reads
MOST_FOUND = 60


class ArchiveTools(Lookup):
    """The tools of one brief.

    Args:
        known: What the run knew when the brief was handed out.
        look: An agent's results with their traces, see `Workbench.look`.
        lessons: What `lessons` tells.
        feedback: Whether what the scorer says of answers is shown.
    """

    def __init__(
        self,
        known: Knowledge,
        look: Callable[[Known], Sequence[ItemResult]],
        lessons: str = "",
        feedback: bool = True,
    ) -> None:
        super().__init__(known)
        self._look, self._lessons, self._feedback = look, lessons, feedback
        self._tools: dict[str, Callable[[dict[str, Any]], Iterator[str]]] = {
            "list": self._list,
            "show": self._show,
            "source": self._source,
            "diff": self._diff,
            "item": self._item,
            "trace": self._trace,
            "grep": self._grep,
            "lessons": self._learned,
        }

    def use(self, name: str, given: dict[str, Any]) -> str:
        """What a tool says.

        Args:
            name: One of `READING`.
            given: Its arguments, all of them.

        Raises:
            BadArguments: It cannot be said of these arguments; one line.
        """
        return page_of(self._tools[name](given), given.get("page"))

    # -- the tools: each gives lines of bounded length

    def _list(self, given: dict[str, Any]) -> Iterator[str]:
        orders: dict[str, Callable[[Known], Any]] = {
            "score": lambda a: (not a.results, -a.score, a.tokens),
            "cost": lambda a: (not a.results, a.tokens),
        }
        order = given["order"] or "score"
        if order not in (*orders, "newest"):
            raise BadArguments(f"order must be score, cost or newest, not {one_line(order, MOST_NAME)}")
        agents = [*self._known.agents]
        agents = agents[::-1] if order == "newest" else sorted(agents, key=orders[order])
        yield from (summary(agent) for agent in agents)
        yield from (f"{name}: {summary(agent)}" for name, agent in self._own.items())

    def _show(self, given: dict[str, Any]) -> Iterator[str]:
        known = self.agent(given["agent"])
        candidate, agent = known.candidate, known.candidate.agent
        yield summary(known)
        if len(candidate.thought) > MOST_THOUGHT:
            yield "The idea:"
            yield from quote(candidate.thought)
        children = [c for c in self._known.agents if agent.id in c.candidate.brief.parents]
        for title, ids in (
            ("Parents", candidate.brief.parents),
            ("Children", [c.candidate.agent.id for c in children]),
        ):
            if ids:
                yield f"{title}: {', '.join(ids[:40])}"
        yield from self._by_kind(known)
        if known.results:
            yield f"Calls an item: {known.calls:.1f}, tokens an item: {known.tokens:.0f}"
        wrong = [r for r in known.results if not r.right]
        for start in range(0, len(wrong), 20):
            part = wrong[start : start + 20]
            yield "Wrong: " + ", ".join(
                f"{one_line(r.item, MOST_NAME)} ({'wrong' if r.kind == 'ok' else r.kind})" for r in part
            )
        for parameter in candidate.space[:40]:
            value = agent.values.get(parameter.name, parameter.default)
            yield between(f"Parameter {parameter.name} = {value!r} ({parameter.kind})", 300)
        if agent.demonstrations:
            yield f"It carries {len(agent.demonstrations)} worked examples (self.demonstrations)."

    def _by_kind(self, known: Known) -> Iterator[str]:
        counts: dict[str, list[float]] = {}
        for result in known.results:
            kind = self._items[result.item].kind if result.item in self._items else ""
            counts.setdefault(kind, []).append(result.score or 0.0)
        for kind, scores in sorted(counts.items()):
            name = one_line(kind, MOST_NAME) or "all"
            yield f"Right on {name}: {sum(scores):g} of {len(scores)}"

    def _source(self, given: dict[str, Any]) -> Iterator[str]:
        yield from code(self.agent(given["agent"]).candidate.agent.source)

    def _diff(self, given: dict[str, Any]) -> Iterator[str]:
        later = self.agent(given["agent"]).candidate
        if given["other"] is None and not later.brief.parents:
            raise BadArguments("it has no parent: name the other agent")
        one = self.agent(given["other"] or later.brief.parents[0]).candidate.agent
        before, after = (a.source.splitlines()[:MOST_DIFF] for a in (one, later.agent))
        changes = [*difflib.unified_diff(before, after, one.id, later.agent.id, lineterm="", n=3)]
        yield from (f"> {between(line, 600)}" for line in changes)
        if not changes:
            yield "The sources are identical."
        names = sorted({*one.values, *later.agent.values})
        for name in names:
            was, now = one.values.get(name), later.agent.values.get(name)
            if was != now:
                yield f"> value {between(f'{name}: {was!r} -> {now!r}', 300)}"

    def _item(self, given: dict[str, Any]) -> Iterator[str]:
        if given["item"] is None:
            yield from self._all_items()
            return
        item = self.item(given["item"])
        yield f"Item {id_of(item.id)}, kind {one_line(item.kind, MOST_NAME) or '-'}. Question:"
        yield from quote(item.question, 4_000)
        yield "Right answer:"
        yield from quote(item.answer, 2_000)
        if given["agent"] is not None:
            yield from self._answer(self.agent(given["agent"]), item)
            return
        for agent in (*self._known.agents, *self._own.values()):
            for result in agent.results:
                if result.item == item.id:
                    yield f"> {verdict(result)} {agent.candidate.agent.id}: {said(result, agent)}"

    def _all_items(self) -> Iterator[str]:
        right, ran = Counter[str](), Counter[str]()
        for result in (r for agent in self._known.agents for r in agent.results):
            right[result.item] += result.right
            ran[result.item] += 1
        for number, item in enumerate(self._known.items, 1):
            kind = one_line(item.kind, MOST_NAME) or "-"
            question = between(one_line(item.question), MOST_QUESTION)
            told = f"{id_of(item.id)} ({kind}), {right[item.id]} of {ran[item.id]} right"
            yield f"> {number}. {told}: {question}"

    def _answer(self, agent: Known, item: TrainItem) -> Iterator[str]:
        rows = [r for r in agent.results if r.item == item.id]
        for result in rows:
            yield f"{agent.candidate.agent.id}, repeat {result.repeat}: {verdict(result)}. Its answer:"
            if result.kind == "ok":
                yield from quote(result.answer, 4_000)
            else:
                yield f"> {explain(result.kind, result.detail, agent.candidate.agent.source)}"
            if result.feedback and self._feedback:
                yield "The scorer says:"
                yield from quote(result.feedback, 3_000)
        if not rows:
            yield f"{agent.candidate.agent.id} has no result on this item."

    def _trace(self, given: dict[str, Any]) -> Iterator[str]:
        agent, item = self.agent(given["agent"]), self.item(given["item"])
        rows = [r for r in self._results(agent) if r.item == item.id]
        if not rows:
            raise BadArguments(f"{agent.candidate.agent.id} has no result on item {item.id}")
        for result in rows:
            yield f"{verdict(result)}; calls: {len(result.trace)}, tokens: {result.used.tokens}. Question:"
            yield from quote(item.question)
            for call in result.trace:
                yield from call_lines(call)
                for program in result.programs:
                    if program.after == call.index:
                        yield from program_lines(program)
            yield from self._answer(agent, item)

    def _results(self, agent: Known) -> Sequence[ItemResult]:
        is_own = any(agent is own for own in self._own.values())
        return agent.results if is_own else self._look(agent)

    def _grep(self, given: dict[str, Any]) -> Iterator[str]:
        where = given["where"] or "all"
        if where not in PLACES:
            raise BadArguments(f"where must be one of {', '.join(PLACES)}, not {one_line(where, MOST_NAME)}")
        pattern = Pattern(given["pattern"])
        found, read = 0, 0
        for place, text in self._texts(where):
            read += len(text)
            for number, line in enumerate(text.splitlines(), 1):
                at = pattern.find(line)
                if at >= 0:
                    found += 1
                    yield f"> {place}, line {number}: {around(line, at)}"
                if found >= MOST_FOUND:
                    yield f"These are the first {MOST_FOUND}: narrow the text, or the place."
                    return
            if read > MOST_SEARCHED:
                yield "There is more than can be searched at once: name a place."
                return
        if not found:
            yield f"It stands nowhere.{pattern.remark}"

    def _texts(self, where: str) -> Iterator[tuple[str, str]]:
        """Where a text stands, and the text."""
        agents = (*self._known.agents, *self._own.values())
        for agent in agents:
            id_ = agent.candidate.agent.id
            if where in ("all", "thoughts"):
                yield f"{id_} thought", f"{agent.candidate.agent.name}\n{agent.candidate.thought}"
            if where in ("all", "sources"):
                yield f"{id_} source", agent.candidate.agent.source
            for result in agent.results if where in ("all", "answers") else ():
                texts = (result.answer, result.detail, result.feedback if self._feedback else "")
                yield f"{id_} on {id_of(result.item)}", "\n".join(filter(None, texts))
            for result in self._results(agent) if where == "traces" else ():
                for call in result.trace:
                    yield f"{id_} on {id_of(result.item)}, prompt of call {call.index}", call.prompt
                    yield f"{id_} on {id_of(result.item)}, reply of call {call.index}", call.text
        for item in self._known.items if where in ("all", "items") else ():
            yield f"item {id_of(item.id)}", f"{item.question}\n{item.answer}"

    def _learned(self, given: dict[str, Any]) -> Iterator[str]:
        yield from quote(self._lessons, 12_000) if self._lessons else ["Nobody has written any down yet."]
