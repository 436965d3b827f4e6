"""The table `calls`: what is written, what is found again, what was spent."""

from __future__ import annotations

import dataclasses
import json
import zlib

import pytest

from meta_search.llm.ledger import Entry, Ledger, call_key
from meta_search.types import CallRequest, Usage
from tests.kits.sqlite_pen import SqlitePen

REQUEST = CallRequest(
    model="task",
    messages=(("system", "Be brief."), ("user", "What is 6 × 7?")),
    schema={"type": "object"},
    seed=3,
    agent="a1",
    split="train",
    item="i1",
)


def key(request: CallRequest = REQUEST, shared: bool = True) -> str:
    return call_key(request, "model", 100, shared)


def test_a_call_is_found_again_as_it_was_settled(pen: SqlitePen) -> None:
    ledger = Ledger(pen)
    assert ledger.find(key()) is None
    ledger.reserve(key(), REQUEST, "model", 100, Usage(1, 50, 100, 0.5)).result()
    reserved = ledger.find(key())
    assert reserved == Entry("reserved", charged=Usage(1, 50, 100, 0.5))
    entry = Entry("done", "42 ✓", Usage(1, 9, 2, 0.01), Usage(2, 59, 102, 0.51), 0.25)
    ledger.settle(key(), entry).result()
    assert ledger.find(key()) == entry
    (request, reply, state) = pen.rows("request, reply, state")[0]
    assert json.loads(zlib.decompress(request))["messages"][1] == ["user", "What is 6 × 7?"]
    assert json.loads(zlib.decompress(reply))["text"] == "42 ✓"
    assert state == "done"


def test_faults_are_kept_with_their_kind(pen: SqlitePen) -> None:
    ledger = Ledger(pen)
    ledger.reserve(key(), REQUEST, "model", 100, Usage(1))
    entry = Entry("done", fault="context", message="too long: 9 > 8", charged=Usage(1))
    ledger.settle(key(), entry).result()
    assert ledger.find(key()) == entry


def test_a_row_that_is_done_is_never_reserved_again(pen: SqlitePen) -> None:
    ledger = Ledger(pen)
    ledger.reserve(key(), REQUEST, "model", 100, Usage(1))
    ledger.settle(key(), Entry("done", "kept", charged=Usage(1)))
    ledger.reserve(key(), REQUEST, "model", 100, Usage(2)).result()
    found = ledger.find(key())
    assert found is not None
    assert (found.state, found.text, found.charged.calls) == ("done", "kept", 1)
    ledger.settle(key(), Entry("failed", fault="llm", message="down", charged=Usage(1)))
    ledger.reserve(key(), REQUEST, "model", 100, Usage(2)).result()
    again = ledger.find(key())
    assert again is not None
    assert (again.state, again.fault, again.charged.calls) == ("reserved", None, 2)


def test_spent_counts_what_was_charged_in_flight_calls_in_full(pen: SqlitePen) -> None:
    ledger = Ledger(pen)
    other = dataclasses.replace(REQUEST, item="i2")
    author = dataclasses.replace(REQUEST, purpose="meta")
    ledger.reserve(key(), REQUEST, "model", 100, Usage(1, 50, 100, 0.5))
    ledger.settle(key(), Entry("done", "x", Usage(1, 5, 1, 0.1), Usage(3, 5, 1, 0.1)))
    ledger.reserve(key(other), other, "model", 100, Usage(1, 50, 100, 0.5))
    ledger.reserve(key(author), author, "model", 100, Usage(1, 7, 8, 0.25)).result()
    assert ledger.spent() == {"task": Usage(4, 55, 101, 0.6), "meta": Usage(1, 7, 8, 0.25)}


@pytest.mark.parametrize(
    "change",
    [
        {"messages": (("user", "other"),)},
        {"temperature": 0.9},
        {"schema": None},
        {"seed": 4},
        {"item": "i2"},
        {"repeat": 1},
        {"occurrence": "1"},
    ],
)
def test_what_makes_a_call_another(change: dict[str, object]) -> None:
    assert key(dataclasses.replace(REQUEST, **change)) != key()  # type: ignore[arg-type]


def test_model_and_length_make_a_call_another() -> None:
    assert call_key(REQUEST, "other", 100, True) != key()
    assert call_key(REQUEST, "model", 101, True) != key()


@pytest.mark.parametrize(
    ("split", "purpose", "shared", "same"),
    [
        ("train", "task", True, True),
        ("train", "task", False, False),
        ("validation", "task", True, False),
        ("test", "task", True, False),
        ("train", "meta", True, False),
        ("", "meta", True, False),
    ],
)
def test_agents_share_answers_on_train_items_only(split: str, purpose: str, shared: bool, same: bool) -> None:
    mine = dataclasses.replace(REQUEST, split=split, purpose=purpose)  # type: ignore[arg-type]
    yours = dataclasses.replace(mine, agent="a2")
    assert (key(mine, shared) == key(yours, shared)) is same


def test_author_name_and_order_of_schema_keys_do_not_matter() -> None:
    schema = {"b": 1, "a": {"d": 1, "c": 2}}
    turned = {"a": {"c": 2, "d": 1}, "b": 1}
    one = dataclasses.replace(REQUEST, schema=schema, author="x")
    two = dataclasses.replace(REQUEST, schema=turned, author="y")
    assert key(one) == key(two)
