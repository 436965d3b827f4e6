"""`self` of an agent's `forward`: tuned values, demonstrations, programs, branches, the domain's helpers."""

from __future__ import annotations

import collections
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .answers import code_in
from .desk import Branch, Desk
from .helpers import HELPERS
from .info import Info, content_of
from .sources import Text
from .tune import Tune

__all__ = ["AgentSystem", "Demonstration", "nearest"]

MAP_THREADS = 16


class Demonstration(NamedTuple):
    """A worked example that the agent carries: a question and the model's reply that scored right."""

    question: str
    reply: str


def words_of(text: str) -> collections.Counter[str]:
    """Words of a text in lower case, every number as one and the same word."""
    found = re.findall(r"[^\W\d_]+|\d+", text.lower())
    return collections.Counter("0" if word.isdigit() else word for word in found)


def nearest(text: str, pairs: Sequence[Any], k: int) -> list[Any]:
    """The `k` pairs whose first part shares most words with `text`, nearest last.

    After KNNFewShot of DSPy (Khattab et al. 2023, arXiv 2310.03714), with overlap of words in place of
    embeddings: Jaccard similarity of word multisets. Nearest last, as models weigh what stands closest.
    """
    here = words_of(text)

    def similarity(pair: Any) -> float:
        there = words_of(str(pair[0]))
        union = sum((here | there).values())
        return sum((here & there).values()) / union if union else 0.0

    ranked = sorted(range(len(pairs)), key=lambda i: (-similarity(pairs[i]), i))
    return [pairs[i] for i in reversed(ranked[: max(0, int(k))])]


class _Programs:
    """Programs of one item, run in confined siblings. What they print counts as said by who wrote them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def run(self, program: str, timeout: float = 5) -> tuple[bool, str]:
        timeout = min(60.0, max(0.1, float(timeout)))
        reply = self._desk.ask({"op": "python", "code": program, "timeout": timeout})
        return bool(reply.get("ok")), str(reply.get("text", ""))

    def learn(self, origin: Any, text: str) -> None:
        pending = origin.pending if isinstance(origin, Info) else None
        calls = self._desk.pasted([content_of(origin)]) if pending is None else [pending.call]
        self._desk.note(Text(text, calls))


class AgentSystem:
    """`self` of an agent's `forward`.

    Attributes:
        tune: Parameters that the search may set (`tune.int/float/choice`).
        demonstrations: Worked examples that the agent carries, (question, reply) pairs.
        examples: The domain's worked items, (question, answer) pairs; never scored ones. A domain may give
            the item's own in their place (ARC: its pairs of grids, `{"input": …, "output": …}`).

    Helpers that the domain grants are methods beside these (`helpers`).

    Raises:
        ValueError: The domain grants a helper that there is not.
    """

    def __init__(self, job: Mapping[str, Any], desk: Desk) -> None:
        self._desk = desk
        self._programs = _Programs(desk)
        self.tune = Tune(job.get("values") or {})
        self.demonstrations = [Demonstration(str(q), str(r)) for q, r in job.get("demonstrations") or ()]
        data = job.get("data") or {}
        pairs = [(str(q), str(a)) for q, a in job.get("examples") or ()]
        self.examples: list[Any] = data.get("examples", pairs)
        for name in job.get("helpers") or ():
            if name not in HELPERS:
                raise ValueError(f"the domain grants a helper {name!r} that there is not")
            setattr(self, name, HELPERS[name](self._programs, json.loads(json.dumps(data))))

    def nearest(self, text: Any, k: int = 1) -> list[Demonstration]:
        """The `k` demonstrations whose questions share most words with `text`, nearest last."""
        return nearest(content_of(text), self.demonstrations, k)

    def run_python(self, code: Any, timeout: float = 5) -> str:
        """Run a program in a sandbox of its own and return what it printed.

        A fenced block is taken out of its fence. A program that fails gives `Error: ` and the reason.
        """
        ok, text = self._programs.run(code_in(content_of(code)), timeout)
        told = text if ok else f"Error: {text}"
        self._programs.learn(code, told)
        return told

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """`[fn(item) for item in items]`, the branches side by side. The first exception is raised."""
        desk, rows = self._desk, list(items)
        branch = desk.branch
        number, branch.maps = branch.maps, branch.maps + 1
        results: list[Any] = [None] * len(rows)
        errors: dict[int, BaseException] = {}
        todo = list(range(len(rows)))
        alive = [0]
        place, reads = branch.step(), list(branch.reads)
        branches = [Branch(f"{branch.path}{number}.{i}/", desk.seed, (*place, i), reads) for i in todo]
        desk.branches.extend(branches)

        def work() -> None:
            with desk.turn:
                while todo:
                    index = todo.pop(0)
                    desk.local.branch = branches[index]
                    try:
                        results[index] = fn(rows[index])
                    except BaseException as error:  # noqa: BLE001 (handed to the caller of map)
                        errors[index] = error
                alive[0] -= 1
                desk.turn.notify_all()

        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(MAP_THREADS, len(rows)))]
        alive[0] = len(threads)
        for thread in threads:
            thread.start()
        while alive[0]:
            desk.turn.wait()
        for done in branches:
            branch.reads.update(done.reads)
        if errors:
            raise errors[min(errors)]
        return results
