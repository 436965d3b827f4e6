"""The runtime that candidate code sees: `LLMAgentBase`, `Info`, and `self` (an `AgentSystem`).

Compatible with the agents that ADAS published (arXiv 2408.08435): their code runs unchanged. Beyond it:
calls are answered lazily (`desk`), `self.tune`, `self.map`, `self.run_python`, demonstrations.
"""

from __future__ import annotations

import collections
import json
import math
import random
import re
import sys
import threading
import traceback
import types
import zlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from .answers import code_in, parse_fields, schema_for, text_of
from .desk import HOLE, Branch, Call, Channel, Desk, FieldAnswer, shape_of
from .info import Info, content_of
from .prompt import messages_for
from .tune import Tune

__all__ = ["AgentSystem", "Demonstration", "make_llm_agent_base", "nearest", "preload", "run_item"]

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


class LLMAgentBase:
    """An LLM with a name, a role and named output fields. Bound to one item by `make_llm_agent_base`.

    Args:
        output_fields: Names of what the model is asked for. One field is asked for as plain text
            (`code` and `program` as a fenced block), several as a JSON object.
        agent_name: Name, for the `author` of its answers.
        role: Who the model is told to be.
        model: Another model than the task model.
        temperature: Sampling temperature, 0..2.
        demonstrations: Worked examples, (question, reply) pairs, sent as earlier chat turns.
        max_tokens: Most tokens of a reply; `None` takes the run's limit.
    """

    desk: Desk
    wording: Mapping[str, str]

    def __init__(
        self,
        output_fields: Sequence[str],
        agent_name: str,
        role: str = "helpful assistant",
        model: str | None = None,
        temperature: float = 0.5,
        demonstrations: Iterable[Any] = (),
        max_tokens: int | None = None,
    ) -> None:
        self.output_fields = (
            [output_fields] if isinstance(output_fields, str) else [str(f) for f in output_fields]
        )
        self.agent_name = str(agent_name)
        self.role = str(role)
        self.model = model
        self.temperature = temperature
        self.demonstrations = list(demonstrations)
        self.max_tokens = max_tokens
        branch = self.desk.branch
        branch.agents += 1
        self.id = f"{branch.path}{branch.agents}"

    def __repr__(self) -> str:
        return f"{self.agent_name} {self.id}"

    def __call__(self, input_infos: Any, instruction: Any = "", iteration_idx: int = -1) -> list[Info]:
        """Ask the model. Returns at once with one `Info` per output field, in order."""
        single = isinstance(input_infos, str | Info | Mapping) or not isinstance(input_infos, Iterable)
        infos = [_kept(value) for value in ([input_infos] if single else input_infos)]
        asked = _kept(instruction)
        fields = list(self.output_fields)
        inputs: list[Call] = []
        for value in [*infos, asked]:
            pending = value.pending if isinstance(value, Info) else None
            if pending is not None and pending.call not in inputs:
                inputs.append(pending.call)
        settings = {
            "author": self.agent_name,
            "role": self.role,
            "temperature": _number(self.temperature),
            "max_tokens": None if self.max_tokens is None else max(1, int(self.max_tokens)),
            "schema": schema_for(fields),
            "fields": fields,
            "model": None if self.model is None else str(self.model),
        }
        pairs = [(content_of(d[0]), content_of(d[1])) for d in self.demonstrations]
        role, me = self.role, repr(self)

        def render(infos: Sequence[Any] = infos, asked: Any = asked) -> dict[str, Any]:
            text = content_of(asked)
            return {**settings, "messages": messages_for(infos, text, role, fields, pairs, self.wording, me)}

        shape = shape_of(render([_with_hole(value) for value in infos], _with_hole(asked)))
        call = self.desk.call(shape, inputs, render, lambda text: parse_fields(text, fields))
        return [Info(name, me, FieldAnswer(self.desk, call, name), iteration_idx) for name in fields]

    def query(self, input_infos: Any, instruction: Any = "", iteration_idx: int = -1) -> list[Info]:
        """The published runtime's other name for a call."""
        return self(input_infos, instruction, iteration_idx)


def _kept(value: Any) -> Any:
    """An input as it is now: agents may change a list or an object after they passed it."""
    if not isinstance(value, Info):
        return content_of(value)
    return value if value.pending is not None else value._replace(content=content_of(value))


def _with_hole(value: Any) -> Any:
    """An input with a hole where its text has not come yet, or may not have."""
    return value._replace(content=HOLE) if isinstance(value, Info) and value.pending is not None else value


def make_llm_agent_base(desk: Desk, wording: Mapping[str, str]) -> type[LLMAgentBase]:
    """`LLMAgentBase` for one item."""
    return type("LLMAgentBase", (LLMAgentBase,), {"desk": desk, "wording": wording})


