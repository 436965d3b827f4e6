"""`AgentSystem`, the `self` of an agent's `forward`: tuned values, demonstrations, programs, `map`."""

from __future__ import annotations

import collections
import json
import re
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .answers import code_in
from .call_scheduler import CallScheduler
from .calls import Branch
from .helpers import HELPERS
from .info import Info, content_of
from .pasted_answers import Text
from .tune import Tune

__all__ = ["AgentSystem", "Demonstration", "nearest"]

MAP_THREADS = 16


class Demonstration(NamedTuple):
    """A worked example that the agent carries.

    Attributes:
        question: The question.
        reply: A model's reply to it that was scored as right.
    """

    question: str
    reply: str


def words_of(text: str) -> collections.Counter[str]:
    """How often each word occurs in a text, in lower case; all numbers count as the same word."""
    found = re.findall(r"[^\W\d_]+|\d+", text.lower())
    return collections.Counter("0" if word.isdigit() else word for word in found)


def nearest(text: str, pairs: Sequence[Any], k: int) -> list[Any]:
    """The `k` pairs whose first part shares most words with `text`, nearest last.

    After KNNFewShot of DSPy (Khattab et al. 2023, arXiv 2310.03714), with Jaccard similarity of word
    multisets in place of embeddings. Nearest last, as models give most weight to what is closest to the
    question.
    """
    here = words_of(text)

    def similarity(pair: Any) -> float:
        there = words_of(str(pair[0]))
        union = sum((here | there).values())
        return sum((here & there).values()) / union if union else 0.0

    ranked = sorted(range(len(pairs)), key=lambda i: (-similarity(pairs[i]), i))
    return [pairs[i] for i in reversed(ranked[: max(0, int(k))])]


class _Programs:
    """Runs an item's programs in sibling processes. What one prints counts as an answer of its author."""

    def __init__(self, scheduler: CallScheduler) -> None:
        self._scheduler = scheduler

    def run(self, program: str, timeout: float = 5) -> tuple[bool, str]:
        """See `arc.Programs`."""
        timeout = min(60.0, max(0.1, float(timeout)))
        reply = self._scheduler.ask({"op": "python", "code": program, "timeout": timeout})
        return bool(reply.get("ok")), str(reply.get("text", ""))

    def record_output(self, origin: Any, text: str) -> None:
        """See `arc.Programs`."""
        pending = origin.pending if isinstance(origin, Info) else None
        calls = self._scheduler.pasted([content_of(origin)]) if pending is None else [pending.call]
        self._scheduler.record_read(Text(text, calls))


class AgentSystem:
    """`self` of an agent's `forward`. Helpers that the domain grants are further methods (`helpers`).

    Args:
        job: The item's job, as for `runtime.run_item`.
        scheduler: Sends the calls of the item.

    Attributes:
        tune: Parameters that the search may set (`tune.int/float/choice`).
        demonstrations: Worked examples that the agent carries, (question, reply) pairs.
        examples: The domain's worked items, (question, answer) pairs, none of which is scored. A domain may
            give an item's own in their place (ARC: its pairs of grids, `{"input": …, "output": …}`).

    Raises:
        ValueError: The domain grants a helper that does not exist.
    """

    def __init__(self, job: Mapping[str, Any], scheduler: CallScheduler) -> None:
        self._scheduler = scheduler
        self._programs = _Programs(scheduler)
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

        Args:
            code: The program, as text or as an `Info`, with or without a Markdown fence.
            timeout: Seconds, 0.1 to 60.

        Returns:
            What it printed; for a program that fails, `Error: ` and the reason.
        """
        ok, text = self._programs.run(code_in(content_of(code)), timeout)
        output = text if ok else f"Error: {text}"
        self._programs.record_output(code, output)
        return output

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """`[fn(item) for item in items]` in parallel branches.

        Raises:
            Exception: Whatever `fn` raised for the first item that failed, once all branches have ended.
        """
        scheduler, rows = self._scheduler, list(items)
        branch = scheduler.branch
        number, branch.maps = branch.maps, branch.maps + 1
        results: list[Any] = [None] * len(rows)
        errors: dict[int, BaseException] = {}
        todo = list(range(len(rows)))
        alive = [0]
        place, reads = branch.step(), list(branch.reads)
        branches = [Branch(f"{branch.path}{number}.{i}/", scheduler.seed, (*place, i), reads) for i in todo]
        scheduler.branches.extend(branches)

        def work() -> None:
            with scheduler.turn:
                while todo:
                    index = todo.pop(0)
                    scheduler.local.branch = branches[index]
                    try:
                        results[index] = fn(rows[index])
                    except BaseException as error:  # noqa: BLE001 (handed to the caller of map)
                        errors[index] = error
                alive[0] -= 1
                scheduler.turn.notify_all()

        threads = [threading.Thread(target=work, daemon=True) for _ in range(min(MAP_THREADS, len(rows)))]
        alive[0] = len(threads)
        for thread in threads:
            thread.start()
        while alive[0]:
            scheduler.turn.wait()
        for done in branches:
            branch.reads.update(done.reads)
        if errors:
            raise errors[min(errors)]
        return results
