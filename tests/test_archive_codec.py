"""What an older version's archive holds, or a stranger's, that is no value of its kind is left out."""

from __future__ import annotations

import dataclasses
import json
import sqlite3
import tracemalloc
import zlib
from pathlib import Path
from typing import Any

import pytest

import meta_search
from archive import codec, traces
from archive.guard import LARGEST
from archive.store import Store
from meta_search import cli
from meta_search.errors import DamagedError
from meta_search.types import (
    Agent,
    Brief,
    Candidate,
    Evaluation,
    ItemResult,
    Parameter,
    TraceCall,
    Usage,
)
from tests.kits.team_networks import network

SPACE = Parameter("votes", "int", 3, 1.0, 9.0)
NETWORK = network("solver", "critic")
CALLS = tuple(
    TraceCall(i, name, name, ("answer",), "?", "1", (), 10, 0.5) for i, name in enumerate(NETWORK.roles, 1)
)
AGENT = Agent("00ff00ff00ff00ff", "damaged", "def forward(self, t):\n    return 'x'\n")
RESULT = ItemResult(
    *(AGENT.id, "train", "i1", 0, "ok", "1", "", 1.0, Usage(2, 16, 4)),
    trace=CALLS,
    space=(SPACE,),
    networks=(NETWORK,),
    fresh=False,
)


@pytest.fixture(autouse=True)
def _says_it_again() -> None:
    traces._left_out.cache_clear()


def stored(trace: Any = None, space: Any = None) -> tuple[Any, ...]:
    """The row of a result with another trace, or another space, as the archive has them."""
    row = list(codec.result_row(RESULT, 0.0))
    if trace is not None:
        packed = trace if isinstance(trace, bytes) else zlib.compress(json.dumps(trace).encode())
        row[codec.RESULT_COLUMNS.index("trace")] = packed
    if space is not None:
        row[codec.RESULT_COLUMNS.index("space")] = space if isinstance(space, str) else json.dumps(space)
    return tuple(row)


def trace_with(**change: Any) -> dict[str, Any]:
    whole = {"calls": [dataclasses.asdict(c) for c in CALLS], "networks": [dataclasses.asdict(NETWORK)]}
    return {**whole, **change}


def call_with(**change: Any) -> dict[str, Any]:
    return {**dataclasses.asdict(CALLS[1]), **change}


def network_with(**change: Any) -> dict[str, Any]:
    return {**dataclasses.asdict(NETWORK), **change}


@pytest.mark.parametrize(
    "damaged",
    [
        *(None, 7, "x", [], {}, {"roles": ["a"]}, network_with(roles=[]), network_with(active=[])),
        *(network_with(answers=[["1", "2"], ["1"]]), network_with(answers=[["1"], ["1"]])),
        *(network_with(importance=[[0.5], [1.0]]), network_with(importance=[[0.5, 0.5], []])),
        *(network_with(weights=[[], [[0.5]]]), network_with(weights=[[], [[0.5], []]])),
        *(
            network_with(weights=[[], [[float("nan"), 0.5], []]]),
            network_with(weights=[[[0.5, 0.5], []]] * 2),
        ),
        *(
            network_with(active=[[0, 7], [0]]),
            network_with(active=[[], [0]]),
            network_with(active=[[0, 0], [0]]),
        ),
        *(network_with(roles=["a", "x" * 10**6]), network_with(calls=10**30), network_with(final=[])),
    ],
)
def test_a_network_that_is_none_is_left_out(damaged: Any, caplog: pytest.LogCaptureFixture) -> None:
    result = codec.result_of(stored(trace_with(networks=[dataclasses.asdict(NETWORK), damaged])))
    assert (result.networks, result.trace, result.space) == ((NETWORK,), CALLS, (SPACE,))
    assert [r.getMessage() for r in caplog.records] == [
        "left out: networks of teams that the archive holds and nobody can read"
    ]


@pytest.mark.parametrize(
    "damaged",
    [
        *(None, 7, [], {}, call_with(index=-1), call_with(index="2"), call_with(index=2**70)),
        *(call_with(author=7), call_with(prompt=None), call_with(fields="answer"), call_with(fields=[7])),
        *(call_with(tokens=-1), call_with(tokens=10**30), call_with(latency_s=float("inf"))),
        *(call_with(inputs=[-1]), call_with(inputs={}), call_with(pasted=["1"]), call_with(inputs=[1.5])),
    ],
)
def test_a_call_that_is_none_is_left_out(damaged: Any) -> None:
    first = dataclasses.asdict(CALLS[0])
    assert codec.result_of(stored([first, damaged])).trace == CALLS[:1]
    assert codec.result_of(stored(trace_with(calls=[first, damaged]))).networks == (NETWORK,)


