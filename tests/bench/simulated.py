"""A scripted model with a set accuracy per call, for measurements that must say that they are simulations.

Each call has an opinion of its own: the item's right number with a set chance, else one of three wrong ones.
It is a function of item, caller, role and instruction, so that a call says the same with and without others.
Where numbers stand in its prompt, it joins the most frequent of them and its own.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from meta_search.config import EvaluateConfig, SandboxConfig
from meta_search.evaluators.inline import InlineEvaluator
from meta_search.testing import ScriptedLLM
from meta_search.types import Agent, CallRequest, ItemJob, ItemResult

NUMBER = re.compile(r"\b[1-9]\d{4}\b")
WRONG = 3
MOST_INSTRUCTION = 160


def right_of(place: int) -> int:
    """The answer of an item: five digits, as nothing else in a prompt has."""
    return 10_000 + 17 * place


class Simulation:
    """Runs agents on simulated items. A context manager.

    Args:
        accuracy: Chance that a call's own opinion is right, 0..1.
    """

    def __init__(self, accuracy: float) -> None:
        self.accuracy = accuracy
        self.llm = ScriptedLLM(self._answer)

    def __enter__(self) -> Simulation:
        self._evaluator = InlineEvaluator(SandboxConfig(), EvaluateConfig(per_worker=8), self.llm)
        return self

    def __exit__(self, *_: object) -> None:
        self._evaluator.close()

    def probe(self, agent: Agent, places: Sequence[int], mute: Sequence[str]) -> list[ItemResult]:
        """As `Workbench.probe`."""
        jobs = [
            ItemJob(agent, "train", str(place), 0, "How many loaves?", mute=tuple(mute)) for place in places
        ]
        results = [future.result(120) for future in [self._evaluator.submit(job) for job in jobs]]
        return [
            replace(r, score=float(r.kind == "ok" and str(right_of(place)) in r.answer))
            for place, r in zip(places, results, strict=True)
        ]

    def _answer(self, request: CallRequest) -> str:
        prompt = request.messages[-1][1]
        own = self._opinion(request, prompt)
        said = Counter(NUMBER.findall(prompt))
        said[own] += 1
        most = max(said.values())
        answer = own if said[own] == most else next(n for n, k in said.items() if k == most)
        fields = list((request.schema or {}).get("properties", {}))
        values = {"correct": str(answer == own), "code": f"print({answer})", "answer": answer}
        if request.schema is None:
            return f"```python\nprint({answer})\n```" if "code" in request.messages[0][1] else answer
        return json.dumps({field: values.get(field, f"I think it is {answer}.") for field in fields})

    def _opinion(self, request: CallRequest, prompt: str) -> str:
        instruction = re.sub(r"\d+", "", prompt)[-MOST_INSTRUCTION:]
        about = (request.item, request.author, request.messages[0][1], request.occurrence, instruction)
        drawn = hashlib.sha256(json.dumps(about).encode()).digest()
        right = right_of(int(request.item))
        if int.from_bytes(drawn[:4], "big") < self.accuracy * 2**32:
            return str(right)
        return str(right + 1 + drawn[4] % WRONG)
