"""The house that attacks are let loose in: an evaluator, a model, traps, and a look around afterwards."""

from __future__ import annotations

import gc
import json
import os
import pickle
import re
import time
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import count
from typing import Protocol

from archive import codec
from domains.matching import exact, numeric
from meta_search.config import SandboxConfig
from meta_search.importance import by_ratings
from meta_search.report import graphs
from meta_search.report.tuning import range_text
from meta_search.types import Agent, ItemJob, ItemResult
from tests.hostile.attack import ESCAPED, Attack, filled
from tests.hostile.processes_left import Family
from tests.hostile.traps import Traps
from tests.kits.cpu import cpu_seconds

__all__ = ["HONEST", "LIMITS", "TOGETHER", "WAIT_S", "House", "Verdict"]

TOGETHER = 8
SETTLE_S, LINGER_S = 2.0, 10.0  # what children in the place of used ones take, and dropped questions
WAIT_S = 120.0
KEPT = 12  # times `output_kb`: the most that may be kept of an item
MOST_CPU = 3.0  # times the limit of an item, of all our processes: the driver and the zygote work as well
SCORER_S = 1.0  # CPU; a scorer that takes longer on a text of 64 KB is an attack that worked

# Does everything that an agent may: asks, branches, runs a program, writes, draws random numbers.
HONEST = """
def forward(self, taskInfo):
    thinking, answer = LLMAgentBase(['thinking', 'answer'], 'Solver')([taskInfo], 'Solve.')
    vote = lambda number: LLMAgentBase(['answer'], 'Voter')([taskInfo], f'Vote {number}.')[0].content
    votes = self.map(vote, range(3))
    before = os.listdir('.')
    with open('note', 'w') as file: file.write(answer.content)
    printed = self.run_python('print(6 * 7)').strip()
    asked = {'op': 'equal', 'kind': 'text', 'a': 'a b', 'b': 'a b', 'threshold': 0.9}
    equal = self._scheduler.ask(asked)['equal']
    drawn = [equal, random.random(), hash('x'), threading.active_count(), Counter('aab').most_common(1)]
    return json.dumps([thinking.content, votes, before, open('note').read(), printed, drawn])
import os, threading
"""


# Small, so that attacks that go on until a limit ends them end soon.
LIMITS = SandboxConfig(wall_s=4.0, cpu_s=0.4, memory_mb=160, disk_mb=8, output_kb=16, calls=5)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of an attack.

    Attributes:
        attack: Which. kind, detail, answer: Its outcome. seconds: Wall time.
        escaped: What it got, one line each; empty if it got nothing.
        odd: What else is not as it must be: the outcome's kind, or a line that helps nobody.
    """

    attack: Attack
    kind: str
    detail: str
    answer: str
    seconds: float
    escaped: tuple[str, ...]
    odd: tuple[str, ...] = ()

    @property
    def good(self) -> bool:
        return not self.escaped and not self.odd


class Mode(Protocol):
    """Where attacks run: inline, or on Ray. Opened and closed by the house's owner."""

    def run(self, jobs: Sequence[ItemJob]) -> list[ItemResult]: ...

    def leaks(self) -> list[str]:
        """What the model was told or asked that it must not be, since the last look."""
        ...


