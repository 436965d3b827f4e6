"""A table of sums with their workings, and a model that adds, writes paraphrases and judges them."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.kits.answers import ADDITION, Answerer, as_asked
from tests.kits.searches import write_table


def worked_sums(folder: Path, rows: int = 96) -> Path:
    """Sums whose answers stand behind their working, as GSM8K has them; the first numbers go from 20 on."""
    pairs = ((n, n + 13 + n % 7) for n in range(20, 20 + rows))
    text = "A baker sells {a} loaves and {b} rolls. What is {a} + {b}?"
    return write_table(
        folder / "worked.jsonl",
        ((text.format(a=a, b=b), f"<<{a}+{b}={a + b}>>\n#### {a + b}") for a, b in pairs),
    )


def writes_and_adds(limit: int, accepts: Callable[[str], bool] = lambda text: True) -> Answerer:
    """A model that adds where the first number is below a limit; its paraphrases begin with "Say."

    Args:
        limit: It.
        accepts: What it says as a judge, by what it is asked.
    """

    def answer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
        text = str(messages[-1]["content"])
        wanted = (body.get("response_format") or {}).get("json_schema")
        fields = wanted["schema"].get("properties", {}) if wanted else {}
        if "same" in fields:
            return json.dumps({"reason": "looked", "same": accepts(text)})
        if "question" in fields:
            return json.dumps({"question": f"Say. {text.rpartition(chr(10) * 2)[0]}"})
        if "sentences" in fields:
            return json.dumps({"sentences": "The shop was painted green."})
        if "order" in fields:
            return json.dumps({"order": [2, 1, *range(3, len(re.findall(r"^\[\d+\]", text, re.M)) + 1)]})
        found = ADDITION.findall(text)
        a, b = map(int, found[-1]) if found else (0, 0)
        return as_asked(body, str(a + b if a < limit else 0))

    return answer