@pytest.mark.parametrize("numbers", [(2, 1), (1, 1)])
def test_calls_out_of_order_are_no_trace(numbers: tuple[int, int]) -> None:
    assert codec.result_of(stored([call_with(index=number) for number in numbers])).trace == ()


@pytest.mark.parametrize(
    "trace",
    [
        *(b"", b"text", zlib.compress(b""), zlib.compress(b"\xff"), zlib.compress(b"[" * 10**6)),
        *(zlib.compress(b'{"calls": {}, "networks": 7}'), zlib.compress(b"7"), zlib.compress(b"[7]")[:-4]),
        zlib.compress(b"[" + b"[]," * 600_000 + b"0]"),
    ],
)
def test_what_is_no_trace_is_left_out(trace: bytes) -> None:
    result = codec.result_of(stored(trace))
    assert (result.trace, result.networks, result.answer) == ((), (), "1")


def test_a_trace_that_unpacks_to_much_takes_little_memory() -> None:
    packing = zlib.compressobj(1)
    bomb = b"".join(packing.compress(bytes(10**7)) for _ in range(10)) + packing.flush()
    tracemalloc.start()
    assert codec.result_of(stored(bomb)).trace == ()
    assert tracemalloc.get_traced_memory()[1] < 3 * LARGEST
    tracemalloc.stop()


@pytest.mark.parametrize(
    "damaged",
    [
        *(None, 7, {}, {"name": "n", "kind": "int", "default": 1}, {**dataclasses.asdict(SPACE), "low": 99}),
        {"name": "c", "kind": "choice", "default": "a", "choices": [["a"]]},
        {"name": "f", "kind": "float", "default": 0.5, "low": 0.0, "high": float("inf")},
    ],
)
def test_a_parameter_that_is_none_is_left_out(damaged: Any) -> None:
    assert codec.result_of(stored(space=[dataclasses.asdict(SPACE), damaged])).space == (SPACE,)


@pytest.mark.parametrize("space", ["{", "7", '"x"', "[" * 10**5, "[" + "0," * 10**6 + "0]", "\ud800"])
def test_what_is_no_space_is_left_out(space: str) -> None:
    assert codec.result_of(stored(space=space)).space == ()


def test_reports_are_made_of_what_is_left(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A search whose agents got past an older version: ragged, empty and endless values at every place."""
    with Store.open(tmp_path) as store:
        store.add_candidate(Candidate(AGENT, Brief(1, "novel", "llm"), "an idea", 0, (SPACE,)), "population")
        results = [dataclasses.replace(RESULT, item=f"i{n}") for n in range(4)]
        store.add_results(results)
        store.put_evaluation(Evaluation.of(AGENT.id, "train", results)).result()
    with sqlite3.connect(tmp_path / "archive.db") as database:
        boundless = json.dumps([{"name": "n", "kind": "float", "default": 0.5}, dataclasses.asdict(SPACE)])
        database.execute("UPDATE agents SET space = ?", (boundless,))
        database.execute("UPDATE results SET space = ?", (boundless,))
        ragged = [network_with(importance=[[0.5], []]), network_with(roles=[]), {}]
        for number, broken in enumerate(ragged):
            packed = zlib.compress(json.dumps(trace_with(networks=[broken])).encode())
            database.execute("UPDATE results SET trace = ? WHERE item = ?", (packed, f"i{number}"))
    with meta_search.open_run(tmp_path) as archive:
        assert archive.record("damaged").space == (SPACE,)
        assert [len(r.networks) for r in archive.results(AGENT.id, "train")] == [0, 0, 0, 1]
    for command in (["archive", "show", str(tmp_path), "damaged"], ["report", str(tmp_path)]):
        assert cli.main(command) == 0
        shown = capsys.readouterr()
        assert "Traceback" not in shown.out + shown.err


def test_a_source_that_no_agent_has_is_not_looked_through() -> None:
    candidate = Candidate(Agent("id", "n", "x" * (codec.MAX_SOURCE + 1), {}), Brief(0, "novel", "llm"), "")
    with pytest.raises(DamagedError, match="a source of 4 MB"):
        codec.record_of(codec.agent_row(candidate, "evaluated", 0.0))
