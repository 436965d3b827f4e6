"""Perturbed test items in evaluations and searches: what they cost and show, and that they come again."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.report.robustness import of_archive
from meta_search.testing import CountingEndpoint
from tests.kits.pages import page_view
from tests.kits.searches import assert_same, overrides, replay
from tests.kits.worked_sums import worked_sums, writes_and_adds

ASK = "def forward(self, taskInfo):\n    return LLMAgentBase(['answer'], 'A')([taskInfo], 'Add.')[0]\n"
ITEMS = 12


@pytest.fixture
def files(folder: Path) -> Path:
    worked_sums(folder)
    (folder / "ask.py").write_text(ASK)
    return folder


def words(endpoint: CountingEndpoint, *more: str) -> list[str]:
    fixed = (f"evaluate.items={ITEMS}", "run.dir=run", "run.confirm=false")
    return overrides("worked.jsonl", endpoint, *fixed, *more)


def evaluate(endpoint: CountingEndpoint, *more: str) -> tuple[int, dict[str, Any]]:
    status = cli.main(["evaluate", "ask.py", *words(endpoint, *more), "--json", "rows.json"])
    [row] = json.loads(Path("rows.json").read_text())
    return status, row


def made() -> list[dict[str, Any]]:
    return [json.loads(line) for line in Path("run/perturbed.jsonl").read_text().splitlines()]


def test_other_numbers_show_where_an_agent_ends(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with CountingEndpoint(writes_and_adds(limit=70)) as endpoint:
        status, row = evaluate(endpoint, "domain.perturb=[numbers]")
    assert status == 0
    [drop] = row["perturbed"]["drops"]
    rows = made()
    pairs = [r for r in rows if "left_out" not in r]
    assert drop["items"] == len(pairs) > 6
    plain = sum(int(r["plain"].split()[3]) < 70 for r in pairs) / len(pairs)
    changed = sum(int(r["question"].split()[3]) < 70 for r in pairs) / len(pairs)
    assert (drop["plain"], drop["perturbed"]) == (pytest.approx(plain), pytest.approx(changed))
    assert drop["difference"] == pytest.approx(changed - plain)
    assert drop["low"] <= drop["difference"] <= drop["high"]
    assert row["perturbed"]["made"] == {"numbers": len(pairs)}
    assert sum(row["perturbed"]["left_out"]["numbers"].values()) == len(rows) - len(pairs)
    assert row["items"] == ITEMS  # the score is of the items as they are
    shown = capsys.readouterr().out
    assert "On perturbed test items" in shown
    assert f"numbers: {len(pairs)} of {ITEMS} test items were perturbed" in shown
    with meta_search.open_run("run") as archive:
        found = of_archive(archive)
        assert found is not None
        assert found.drops[0].difference == pytest.approx(drop["difference"])
        assert "perturb" not in archive.usage()  # a rule costs nothing


@pytest.mark.slow
def test_what_a_model_writes_is_judged_paid_and_not_paid_again(files: Path) -> None:
    refused: list[str] = []

    def accepts(text: str) -> bool:
        if text.count("sells 2") and not refused:  # the first such question once
            refused.append(text)
            return False
        return True

    with CountingEndpoint(writes_and_adds(200, accepts)) as endpoint:
        status, row = evaluate(endpoint, "domain.perturb=[paraphrase,context]", "llm.max_concurrency=1")
        assert status == 0
        assert row["perturbed"]["by_model"] == {"paraphrase": ITEMS, "context": ITEMS}
        with meta_search.open_run("run") as archive:
            usage = archive.usage()
        assert usage["perturb"].calls == 2 * 2 * ITEMS + 2 * len(refused)
        assert usage["task"].calls == 3 * ITEMS
        assert endpoint.calls == usage["perturb"].calls + usage["task"].calls
        for one in made():
            if one["perturbation"] == "context":
                assert one["question"].replace("The shop was painted green. ", "") == one["plain"]
            assert one["answer"] == one["plain_answer"]
        calls = endpoint.calls
        status, again = evaluate(endpoint, "domain.perturb=[paraphrase,context]", "llm.max_concurrency=1")
        assert status == 0
        assert endpoint.calls == calls
        assert again == row


def test_a_judge_that_says_no_leaves_items_out_after_some_tries(files: Path) -> None:
    with CountingEndpoint(writes_and_adds(200, lambda text: False)) as endpoint:
        status, row = evaluate(endpoint, "domain.perturb=[paraphrase]", "domain.perturb_tries=2")
        assert status == 0
        assert row["perturbed"]["left_out"] == {
            "paraphrase": {"the judge found another answer, or none": ITEMS}
        }
        assert endpoint.calls == ITEMS * (1 + 2 * 2)
    assert row["perturbed"]["drops"][0]["items"] == 0


@pytest.mark.slow
def test_a_budget_that_cannot_pay_says_so_and_more_of_it_goes_on(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(writes_and_adds(200)) as endpoint:
        status, row = evaluate(endpoint, "domain.perturb=[paraphrase]", "budget.calls=10")
        assert status == 3
        assert row["perturbed"]["left_out"]["paraphrase"]["the budget did not pay for it"] >= ITEMS - 5
        assert "the budget did not pay for it" in capsys.readouterr().out
        assert endpoint.calls <= 10
        status, row = evaluate(endpoint, "domain.perturb=[paraphrase]", "budget.calls=1000")
        assert status == 0
        assert row["perturbed"]["made"] == {"paraphrase": ITEMS}
        assert row["perturbed"]["drops"][0]["items"] == ITEMS


@pytest.mark.parametrize(
    ("more", "why"),
    [
        ("domain.perturb=[colour]", "there are paraphrase, context, choices, numbers, order"),
        ("evaluate.split=train", "domain.perturb perturbs test items: leave out evaluate.split=train"),
    ],
)
def test_bad_input_is_told_before_any_work(
    files: Path, capsys: pytest.CaptureFixture[str], more: str, why: str
) -> None:
    with CountingEndpoint(writes_and_adds(200)) as endpoint:
        arguments = ["evaluate", "ask.py", *words(endpoint, "domain.perturb=[numbers]", more)]
        assert cli.main(arguments) == 2
        assert endpoint.calls == 0
    assert why in capsys.readouterr().err
    assert not Path("run").exists()


@pytest.mark.slow
def test_a_search_reports_finalists_and_baselines_side_by_side(
    files: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = ("author=composer", "evaluate.items=6", "evaluate.test_items=12", "search.candidates=2")
    more = (*more, "search.seeds=[direct]", "domain.perturb=[numbers,paraphrase]", "domain.sizes.test=12")
    with CountingEndpoint(writes_and_adds(limit=70)) as endpoint:
        assert cli.main(["run", *words(endpoint, *more)]) == 0
        shown = capsys.readouterr().out
        assert "On perturbed test items" in shown
        with meta_search.open_run("run") as archive:
            found = of_archive(archive)
            final = archive.meta("final")
            assert archive.usage()["perturb"].calls == 2 * 12
        assert found is not None
        contenders = {*final["finalists"], *final["baselines"]}
        assert {d.agent for d in found.drops} == contenders
        for name in ("numbers", "paraphrase"):
            sides = [d for d in found.drops if d.perturbation == name]
            assert len({d.items for d in sides}) == 1  # all on the same pairs
            assert sides[0].items > 4
        assert {d.role for d in found.drops} == {"finalist", "baseline"}
        assert cli.main(["report", "run", "--json"]) == 0
        told = json.loads(capsys.readouterr().out)["perturbed"]
        assert told["names"] == ["numbers", "paraphrase"]
        assert len(told["drops"]) == len(found.drops)
        assert len(page_view("run/report.html", "overview")["robust"]["drops"]) == len(found.drops)
        assert cli.main(["export", "run", final["finalists"][0], "--to", "out"]) == 0
        card = Path("out/card.md").read_text()
        assert "| paraphrase | 12 |" in card
        calls = endpoint.calls
        assert replay() == 0  # asks nobody, and makes the same items of the same replies
        assert endpoint.calls == calls
    assert_same("run", "again")
    assert Path("again/perturbed.jsonl").read_text() == Path("run/perturbed.jsonl").read_text()
