"""The drawing of who hears whom: its nodes and edges, its figures, and names that a model wrote."""

from __future__ import annotations

import re
from dataclasses import replace
from xml.etree import ElementTree

from meta_search.report.components import changes, drawings, section
from meta_search.types import Importance, ItemResult, TraceCall
from tests.kits.list_archive import HOSTILE, ListArchive, named_agent
from tests.kits.team_networks import network


def call(index: int, component: str, inputs: tuple[int, ...] = (), final: bool = False) -> TraceCall:
    name = component.partition(" #")[0]
    return TraceCall(
        index, name, "", ("answer",), "?", "1", inputs, 30, 0.5, final=final, component=component
    )


# Two writers, a critic who hears both, and the first writer once more: a loop.
LOOP = (
    call(1, "Writer"),
    call(2, "Writer #2"),
    call(3, "Critic", (1, 2)),
    call(4, "Writer", (1, 3), final=True),
)


def archive_with(trace: tuple[TraceCall, ...], **more: object) -> tuple[ListArchive, str]:
    archive = ListArchive()
    made = named_agent("talkers")
    archive.add(made, {"train": [1.0, 0.0]})
    rows = archive.item_results[made.id, "train"]
    archive.item_results[made.id, "train"] = [replace(row, trace=trace, **more) for row in rows]
    return archive, made.id


def drawing(archive: ListArchive, agent: str) -> ElementTree.Element:
    [row] = drawings(archive, archive.agents(), [agent], "train")
    return ElementTree.fromstring(str(row["svg"]))


def test_every_component_and_link_is_drawn_with_its_figures() -> None:
    archive, agent = archive_with(LOOP)
    archive.worth[agent] = [
        Importance(agent, "Writer", "leave_out", 0.5, 2, replayed=3, asked=2),
        Importance(agent, "Critic", "leave_out", -0.25, 2),
    ]
    picture = drawing(archive, agent)
    titles = [element.findtext("title") for element in picture]
    assert sorted(map(str, titles)) == [
        "Critic → Writer: 1.0 answers per item",
        "Critic: 1.0 calls per item here, importance -0.25",
        "Writer #2 → Critic: 1.0 answers per item",
        "Writer #2: 1.0 calls per item here",
        "Writer → Critic: 1.0 answers per item",
        "Writer → Writer: 1.0 answers per item",
        "Writer: 1.0 calls per item here, importance 0.50",
        "Writer: 1.0 calls per item here, importance 0.50",
    ]
    radius = {title.partition(":")[0]: float(c.get("r", "0")) for title, c in _circles(picture)}
    assert radius["Writer"] > radius["Critic"]
    page = str(section(archive, archive.agents(), [agent], "train"))
    assert "Leaving out: 3 calls replayed, 2 asked." in page
    assert re.search(
        r"<td>Critic</td><td class=\"r\">1.0</td><td class=\"r\">30</td><td class=\"r\">-0.25</td>", page
    )


def _circles(picture: ElementTree.Element) -> list[tuple[str, ElementTree.Element]]:
    groups = [element for element in picture if element.tag == "g"]
    return [(group.findtext("title") or "", circle) for group in groups for circle in group.iter("circle")]


def test_the_circles_of_a_drawing_lie_apart_and_within_it() -> None:
    voters = [call(n, f"Voter #{n}") for n in range(1, 13)]
    trace = (*voters, call(13, "Judge", tuple(range(1, 13)), True))
    archive, agent = archive_with(trace)
    picture = drawing(archive, agent)
    width, height = map(float, (picture.get("viewBox") or "").split()[2:])
    places = [(float(c.get("cx", "0")), float(c.get("cy", "0"))) for _, c in _circles(picture)]
    assert len(places) == 13
    assert all(0 < x < width and 0 < y < height for x, y in places)
    assert all(abs(a - x) + abs(b - y) > 40 for i, (a, b) in enumerate(places) for x, y in places[:i])


def test_a_team_has_the_weights_that_it_gave() -> None:
    trace = (call(1, "A"), call(2, "B"), call(3, "A", (1, 2), final=True))
    archive, agent = archive_with(trace, networks=(network("A", "B"),))
    titles = [element.findtext("title") for element in drawing(archive, agent)]
    assert "B → A: 1.0 answers per item, weight 0.25" in titles
    assert "A: 1.0 calls per item here, importance 1.75" in titles


def test_agents_of_one_component_and_without_traces_are_not_drawn() -> None:
    for trace in ((), LOOP[:1]):
        archive, agent = archive_with(trace)
        assert str(section(archive, archive.agents(), [agent, "unknown"], "train")) == ""


def test_names_that_a_model_wrote_stay_text() -> None:
    archive, agent = archive_with((call(1, HOSTILE), call(2, "Judge", (1,), True)))
    page = str(section(archive, archive.agents(), [agent], "train"))
    assert "<script" not in page
    assert "<img" not in page
    assert "\x1b" not in page
    assert "&lt;script&gt;" in page
    ElementTree.fromstring(f"<page>{page.replace('<details open>', '<details>')}</page>")


def test_agents_that_were_made_smaller_stand_beside_what_they_were_made_from() -> None:
    archive = ListArchive()
    big, small, other = (named_agent(name, n) for n, name in enumerate(("big", "small", "other")))
    archive.add(big, {"train": [1.0, 0.0]}, 400)
    archive.add(small, {"train": [1.0, 0.0]}, 100, operator="simplify", parents=(big.id,))
    archive.add(other, {"train": [1.0, 0.0]}, 100, operator="mutate", parents=(big.id,))
    [row] = changes(archive.agents(), "train")
    assert (row["before"]["name"], row["after"]["name"]) == ("big", "small")
    assert (row["before"]["tokens"], row["after"]["tokens"]) == (800, 200)
    page = str(section(archive, archive.agents(), [], "train"))
    assert "50.0 [9.5, 90.5]" in page
    assert changes(archive.agents(), "validation") == []
    assert isinstance(archive.item_results[big.id, "train"][0], ItemResult)
