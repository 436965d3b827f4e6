"""Models that judge, as functions of their prompt, for a `CountingEndpoint`; tables that they judge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.kits.answers import as_asked

FENCED = re.compile(
    r"^<<(QUESTION|REFERENCE|ANSWER) (\w{16})>>\n(.*?)\n<<END \1 \2>>$", re.DOTALL | re.MULTILINE
)


def material(prompt: str) -> dict[str, str]:
    """What a judge is shown: `QUESTION`, `REFERENCE`, `ANSWER`, in the order in which they stand."""
    return {
        name: "\n".join(line.removeprefix("| ") for line in text.splitlines())
        for name, _, text in FENCED.findall(prompt)
    }


def verdict(right: bool, reason: str = "as the rubric has it") -> str:
    """A reply by the schema."""
    return json.dumps({"reason": reason, "verdict": "right" if right else "wrong"})


def judging(
    judges: Callable[[Mapping[str, str]], str], answer: Callable[[str], str]
) -> Callable[[Sequence[Mapping[str, Any]], Mapping[str, Any]], str]:
    """A model that judges as one function says, and answers all else as another does."""

    def model(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        prompt = messages[-1]["content"]
        if "You judge one answer" in messages[0]["content"]:
            return judges(material(prompt))
        return as_asked(body, answer(prompt))

    return model


def capitals(folder: Path, n: int = 60) -> Path:
    """A table of made-up capitals."""
    path = folder / "capitals.jsonl"
    rows = [{"question": f"What is the capital of land {k}?", "answer": f"City {k}"} for k in range(n)]
    path.write_text("\n".join(map(json.dumps, rows)) + "\n")
    return path
