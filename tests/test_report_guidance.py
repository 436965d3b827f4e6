"""What the guide expects of operators and authors, in the report."""

from __future__ import annotations

from typing import Any

from meta_search.engine.studies import outlook_rows
from meta_search.guide.guide import Guide
from meta_search.guide.opening import Choices
from meta_search.report.guidance import guidance_lines, guidance_rows
from tests.kits.list_archive import ListArchive

CHOICES = Choices(("novel", "mutate"), ("llm", "composer"), ("program",))


def archive(rows: Any) -> ListArchive:
    return ListArchive(values={"outlooks": rows})


def test_what_paid_comes_first_with_its_interval() -> None:
    guide = Guide(1, CHOICES)
    for _ in range(30):
        order = guide.ask()
        pays = (order.brief.operator, order.brief.author) == ("mutate", "llm")
        guide.tell(order.brief.number, 0.4 if pays else -0.1)
    rows = outlook_rows(guide)
    assert guidance_rows(archive(rows)) == rows
    assert len(rows) == 4
    assert sum(row["briefs"] for row in rows) == 30
    first = rows[0]
    assert (first["operator"], first["author"]) == ("mutate", "llm")
    assert first["low"] < first["gain"] < first["high"]
    heading, line, *_ = guidance_lines(archive(rows))
    assert "left to gain" in heading
    assert line.strip().startswith("mutate by llm: ")
    assert line.endswith(f"at 1.0× the typical cost, after {first['briefs']} briefs")


def test_nothing_is_said_where_no_bandit_took_part() -> None:
    assert outlook_rows(Guide(1, CHOICES, guided=False)) == []
    for rows in (None, [], "no list", [{"operator": "novel"}]):
        assert guidance_lines(archive(rows)) == []