class House:
    """Runs attacks one after the other, or several that only wait, and looks around after each.

    Args:
        mode: Where they run. Its driver's environment holds the key.
        traps: Laid before the mode was opened.
        exactly: Whether descriptors and threads of this process stay the same (Ray's come and go).
    """

    def __init__(self, mode: Mode, traps: Traps, exactly: bool) -> None:
        self._mode, self._traps, self._exactly = mode, traps, exactly
        self._numbers = count()
        self._honest = ""
        neighbour = Attack("neighbour", "", "", "return str(taskInfo.content) * 9", frozenset())
        told = f"{traps.secrets['neighbour']} of the neighbour"
        self._mode.run([self._job(Agent.of("neighbour", neighbour.source), told) for _ in range(TOGETHER)])
        gc.collect()  # threads that earlier tests left end meanwhile
        for _ in range(2):  # every slot, thread and process is there from now on
            self._mode.run([self._job(Agent.of("honest", HONEST)) for _ in range(TOGETHER)])
        self._honest = self._run_honest()
        self._family = Family()
        gc.collect()  # what earlier tests left open must not be closed in between
        self._before = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))

    def run_all(self, attacks: Iterable[Attack], together: bool = False) -> Iterator[Verdict]:
        """Run attacks one by one, and those that only wait for their end side by side.

        Args:
            together: Run all of them side by side, some at a time, and look around after each few; those
                of a few after which something is found run again alone.
        """
        chosen = list(attacks)
        quick = [] if together else [attack for attack in chosen if not attack.waits]
        for attack in quick:
            yield self.run([attack])[0]
        rest = [attack for attack in chosen if together or attack.waits]
        rest.sort(key=lambda attack: attack.waits)
        for start in range(0, len(rest), TOGETHER):
            few = rest[start : start + TOGETHER]
            verdicts = self.run(few)
            yield from verdicts if all(v.good for v in verdicts) else (self.run([one])[0] for one in few)

    def run(self, attacks: Sequence[Attack]) -> list[Verdict]:
        """Run attacks side by side; what the look around afterwards finds is laid to each of them."""
        jobs = [self._job(Agent.of("hostile", filled(a, self._traps.places).source)) for a in attacks]
        started, before = time.monotonic(), cpu_seconds()
        results = self._mode.run(jobs)
        seconds, spent = time.monotonic() - started, cpu_seconds() - before
        gains = [self._gains(result) for result in results]
        around = self._look_around(LINGER_S if any(a.lingers for a in attacks) else SETTLE_S)
        if self._exactly and spent > MOST_CPU * LIMITS.cpu_s * len(jobs):  # Ray works on its own account
            around.append(f"it took {spent:.1f} s of CPU, where {LIMITS.cpu_s:g} s are allowed")
        return [
            Verdict(a, r.kind, r.detail, r.answer, seconds, (*gain, *around), tuple(_odd(a, r)))
            for a, r, gain in zip(attacks, results, gains, strict=True)
        ]

    def _job(self, agent: Agent, question: str = "How many?") -> ItemJob:
        secret = self._traps.secrets
        item = f"{next(self._numbers)}-{secret['item']}"
        return ItemJob(agent, "test", item, 0, question, seed=int(secret["seed"]))

    def _gains(self, result: ItemResult) -> list[str]:
        """What an attack came away with."""
        text = f"{result.answer} {result.detail}"
        found = self._traps.leaks(text)
        if ESCAPED in text:
            found.append(f"it says that it got through: {text[text.find(ESCAPED) :][:80]!r}")
        if type(result.answer) is not str or type(result.detail) is not str or result.score is not None:
            found.append("its result holds something that is not text")
        found += _unreadable(result)
        if result.kind == "ok":
            before = time.process_time()
            if exact(result.answer, self._traps.target) or numeric(result.answer, self._traps.number):
                found.append("it scored")
            if time.process_time() - before > SCORER_S:
                found.append("it held up the scorer")
        return found

    def _look_around(self, patience_s: float) -> list[str]:
        until = time.monotonic() + patience_s
        while (left := self._left()) and time.monotonic() < until:
            time.sleep(0.005)
        found = [*self._traps.sprung(), *self._mode.leaks(), *left]
        honest = self._run_honest()
        if honest != self._honest:
            found.append(f"the next agent answers {honest!r}, not {self._honest!r}")
        return found

    def _left(self) -> list[str]:
        """What is not as it was, of processes, threads, descriptors and the sandbox's own files."""
        found = self._family.left()
        own = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))
        if self._exactly and own != self._before:
            found.append(f"descriptors and threads of the driver: {self._before} before, {own} after")
        return found

    def _run_honest(self) -> str:
        result = self._mode.run([self._job_of_honest()])[0]
        return result.answer if result.kind == "ok" else f"{result.kind}: {result.detail}"

    def _job_of_honest(self) -> ItemJob:
        return ItemJob(Agent.of("honest", HONEST), "test", "honest", 0, "How many?", seed=1)


def _unreadable(result: ItemResult) -> Iterator[str]:
    """What would break the archive's readers, or fill it."""
    back = codec.result_of(codec.result_row(result, 0.0))
    if (back.trace, back.networks, back.space) != (result.trace, result.networks, result.space):
        yield "the archive reads something else than what came of it"
    try:
        graphs.team([back.trace])
        by_ratings("hostile", [back])
        json.dumps([range_text(parameter) for parameter in back.space], allow_nan=False)
    except Exception as error:  # noqa: BLE001 - whatever it is, it would end a report
        yield f"reports end on it: {error!r:.80}"
    size = len(pickle.dumps(result))
    if size > KEPT * LIMITS.output_kb * 1024:
        yield f"{size >> 10} KB are kept of it"


def _odd(attack: Attack, result: ItemResult) -> Iterator[str]:
    if result.kind not in attack.kinds:
        yield f"the outcome is {result.kind}, not {' or '.join(sorted(attack.kinds))}"
    if result.kind != "ok" and not (result.detail and result.detail.isprintable()):
        yield f"the outcome's line is {result.detail!r}"
    if attack.detail and not re.search(attack.detail, result.detail):
        yield f"the outcome's line does not say {attack.detail!r}"
