"""When the best came, by paid tokens, and who spent them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import meta_search
from meta_search import cli
from meta_search.report.chosen import Chosen
from meta_search.report.spending import spending_lines, spent, stairs, steps_of
from meta_search.testing import CountingEndpoint
from meta_search.types import Usage, drawn_in
from tests.kits.answers import adds_below
from tests.kits.list_archive import ListArchive, named_agent
from tests.kits.pages import page_view
from tests.kits.searches import composed_search


def searched() -> ListArchive:
    """A seed, a better agent, and one that is worse; a thousand tokens are paid before each is through."""
    archive = ListArchive()
    for number, (name, right) in enumerate((("seed", 8), ("better", 16), ("worse", 2))):
        agent = named_agent(name, number)
        made = "seed" if not number else "novel"
        archive.add(agent, {"train": [1.0] * right + [0.0] * (20 - right)}, operator=made, author="llm")
        archive.numbered.append(("race", {"agent": agent.id, "split": "train", "at": 10.0 * (number + 1)}))
        archive.over_time.append((10.0 * (number + 1) - 1, Usage(10, 900, 100)))
        archive.ledger.append(("task", agent.id, "train", Usage(10, 800, 100)))
    archive.numbered.append(("ask", {"brief": 1, "author": "llm"}))
    archive.ledger.append(("meta", "brief-1", "", Usage(1, 250, 50)))
    return archive


def test_the_stairs_are_those_of_the_best_so_far_corrected_for_selection() -> None:
    climbed = stairs(steps_of(searched()))
    assert [(s.name, s.paid.tokens) for s in climbed] == [("seed", 1000), ("better", 2000)]
    typical = 26 / 60
    assert climbed[1].score == pytest.approx((16 + 4 * typical) / 24)
    assert climbed[1].score < 16 / 20
    assert drawn_in(5.0, 10, 0.5) == 0.5


def test_lines_say_when_the_best_came_and_who_spent_the_tokens() -> None:
    archive = searched()
    lines = spending_lines(archive, Chosen(archive.records[1].agent.id, True, "the best so far"))
    assert lines == [
        "Best so far by tokens, on train items, corrected for selection: 41 % after 1.0k; 74 % after 2.0k of "
        "3.0k.",
        "better, the agent to take, was evaluated after 2.0k tokens (67%).",
        "Of 3.0k tokens: agents on search items 2.7k (novel 1.8k, seeds 900); writing 300 (llm 300).",
    ]
    assert spending_lines(ListArchive(), None) == []


@pytest.mark.slow
def test_every_paid_token_of_a_search_is_spent_on_something(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(adds_below(9)) as endpoint:
        more = ("search.candidates=2", "search.seeds=[direct,chain_of_thought]", "search.prior=false")
        assert cli.main(["run", *composed_search(folder, endpoint, *more, "run.confirm=false")]) == 0
    archive = meta_search.open_run("run")
    found = {s.what: s for s in spent(archive)}
    everything = sum((s.paid for s in found.values()), Usage())
    assert everything.tokens == sum(archive.usage().values(), Usage()).tokens
    assert set(found["final report"].parts) == {"finalists", "baselines"}
    assert "seeds" in found["agents on search items"].parts
    steps = steps_of(archive)
    assert [s.paid.tokens for s in steps] == sorted(s.paid.tokens for s in steps)
    assert 0 < steps[0].paid.tokens < everything.tokens
    capsys.readouterr()
    for command in ("report", "status"):
        assert cli.main([command, "run"]) == 0
        assert "Best so far by tokens, on train items, corrected for selection: " in capsys.readouterr().out
    assert cli.main(["report", "run", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["best_so_far"][0]["agent"] == steps[0].agent
    climbed = page_view("run/report.html", "progress")["steps"]
    assert [step["agent"] for step in climbed] == [step["agent"] for step in told["best_so_far"]]
    assert [step["tokens"] for step in climbed] == sorted(step["tokens"] for step in climbed)
