"""Before a run that a model judges: agreement with people, padding and places; and the run itself."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from archive.records import Archive
from domains import registry
from meta_search import cli
from meta_search.config import DomainConfig, SandboxConfig
from meta_search.run.domain_scorer import Scorer, ScorerFault
from meta_search.run.judge_check import JudgeCheck, Shaken, judge_check, kappa, kappa_interval
from meta_search.testing import CountingEndpoint, ScriptedLLM
from meta_search.types import CallReply, CallRequest
from tests.kits.judges import capitals, judging, material, verdict
from tests.kits.pages import page_text
from tests.kits.searches import overrides


def table_of(yes: int, more: int, less: int, no: int) -> list[tuple[float, float]]:
    return [*[(1.0, 1.0)] * yes, *[(0.0, 1.0)] * more, *[(1.0, 0.0)] * less, *[(0.0, 0.0)] * no]


def test_kappa_is_cohen_s() -> None:
    # The textbook's table: 20 and 15 agreements of 50, 5 and 10 disagreements; kappa 0.40.
    assert kappa(table_of(20, 10, 5, 15)) == pytest.approx(0.4)
    assert kappa(table_of(5, 0, 0, 5)) == pytest.approx(1.0)
    assert kappa(table_of(0, 5, 5, 0)) == pytest.approx(-1.0)
    assert kappa(table_of(9, 0, 0, 0)) is None


def test_kappa_of_grades_counts_how_far_they_are_apart() -> None:
    near = [(0.0, 0.25), (0.25, 0.25), (0.5, 0.75), (1.0, 1.0), (0.75, 0.5)]
    far = [(0.0, 1.0), (0.25, 0.25), (0.5, 0.5), (1.0, 0.0), (0.75, 0.75)]
    assert sum(a == b for a, b in far) > sum(a == b for a, b in near)
    found = kappa(near), kappa(far)
    assert found[0] is not None
    assert found[1] is not None
    assert found[0] > 0.7 > 0.0 > found[1]


def test_the_interval_of_kappa_says_what_twenty_answers_can() -> None:
    low, high = kappa_interval(table_of(10, 0, 0, 10))
    assert 0.55 < low < 0.85
    assert high > 0.97
    assert kappa_interval(table_of(10, 0, 0, 10)) == (low, high)
    wide, narrow = kappa_interval(table_of(9, 1, 1, 9)), kappa_interval(table_of(90, 10, 10, 90))
    assert wide[0] < narrow[0] < 0.8 < narrow[1] < wide[1]
    many = [(random.Random(n).randint(0, 99) / 99,) * 2 for n in range(20)]
    assert kappa_interval(many)[0] > 0  # type: ignore[arg-type]


def test_most_intervals_of_many_draws_hold_kappa() -> None:
    draw, cells, weights = random.Random(3), table_of(1, 1, 1, 1), (0.45, 0.05, 0.05, 0.45)
    held = 0
    for _ in range(20):
        low, high = kappa_interval(draw.choices(cells, weights, k=20))
        held += low <= 0.8 <= high
    assert held >= 16


def names_it(shown: Mapping[str, str]) -> bool:
    return shown["REFERENCE"] in shown["ANSWER"]


def fair(shown: Mapping[str, str]) -> str:
    return verdict(names_it(shown), f"It should be {shown['REFERENCE']}.")


def long_wins(shown: Mapping[str, str]) -> str:
    return verdict(names_it(shown) or len(shown["ANSWER"]) > 100)


def first_wins(shown: Mapping[str, str]) -> str:
    return verdict(names_it(shown) or list(shown).index("ANSWER") < list(shown).index("REFERENCE"))


def scorer_of(
    folder: Path, judges: Callable[[Mapping[str, str]], str | CallReply], **options: Any
) -> tuple[Scorer, ScriptedLLM, Any]:
    config = DomainConfig(name="table", path=str(capitals(folder)), matcher="judge", matcher_options=options)
    model = ScriptedLLM(lambda request: judges(material(request.messages[-1][1])))

    def ask(request: CallRequest) -> Any:
        from concurrent.futures import Future

        future: Future[CallReply] = Future()
        coroutine = model(request)
        try:
            coroutine.send(None)
        except StopIteration as done:
            future.set_result(done.value)
        return future

    domain = registry.make(config)
    return Scorer(domain, SandboxConfig(), ask), model, domain


def checked(
    folder: Path, judges: Callable[[Mapping[str, str]], str | CallReply], **options: Any
) -> JudgeCheck:
    scorer, _, domain = scorer_of(folder, judges, **options)
    try:
        return judge_check(domain, scorer)
    finally:
        scorer.close()


def labels(folder: Path, wrong: int = 0) -> str:
    """Given answers, half of them right, and verdicts of people, who differ from a fair judge on some."""
    path = folder / "labels.jsonl"
    rows = []
    for n in range(30):
        right = n % 2 == 0
        said = right != (n < wrong)
        question, city = f"Which is the capital of country {n}?", f"Town {n}!"
        given = city if right else "Nowhere"
        rows.append({"question": question, "answer": city, "given": given, "verdict": said})
    path.write_text("\n".join(map(json.dumps, rows)))
    return str(path)


def test_a_fair_judge_is_not_swayed(tmp_path: Path) -> None:
    found = checked(tmp_path, fair, labels=labels(tmp_path))
    assert (found.verbosity, found.position) == (Shaken(20), Shaken(20))
    assert found.calls == 60
    agreement, long, turned, cost = found.lines
    assert agreement.startswith(
        "judge: agrees with people on 20 of 20 given answers, drawn from 30, (100%; more lenient on 0, "
    )
    assert "Cohen's kappa 1.00, 95 % interval 0." in agreement
    assert long == "judge: with harmless sentences around the answer 0 of 20 verdicts change (0%)"
    assert turned == "judge: with the answer before the right one 0 of 20 verdicts change (0%)"
    assert cost == "judge: this took 60 verdicts of the budget"


def test_a_judge_that_likes_length_or_the_first_place_is_told(tmp_path: Path) -> None:
    long = checked(tmp_path, long_wins, labels=labels(tmp_path))
    wrong = sum(people == 0 for people, _ in long.pairs)
    assert long.verbosity == Shaken(20, up=wrong)
    assert f"{wrong} of 20 verdicts change" in long.lines[1]
    assert f"{wrong} up, 0 down" in long.lines[1]
    first = checked(tmp_path, first_wins, labels=labels(tmp_path))
    assert first.position == Shaken(20, up=sum(people == 0 for people, _ in first.pairs))
    assert first.verbosity == Shaken(20)


def test_where_people_say_otherwise_it_is_counted(tmp_path: Path) -> None:
    found = checked(tmp_path, fair, labels=labels(tmp_path, wrong=12))
    differ = Counter(found.pairs)
    data = found.data()
    assert data["accuracy"] == pytest.approx((differ[1.0, 1.0] + differ[0.0, 0.0]) / 20)
    assert data["accuracy"] < 1
    assert data["interval"][0] < data["kappa"] < data["interval"][1]
    assert sum(count for *_, count in data["pairs"]) == 20
    assert f"more lenient on {differ[0.0, 1.0]}, stricter on {differ[1.0, 0.0]}" in found.lines[0]


def test_little_agreement_is_called_so(tmp_path: Path) -> None:
    found = checked(tmp_path, lambda shown: verdict(True), labels=labels(tmp_path))
    assert "Cohen's kappa 0.00" in found.lines[0]
    assert found.lines[1].startswith("judge: that is little agreement: change the rubric")
    assert not any("little" in line for line in checked(tmp_path, fair, labels=labels(tmp_path)).lines)


def test_without_labels_nothing_is_known_of_its_agreement(tmp_path: Path) -> None:
    found = checked(tmp_path, fair)
    assert found.lines[0].startswith(
        "judge: nothing is known of its agreement with people: domain.matcher_opt"
    )
    assert found.lines[1] == (
        "judge: of 10 right answers it takes 10 for right, of 10 right answers to other questions 0"
    )
    assert found.verbosity == Shaken(20)


def test_no_test_item_is_sent_before_the_end_of_a_search(tmp_path: Path) -> None:
    rows = [
        {"question": f"What is the capital of land {n}?", "given": f"City {n}", "verdict": 1}
        for n in range(60)
    ]
    path = tmp_path / "own.jsonl"
    path.write_text("\n".join(map(json.dumps, rows)))
    for options in ({}, {"labels": str(path)}):
        scorer, model, domain = scorer_of(tmp_path, fair, **options)
        found = judge_check(domain, scorer)
        scorer.close()
        sent = " ".join(request.messages[-1][1] for request in model.requests)
        assert not any(item.question in sent for item in domain.items("test"))
        assert found.held_back == (len(domain.items("test")) if options else 0)
        assert any(item.question in sent for item in domain.items("train"))


def test_a_budget_that_ends_ends_the_check(tmp_path: Path) -> None:
    left = iter(range(10))

    def poor(shown: Mapping[str, str]) -> str | CallReply:
        if next(left, None) is None:
            return CallReply("", fault="budget", message="budget.calls=10 is used up")
        return fair(shown)

    found = checked(tmp_path, poor, labels=labels(tmp_path))
    assert len(found.pairs) == 10
    assert found.calls < 30
    assert "verdicts did not come (budget" in found.lines[-2]


def test_a_judge_that_cannot_be_read_is_at_fault_and_no_answer_scores_0(tmp_path: Path) -> None:
    scorer, model, domain = scorer_of(tmp_path, lambda shown: "Hm, hard to say.")
    item = domain.items("train")[0]
    with pytest.raises(ScorerFault, match="the judge's reply cannot be read: Hm") as caught:
        scorer.score(item, "x")
    assert caught.value.kind == "llm"
    scorer.close()
    assert model.calls >= 2
    assert {request.purpose for request in model.requests} == {"judge"}


def test_an_answer_that_alone_makes_the_judge_babble_scores_0(tmp_path: Path) -> None:
    """Else an agent could choose which of its items count."""
    scorer, _, domain = scorer_of(tmp_path, lambda shown: fair(shown) if "City" in shown["ANSWER"] else "Hm.")
    score = scorer.score(domain.items("train")[0], "babble")
    scorer.close()
    assert score.value == 0
    assert "cannot be read" in score.feedback


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_a_judge_without_any_verdict_ends_the_run(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(judging(lambda shown: "Hm.", solver)) as endpoint:
        words = overrides(capitals(own_folder), endpoint, "domain.matcher=judge", "run.confirm=false")
        assert cli.main(["evaluate", "direct", *words, "evaluate.items=4"]) == 2
    assert "the judge gave no verdict on any of 20 answers" in capsys.readouterr().err


def solver(prompt: str) -> str:
    """Knows the cities of even lands."""
    lands = re.findall(r"land (\d+)", prompt)
    return f"It is City {lands[-1]}" if lands and int(lands[-1]) % 2 == 0 else "I do not know"


def test_an_evaluation_is_judged_and_tells_how_good_its_judge_is(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint(judging(fair, solver)) as endpoint:
        words = overrides(
            capitals(own_folder),
            endpoint,
            *("domain.matcher=judge", "domain.matcher_options.rubric='It names the city.'", "run.dir=run"),
            *(f"domain.matcher_options.labels={labels(own_folder)}", "evaluate.items=8", "run.confirm=false"),
        )
        assert cli.main(["evaluate", "direct", *words]) == 0
        said = capsys.readouterr()
        out = said.out + said.err
        calls = endpoint.calls
        assert cli.main(["evaluate", "direct", *words]) == 0  # goes on: nothing is asked again
        assert endpoint.calls == calls
    assert "judge: agrees with people on 20 of 20 given answers, drawn from 30," in out
    assert "the judge's calls are among these: one an answer, and 60 try it before" in out
    assert "estimate: about 76 calls" in out
    judged = [r for r in endpoint.requests if "You judge one answer" in r.body["messages"][0]["content"]]
    assert len(judged) == 60 + 8 + 2  # and two right answers, as every scorer is tried
    with Archive(own_folder / "run") as archive:
        assert archive.meta("judge")["calls"] == 60
        assert archive.usage()["judge"].calls == len(judged)
        (record,) = archive.agents()
        results = archive.results(record.agent.id, "test", trace=False)
    assert {(r.score, r.answer.startswith("It is")) for r in results} == {(1.0, True), (0.0, False)}
    assert all(
        r.feedback == f"It should be City {n}." for r in results if (n := r.feedback[18:-1]) and not r.score
    )
    assert cli.main(["report", "run"]) == 0
    assert "judge: agrees with people on 20 of 20" in capsys.readouterr().out
    assert "agrees with people on 20 of 20" in page_text(own_folder / "run" / "report.html")


def test_rows_with_a_judge_stand_beside_rows_that_a_library_compares(own_folder: Path) -> None:
    path = own_folder / "mixed.jsonl"
    rows = [
        {"question": f"What is the capital of land {n}?", "answer": f"City {n}", "matcher": "judge"}
        if n % 2
        else {"question": f"What is half of land {n}?", "answer": rf"\\frac{{{n}}}{{2}}", "matcher": "math"}
        for n in range(60)
    ]
    path.write_text("\n".join(map(json.dumps, rows)))

    def solves(prompt: str) -> str:
        n = re.findall(r"land (\d+)", prompt)[-1] if "land" in prompt else "0"
        return rf"$\\frac{{{n}}}{{2}}$" if "half" in prompt else f"It is City {n}"

    with CountingEndpoint(judging(fair, solves)) as endpoint:
        words = overrides(path, endpoint, "evaluate.items=12", "run.confirm=false", "run.dir=run")
        assert cli.main(["evaluate", "direct", *words]) == 0
    with Archive(own_folder / "run") as archive:
        (record,) = archive.agents()
        results = archive.results(record.agent.id, "test", trace=False)
        judged = archive.usage()["judge"].calls - archive.meta("judge")["calls"]
    assert [r.score for r in results] == [1.0] * 12
    assert 0 < judged < 12


@pytest.mark.slow
def test_a_search_is_judged_and_replays_without_any_endpoint(
    own_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rubric, people = own_folder / "rubric.md", Path(labels(own_folder))
    rubric.write_text("It names the city.")
    with CountingEndpoint(judging(fair, solver)) as endpoint:
        words = overrides(
            capitals(own_folder),
            endpoint,
            *(f"domain.matcher_options.rubric={rubric}", f"domain.matcher_options.labels={people}"),
            *(
                "domain.matcher=judge",
                "run.confirm=false",
                "llm.mode=record",
                "author=composer",
                "search.candidates=2",
            ),
            *("search.seeds=[direct]", "evaluate.items=4", "evaluate.test_items=4", "run.dir=first"),
            *("search.finalists=1", "budget.calls=400"),
        )
        assert cli.main(["run", *words]) == 0
    assert "judge: agrees with people on 13 of 13 given answers, drawn from 30," in capsys.readouterr().out
    for file in (rubric, people, own_folder / "capitals.jsonl"):
        file.unlink()
    again = ["llm.mode=replay", "llm.recording=first", "run.dir=second"]
    assert cli.main(["run", *again]) == 0
    with Archive(own_folder / "first") as first, Archive(own_folder / "second") as second:
        assert first.meta("judge") == second.meta("judge")
        assert [a.agent.id for a in first.agents()] == [a.agent.id for a in second.agents()]
