"""Whole archives in the form that ADAS published, against models of every kind: nothing may break.

The published one (MGSM), and archives of our own for ARC with its helpers, DROP, GPQA and MMLU.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from archive import adas
from meta_search.types import CallRequest, ItemResult
from tests.kits.adas_arc_agents import ANSWER, ARC, DATA, HELPERS, QUESTION, RIGHT, WRONG
from tests.kits.adas_text_agents import CHOICES, DROP, DROP_QUESTION, GPQA, MMLU
from tests.kits.published import ADAS_ARCHIVE, skip_without
from tests.kits.sandboxed_agents import House, Script, fields_of, with_text

INTERVAL = "95% Bootstrap Confidence Interval: (22.7%, 38.3%), Median: 30.5%"
OWN: dict[str, tuple[Mapping[str, str], dict[str, Any]]] = {
    "arc": (
        ARC,
        {"question": QUESTION, "helpers": HELPERS, "data": DATA},
    ),
    "drop": (DROP, {"question": DROP_QUESTION}),
    "gpqa": (GPQA, {"question": CHOICES}),
    "mmlu": (MMLU, {"question": CHOICES}),
}


def answering(**values: object) -> Script:
    """A model that answers as JSON where it is asked to, with these values by field, else `other`."""
    other = values.pop("other", "B")

    def script(request: CallRequest) -> str:
        found = {name: values.get(name, other) for name in fields_of(request)}
        return json.dumps(found) if request.schema else str(other)

    return script


def reversed_order(request: CallRequest) -> str:
    """All fields, in the opposite order, with one that nobody asked for first."""
    if not request.schema:
        return "18"
    return json.dumps({"note": "…", **dict.fromkeys(reversed(fields_of(request)), "18")}, indent=1)


def missing(request: CallRequest) -> str:
    """Only the last field is there."""
    return json.dumps({fields_of(request)[-1]: "18"}) if request.schema else "18"


def none_of_them(request: CallRequest) -> str:
    return '{"reply": "18"}' if request.schema else ""


def broken(request: CallRequest) -> str:
    """JSON in a fence, after a remark, a quote within a value, cut in the middle."""
    first = fields_of(request)[0] if request.schema else ""
    return f'Sure {{x}}:\n```json\n{{"{first}": "he said "10", so", "answer": 18, "mo' if first else "{18"


REPLIES: dict[str, Script] = {
    "plain": with_text("18"),
    "whole numbers": with_text(18),
    "fractions": with_text(0.5),
    "true": with_text(True),
    "empty fields": with_text(""),
    "null": with_text(None),
    "lists": with_text(["18", 3]),
    "objects": with_text({"value": "18"}),
    "missing fields": missing,
    "no field": none_of_them,
    "broken JSON": broken,
    "another order": reversed_order,
    "no JSON": lambda request: "The answer is 18.",
    "nothing": lambda request: "",
    "routes": with_text("Mathematics, Physics and Economics: the professor, numerical; Correct"),
    "letters": answering(confidence=0.7, score=11, code=RIGHT, spans="41 and 37", other="(B) Nitrogen"),
    "right code": with_text(RIGHT),
    "wrong code": with_text(f"```python\n{WRONG}\n```"),
    "long": with_text("Let us think about it once more. " * 300),
}


def sources_of(archive: str, folder: Path) -> tuple[list[str], dict[str, Any]]:
    """Agents as `archive.adas` reads them from a file, and what their items have beyond the usual."""
    if archive == "mgsm":
        skip_without(ADAS_ARCHIVE)
        entries = adas.read(ADAS_ARCHIVE)
        assert len(entries) == 36
        return [agent.source for agent, _ in entries], {}
    codes, more = OWN[archive]
    file = folder / f"{archive}.json"
    file.write_text(
        json.dumps(
            [
                {"thought": "…", "name": name, "code": code.lstrip("\n"), "generation": n or "initial"}
                | {"fitness": INTERVAL, "test_fitness": INTERVAL}
                for n, (name, code) in enumerate(codes.items())
            ]
        )
    )
    return [agent.source for agent, _ in adas.read(file)], more


@pytest.mark.parametrize("kind", REPLIES)
@pytest.mark.parametrize("archive", ["mgsm", *OWN])
def test_every_agent_of_an_archive_runs(house: House, tmp_path: Path, archive: str, kind: str) -> None:
    sources, more = sources_of(archive, tmp_path)
    results = house.run_all(sources, REPLIES[kind], **more)
    assert Counter(result.kind for result in results) == {"ok": len(sources)}, [r.detail for r in results]
    assert min(result.used.calls for result in results) >= 1
    if archive == "mgsm" and kind in ("plain", "whole numbers"):
        assert {result.answer for result in results} == {"18"}


def named(house: House, archive: str, kind: str) -> dict[str, ItemResult]:
    codes, more = OWN[archive]
    return dict(zip(codes, house.run_all(list(codes.values()), REPLIES[kind], **more), strict=True))


def test_arc_agents_use_what_came_of_their_code(house: House) -> None:
    right, wrong = named(house, "arc", "right code"), named(house, "arc", "wrong code")
    assert {name: json.loads(r.answer) == ANSWER for name, r in right.items()} == dict.fromkeys(right, True)
    assert not any(json.loads(r.answer) == ANSWER for r in wrong.values())
    assert (right["Refine with feedback"].used.calls, wrong["Refine with feedback"].used.calls) == (1, 3)
    # What came of the code is told to the next attempt.
    assert "WRONG output" in wrong["Refine with feedback"].trace[1].prompt


def test_choices_come_out_as_letters(house: House) -> None:
    letters = named(house, "mmlu", "letters")
    assert letters["Confidence-weighted vote"].answer == "B"
    assert letters["Shuffled choices"].answer == "B"
    assert named(house, "gpqa", "letters")["Elimination"].answer == "A"  # no letter was named: the last goes
