"""The third landscape: recorded by call, composed to designs, resumed, and checked against live runs."""

from __future__ import annotations

import json
import re
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from meta_search.testing import CountingEndpoint
from tests.bench.landscape import record_stages
from tests.bench.landscape.calls import Calls, Model
from tests.bench.landscape.staged_table import FILE, StagedDesign, StagedLandscape
from tests.bench.landscape.stages import KINDS, Asked, Item, Said, Way, kind_of, voted, ways, work

PLAIN = Way("none", "direct", "plain", "none")


def row(number: int) -> dict[str, Any]:
    """A request of one of the four kinds."""
    kind, value = number % 4, number + 3
    parameters = {"size": {"type": "integer"}, **{f"p{n}": {"type": "string"} for n in range(9 * (kind % 2))}}
    names = [f"draw_{number}", f"erase_{number}"][: 1 + kind // 2]
    functions = [{"name": n, "parameters": {"type": "dict", "properties": parameters}} for n in names]
    said = f"Draw a figure of size {value}.\n\nFunctions:\n" + "\n".join(map(json.dumps, functions))
    target = json.dumps({"name": names[0], "arguments": {"size": value}})
    allowed = {names[0]: {"size": [value], **{f"p{n}": [""] for n in range(9)}}}
    return {"id": f"r{number}", "kind": "", "question": said, "answer": target, "allowed": allowed}


def model(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Right or wrong by the digest of what is sent."""
    said = str(messages[-1]["content"])
    if "JSON object" not in said:
        return f"size: {re.findall(r'size ([0-9]+)', said)[0]}"
    name = re.findall(r'"name": "(draw_[0-9]+)"', said)[0]
    size = int(re.findall(r"size ([0-9]+)", said)[0])
    off = zlib.crc32(json.dumps(body, sort_keys=True).encode()) % 3
    return json.dumps({"name": name, "arguments": {"size": size + max(0, off - 1)}})


def data(folder: Path, rows: int = 32) -> Path:
    path = folder / "bfcl.jsonl"
    path.write_text("".join(json.dumps(row(n)) + "\n" for n in range(rows)))
    return path


def test_kinds_go_by_functions_and_parameters() -> None:
    assert [kind_of(row(n)) for n in range(4)] == list(KINDS)


def test_a_record_composes_every_design(tmp_path: Path) -> None:
    file = tmp_path / "stages.json.xz"
    with CountingEndpoint(model) as endpoint:
        words = [str(tmp_path / "calls"), str(file), "--data", str(data(tmp_path)), "--model", "scripted"]
        words += ["--items", "8", "--groups", "1", "--base-url", endpoint.base_url]
        record_stages.main(words)
        made = endpoint.calls
        assert made == len(Calls(tmp_path / "calls" / "calls.jsonl", Model("", "")))
        record_stages.main([*words, "--check", "3"])  # nothing is asked again but by the check
        land = StagedLandscape.read(file)
        used = land.about["checked"]
        assert (used["designs"], used["cells"], used["other"]) == (3, 24, 0)
        assert endpoint.calls > made
    known = land.known(KINDS[0], 3)
    assert len(known) >= 4  # ways that make the same calls are known with them
    assert land.size == (2 * len(known)) ** 4
    mixed = StagedDesign(known[:4], (1, 3, 3, 1))
    rows = land.rows(mixed)
    assert 0 < sum(cell.right for cell in rows) < len(rows)  # some of both, or the check shows nothing
    for place, (cell, way) in enumerate(zip(rows, [*known[:4], *known[:4]], strict=True)):
        votes = mixed.votes[place % 4]
        assert cell.calls == votes + (way.prepare != "none")
        assert cell == land.cell(way, votes, place)
    unknown = next(way for way in ways() if way not in known)
    with pytest.raises(KeyError, match="not recorded"):
        land.cell(unknown, 1, 0)


def test_what_was_cut_short_goes_on(tmp_path: Path) -> None:
    rows = [row(n) for n in range(32)]
    items, pool = record_stages.items_of(rows, 4)
    with CountingEndpoint(model, faults=lambda n, body: None) as endpoint:
        path = tmp_path / "calls.jsonl"
        calls = Calls(path, Model(endpoint.base_url, "scripted"))
        told = work(PLAIN, items[0], pool, 0, calls.ask)
        path.write_bytes(path.read_bytes() + b'["direct/torn')
        again = Calls(path, Model(endpoint.base_url, "scripted"))
        assert work(PLAIN, items[0], pool, 0, again.ask) == told
        assert endpoint.calls == 1
        work(PLAIN, items[1], pool, 0, again.ask)
        assert len(Calls(path, Model("", ""))) == 2
        recorder = record_stages.Recorder(again, items, pool, {r["id"]: r for r in rows}, most=3)
        recorder.record(0.0)
        assert endpoint.calls == 2  # the time was over
        table = recorder.table()
    recorded = next((r for r in table if r["way"] == ["none", "direct", "plain", "none"]), None)
    assert recorded is not None
    assert [len(samples) for samples in recorded["rows"]] == [1, 1, 0, 0]


def test_votes_are_by_what_is_called() -> None:
    said = Said("x", 10, 2)
    first = work(PLAIN, Item("a", KINDS[0], row(0)["question"], "{}"), (), 0, lambda asked: said)
    other = replace(first, answer="other")
    done = voted([("1", first), ("2", other), ("2", other)])
    assert (done.answer, done.calls, done.tokens) == ("other", 3, 36)
    assert voted([("1", first), ("2", other)]).answer == first.answer


def test_a_call_is_known_by_all_that_is_sent() -> None:
    item = Item("a", KINDS[0], row(0)["question"], row(0)["answer"])
    pool = [Item("b", KINDS[0], row(4)["question"], row(4)["answer"])]
    keys: list[str] = []

    def ask(asked: Asked) -> Said:
        keys.append(asked.key)
        return Said("size: 3", 1, 1)

    for way in ways():
        for sample in range(3):
            work(way, item, pool, sample, ask)
    solves = [key for key in keys if not key.startswith("prepare")]
    # The one that may be shown is the nearest, and all notes are alike: such ways share their calls.
    assert len(set(solves)) == 2 * 3 * 3 * 2 * 3
    assert len(set(keys) - set(solves)) == 3


@pytest.mark.skipif(not FILE.exists(), reason="the third landscape was not recorded")
def test_the_recorded_landscape_reads() -> None:
    land = StagedLandscape.read(FILE)
    assert len(set(land.kind_of)) == len(KINDS)
    assert land.size > 0
    assert FILE.stat().st_size < 1e6
    assert land.about["sha256"]
    design = next(land.space())
    assert len(land.rows(design)) == len(land.items)
