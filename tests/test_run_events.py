"""Events: to their rows and back, and the form that recordings of earlier versions have."""

from __future__ import annotations

import json
from typing import Any

import pytest

from archive.records import Event as Row
from meta_search.errors import ArchiveError
from meta_search.run.events import (
    BlockDelivered,
    BriefAsked,
    BriefDelivered,
    BriefTold,
    Decided,
    Event,
    ItemDelivered,
    LookPlanned,
    RaceEnded,
    Resumed,
    SearchStopped,
    parse,
    parse_rows,
)
from meta_search.types import REPAIR, Brief, Demonstration, ItemResult, Lesson, Usage

BRIEF = Brief(3, "crossover", "composer", ("a", "b"), ("c",), 0.6, ("plan",), 10_010)
ROWS: list[tuple[Event, str, str]] = [
    (
        BriefAsked(BRIEF, 3, (("s", 1),), {"votes": 3}),
        "ask",
        '{"brief": 3, "operator": "crossover", "author": "composer", "parents": ["a", "b"], "inspirations": '
        '["c"], "temperature": 0.6, "tags": ["plan"], "seed": 10010, "design": 3, "tuning": [["s", 1]], '
        '"values": {"votes": 3}}',
    ),
    (
        BriefDelivered(3, "d", 120, (Demonstration("q", "r"),), (("ask", "n", "llm", "down"),), 2),
        "delivery",
        '{"brief": 3, "agent": "d", "tokens": 120, "found": [["q", "r"]], "chances": '
        '[["ask", "n", "llm", "down"]], "used": 2}',
    ),
    (
        BriefDelivered(3, "d", 120, further=("e", "f")),
        "delivery",
        '{"brief": 3, "agent": "d", "tokens": 120, "found": [], "chances": [], "further": ["e", "f"]}',
    ),
    (
        BriefDelivered(3, None, 0),
        "delivery",
        '{"brief": 3, "agent": null, "tokens": 0, "found": [], "chances": []}',
    ),
    (
        BriefDelivered(3, "d", 120, lessons=(Lesson(3, "Helps:\n- x", 6, 40), Lesson(3, "", 9, 0, "empty"))),
        "delivery",
        '{"brief": 3, "agent": "d", "tokens": 120, "found": [], "chances": [], "lessons": '
        '[["Helps:\\n- x", 6, 40, ""], ["", 9, 0, "empty"]]}',
    ),
    (
        ItemDelivered("d", "train", "i", 0, "ok", score=0.5, calls=2, tokens=30),
        "delivery",
        '{"agent": "d", "split": "train", "item": "i", "repeat": 0, "kind": "ok", "score": 0.5, "calls": 2, '
        '"tokens": 30}',
    ),
    (
        ItemDelivered("d", "test", "i", 1, "llm", detail="down"),
        "delivery",
        '{"agent": "d", "split": "test", "item": "i", "repeat": 1, "kind": "llm", "detail": "down"}',
    ),
    (BlockDelivered("d", "train"), "delivery", '{"agent": "d", "split": "train"}'),
    (LookPlanned("d", "train", 6), "race", '{"agent": "d", "split": "train", "to": 6}'),
    (
        RaceEnded("d", "train", "behind", False),
        "race",
        '{"agent": "d", "split": "train", "stopped": "behind", "validate": false}',
    ),
    (RaceEnded("d", "validation"), "race", '{"agent": "d", "split": "validation"}'),
    (Decided("round", True), "decision", '{"what": "round", "value": true}'),
    (Resumed(), "resume", "{}"),
    (SearchStopped("budget"), "stop", '{"why": "budget"}'),
    (BriefTold(3, None), "tell", '{"brief": 3, "value": null}'),
]


@pytest.mark.parametrize(("event", "kind", "row"), ROWS, ids=lambda part: type(part).__name__)
def test_events_have_the_rows_of_earlier_recordings(event: Event, kind: str, row: str) -> None:
    assert (event.kind, json.dumps(event.data())) == (kind, row)  # to the letter: keys and their order
    assert parse(kind, json.loads(row)) == event


def test_a_repair_is_numbered_above_its_brief() -> None:
    repair = Brief(3, "debug", "llm", ("d",), kind="repair", repair=2)
    row = BriefAsked(repair, 3).data()
    assert row["brief"] == 3 + 2 * REPAIR
    assert parse("ask", row) == BriefAsked(repair, 3)


def test_kinds_of_other_versions_are_left_out() -> None:
    assert parse("import", {"published": []}) is None


def test_a_result_tells_what_decisions_depend_on() -> None:
    where = ("a", "train", "q", 2)
    result = ItemResult(*where, "ok", score=1.0, used=Usage(3, 10, 20), seconds=9.0)
    told = ItemDelivered.from_result(result).data()
    assert (told["score"], told["calls"], told["tokens"]) == (1.0, 3, 30)
    assert "seconds" not in told  # a replay takes another time
    assert "detail" in ItemDelivered.from_result(ItemResult(*where, "llm", detail="down")).data()


def test_a_damaged_row_is_one_line_with_its_number() -> None:
    rows = [Row(1, "stop", {"why": "time"}, 0.0), Row(2, "tell", {}, 0.0)]
    read = parse_rows(rows)
    assert next(read) == (1, SearchStopped("time"))
    with pytest.raises(ArchiveError, match=r"event 2 of the archive cannot be read: KeyError"):
        next(read)


@pytest.mark.parametrize(
    ("stored", "kind", "code"),
    [
        ({"number": 4, "operator": "mutate", "author": "llm"}, "asked", 4),
        ({"number": 4 + 2 * REPAIR, "operator": "debug", "author": "llm"}, "repair", 4 + 2 * REPAIR),
        ({"number": -1, "operator": "seed", "author": "hand"}, "seed", -1),
        ({"number": -9, "operator": "seed", "author": "hand"}, "seed", -9),
        ({"number": -102, "operator": "baseline", "author": "hand"}, "baseline", -102),
        ({"number": -1, "operator": "novel", "author": "replay"}, "imported", -1001),  # of earlier versions
        ({"number": 0, "operator": "import", "author": "hand"}, "imported", -1001),
        ({"number": -1001, "operator": "seed", "author": "replay"}, "imported", -1001),
    ],
)
def test_what_kind_of_brief_a_number_stands_for(stored: dict[str, Any], kind: str, code: int) -> None:
    brief = Brief.from_json({**stored, "parents": ["a"], "of another version": 1})
    assert (brief.kind, brief.code, brief.parents) == (kind, code, ("a",))
    assert Brief.from_json(brief.to_json()) == brief