class AgentSystem:
    """`self` of an agent's `forward`.

    Attributes:
        tune: Parameters that the search may set (`tune.int/float/choice`).
        demonstrations: Worked examples that the agent carries, (question, reply) pairs.
        examples: The domain's worked items, (question, answer) pairs; never scored ones.
    """

    def __init__(self, job: Mapping[str, Any], desk: Desk) -> None:
        self._desk = desk
        self.tune = Tune(job.get("values") or {})
        self.demonstrations = [Demonstration(str(q), str(r)) for q, r in job.get("demonstrations") or ()]
        self.examples = [(str(q), str(a)) for q, a in job.get("examples") or ()]

    def nearest(self, text: Any, k: int = 1) -> list[Demonstration]:
        """The `k` demonstrations whose questions share most words with `text`, nearest last."""
        return nearest(content_of(text), self.demonstrations, k)

    def run_python(self, code: Any, timeout: float = 5) -> str:
        """Run a program in a sandbox of its own and return what it printed.

        A fenced block is taken out of its fence. A program that fails gives `Error: ` and the reason.
        """
        source = code_in(content_of(code))
        reply = self._desk.ask(
            {"op": "python", "code": source, "timeout": min(60.0, max(0.1, float(timeout)))}
        )
        text = str(reply.get("text", ""))
        return text if reply.get("ok") else f"Error: {text}"

    def map(self, fn: Callable[[Any], Any], items: Iterable[Any]) -> list[Any]:
        """`[fn(item) for item in items]`, the branches side by side. The first exception is raised."""
        desk, rows = self._desk, list(items)
        branch = desk.branch
        number, branch.maps = branch.maps, branch.maps + 1
        results: list[Any] = [None] * len(rows)
        errors: dict[int, BaseException] = {}
        todo = list(range(len(rows)))
        alive = [0]
        branches = [Branch(f"{branch.path}{number}.{i}/", desk.seed) for i in todo]
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
        if errors:
            raise errors[min(errors)]
        return results


def _seed_random(desk: Desk) -> None:
    """Let `random`'s module functions draw from the state of the running branch."""

    def of_branch(name: str) -> Callable[..., Any]:
        def function(*args: Any, **kwargs: Any) -> Any:
            if name == "seed" and args in ((), (None,)) and not kwargs:
                return None  # seeding from the clock would make runs differ
            branch = getattr(desk.local, "branch", desk.main)
            return getattr(branch.random, name)(*args, **kwargs)

        return function

    for name in random.__all__:
        if name[0].islower():
            setattr(random, name, of_branch(name))
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(desk.seed % 2**32)


def preload() -> None:
    """Import what agents may use, before the sandbox closes the file system."""
    for name in PRELOADED:
        try:
            __import__(name)
        except ImportError:
            continue


PRELOADED = (
    *("ast bisect cmath collections copy csv dataclasses datetime decimal difflib enum fractions").split(),
    *("functools hashlib heapq inspect io itertools json math numbers operator random re statistics").split(),
    *("string textwrap threading time traceback typing unicodedata calendar abc contextlib warnings").split(),
    *("tokenize linecache concurrent.futures queue encodings.idna base64 uuid types secrets").split(),
)


def run_item(job: dict[str, Any], channel: Channel) -> dict[str, Any]:
    """Run an agent on one item.

    Args:
        job: `source`, `values`, `demonstrations`, `question`, `examples`, `wording`, and what its random
            state is a function of: `seed`, `item`, `repeat`.
        channel: Pipe to the broker.

    Returns:
        The final message: `done` with the answer, or `fault` with a kind and one line for the author.
    """
    seed = zlib.crc32(json.dumps([job.get(k) for k in ("seed", "item", "repeat")]).encode())
    desk = Desk(channel, seed)
    _seed_random(desk)
    system = AgentSystem(job, desk)

    def fault(kind: str, detail: str) -> dict[str, Any]:
        return {
            "op": "fault",
            "kind": kind,
            "detail": detail[:500],
            "space": list(system.tune.space.values()),
        }

    try:
        forward = _load(str(job["source"]), desk, job.get("wording") or {})
        answer = forward(system, Info("task", "User", str(job["question"]), -1))
        if isinstance(answer, Info):
            answer = answer.content
            answer = text_of(answer) if isinstance(answer, int | float) else answer
        if isinstance(answer, str):
            answer = str.__str__(answer)  # numpy draws give a subclass
        desk.finish()
    except Exception as error:  # noqa: BLE001 (whatever an agent raises is its outcome)
        return fault("memory" if isinstance(error, MemoryError) else "crash", _describe(error))
    if type(answer) is not str:
        return fault("bad_answer", f"forward returned {type(answer).__name__}; return an Info or a str")
    return {"op": "done", "answer": answer, "space": list(system.tune.space.values())}


def _load(source: str, desk: Desk, wording: Mapping[str, str]) -> Callable[[AgentSystem, Info], Any]:
    module = types.ModuleType("agent_code")
    sys.modules[module.__name__] = module  # where dataclasses look for the names of their annotations
    scope = module.__dict__
    scope |= {
        "LLMAgentBase": make_llm_agent_base(desk, wording),
        "Info": Info,
        "json": json,
        "re": re,
        "math": math,
        "random": random,
        "collections": collections,
        "Counter": collections.Counter,
    }
    if "numpy" in sys.modules:
        scope["np"] = sys.modules["numpy"]
    exec(compile(source, "agent.py", "exec", dont_inherit=True), scope)
    forward = scope.get("forward")
    if not callable(forward):
        raise NameError("the code defines no function forward(self, taskInfo)")
    return forward  # type: ignore[no-any-return]


def _describe(error: BaseException) -> str:
    """One line: the exception, and the line of the agent's code it came from."""
    frames = traceback.extract_tb(error.__traceback__)
    line = next((f.lineno for f in reversed(frames) if f.filename == "agent.py"), None)
    said: object = error
    if line is None and isinstance(error, SyntaxError):
        line, said = error.lineno, error.msg
    text = " ".join(f"{type(error).__name__}: {said}".split())
    return f"{text} (line {line} of agent.py)" if line else text


def _number(value: Any) -> float:
    try:
        return min(2.0, max(0.0, float(value)))
    except (TypeError, ValueError):
        return 0.5
