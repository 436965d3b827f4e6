"""Whose fault it is where a scorer fails: retried, left out, or the answer's own 0."""

from __future__ import annotations

import json
import re
import shlex
import urllib.error
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import Future
from email.message import Message
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import meta_search
from domains import registry
from domains.domain import Domain, Item, Score
from meta_search import cli
from meta_search.config import DomainConfig, SandboxConfig
from meta_search.errors import DomainError
from meta_search.llm.gateway import Gateway
from meta_search.run import domain_scorer
from meta_search.run.domain_scorer import Scorer, ScorerFault
from meta_search.run.scorer_health import ScorerHealth
from meta_search.testing import CountingEndpoint, Fault
from meta_search.types import CallReply, CallRequest, FaultKind, ItemResult
from tests.kits.answers import always, as_asked
from tests.kits.searches import assert_replays, overrides

# Labels, one of which the scorer has forgotten.
BUGGY = '''"""Labels."""
KNOWN = {"a": "a", "b": "b", "c": "c"}  # forgot d
LABELS = "abcabcabcd"

def items(split):
    return [{"question": f"Label of {split} {n}?", "answer": LABELS[n]} for n in range(10)]

def score(item, answer):
    return KNOWN[answer.strip().lower()] == item.target
'''
JUDGED = '''"""Replies to customers."""
def items(split):
    return [{"question": f"Reply to {split} {n}."} for n in range(8)]

def score(item, answer, ask):
    return "yes" in ask(f"Is this polite? {item.id}: {answer}", max_tokens=5).lower()
'''
CONSTANT = "def forward(self, taskInfo):\n    return {!r}\n"


def confined(folder: Path, source: str) -> Scorer:
    path = folder / "mine.py"
    path.write_text(source)
    return Scorer(registry.make(DomainConfig(name="python", path=str(path))), SandboxConfig())


def label(split: str, n: int) -> Item:
    return Item(f"{split}-{n}", f"Label of {split} {n}?", "abcabcabcd"[n])


@pytest.fixture(scope="module")
def buggy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scorer]:
    scorer = confined(tmp_path_factory.mktemp("buggy"), BUGGY)
    yield scorer
    scorer.close()


def test_an_answer_that_makes_a_confined_scorer_raise_is_its_own_zero(buggy: Scorer) -> None:
    line = "score failed: mine.py:9: KeyError: 'foo'"
    assert buggy.score(label("train", 0), "foo") == Score(0.0, line)
    assert buggy.score(label("train", 0), "d").value == 0.0  # wrong there, and the scorer works on it
    assert buggy.score(label("train", 0), "a") == Score(1.0)


@pytest.mark.parametrize("first", ["d", "foo", "D "])
def test_an_item_whose_own_answer_is_not_scored_is_left_out_for_every_answer(
    tmp_path: Path, first: str
) -> None:
    scorer = confined(tmp_path, BUGGY)
    try:
        for answer in (first, "a", "d"):
            with pytest.raises(ScorerFault, match=r"mine.py:9: KeyError") as caught:
                scorer.score(label("test", 9), answer)
            assert caught.value.kind == "scorer"
    finally:
        scorer.close()


@pytest.mark.parametrize("where", ["", "confined = False\n"])
@pytest.mark.parametrize("fault", ["llm", "declined", "cut", "context"])
def test_an_answer_that_the_judge_alone_does_not_take_is_a_zero(
    tmp_path: Path, where: str, fault: FaultKind
) -> None:
    """A filter, a prompt that it never comes to an end over, one that is too long: others are judged."""
    down = False

    def ask(request: CallRequest) -> Future[CallReply]:
        made: Future[CallReply] = Future()
        fails = down or "bomb" in request.messages[-1][1]
        made.set_result(CallReply("", fault=fault, message="filtered") if fails else CallReply("yes"))
        return made

    path = tmp_path / "mine.py"
    path.write_text(JUDGED.replace("def items", f"{where}def items"))
    scorer = Scorer(registry.make(DomainConfig(name="python", path=str(path))), SandboxConfig(), ask)
    item = Item("train-0", "Reply to train 0.", "")
    zero = Score(
        0.0, f"the judge got no answer: filtered{'; give ask(…, max_tokens=…) more room' * (fault == 'cut')}"
    )
    try:
        assert scorer.score(item, "a bomb") == zero
        assert scorer.score(item, "Dear Sir") == Score(1.0)
        assert scorer.score(item, "a bomb") == zero
        down = True
        for answer in ("a bomb", "Dear Madam"):
            with pytest.raises(ScorerFault) as caught:
                scorer.score(item, answer)
            assert caught.value.kind == ("llm" if fault in ("llm", "declined") else "scorer")
    finally:
        scorer.close()


class Here:
    """A domain whose scorer runs in this process, as a judge of the user's own does."""

    name, brief, wording, concurrency = "here", "b", {}, 2

    def __init__(self, fails: Sequence[Exception | None], target: str = "") -> None:
        self.fails, self.asked = list(fails), 0
        self.item = Item("i", "?", target)

    def items(self, split: str) -> Sequence[Item]:
        return [self.item]

    def try_score(self, item: Item, answer: str) -> Score:
        self.asked += 1
        fault = self.fails.pop(0) if self.fails else None
        if fault is not None:
            raise fault
        return Score(1.0, "liked")

    score = try_score


def here(*fails: Exception | None, target: str = "") -> tuple[Scorer, Here]:
    domain = Here(fails, target)
    found: Domain = domain  # type: ignore[assignment]
    return Scorer(found, SandboxConfig()), domain


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Tries again at once."""
    monkeypatch.setattr(domain_scorer, "PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr(domain_scorer, "NETWORK_S", 0.0)
    monkeypatch.setattr("meta_search.run.service.Gateway", partial(Gateway, backoff_s=0.02))


def status(code: int) -> Exception:
    return urllib.error.HTTPError("http://judge", code, "no", Message(), None)


@pytest.mark.parametrize(
    "fault", [RuntimeError("HTTP 429 from the judge"), status(503), TimeoutError(), ValueError("no number")]
)
def test_a_judge_that_fails_now_and_then_is_asked_again(fault: Exception) -> None:
    scorer, domain = here(fault, fault)
    assert scorer.concurrency == 2
    assert scorer.score(domain.item, "x") == Score(1.0, "liked")
    assert domain.asked == 3


@pytest.mark.parametrize("fault", [RuntimeError("HTTP 429 from the judge"), status(429), ConnectionError()])
def test_a_network_that_stays_away_is_no_answers_fault(fault: Exception) -> None:
    scorer, domain = here(None, *[fault] * 5)
    assert scorer.score(domain.item, "liked by the judge").value == 1.0
    with pytest.raises(ScorerFault) as caught:
        scorer.score(domain.item, "x")
    assert caught.value.kind == "scorer"
    assert domain.asked == 1 + 4 + 1  # it was away for another answer too


def test_an_answer_cannot_say_that_a_network_failed() -> None:
    """An agent must not choose which items count: its words in the exception are no network's."""
    scorer, domain = here(None, *[RuntimeError("cannot read '429 too many requests'")] * 3)
    assert scorer.score(domain.item, "good").value == 1.0
    scored = scorer.score(domain.item, "429 too many requests")
    assert scored.value == 0.0
    assert "cannot read" in scored.feedback
    assert domain.asked == 1 + 3 + 1  # it was tried with the other answer


def test_a_judge_that_raises_on_any_answer_is_the_scorers_fault() -> None:
    scorer, domain = here(*[ValueError("no number in 'ten'")] * 4)
    with pytest.raises(ScorerFault, match="no number"):
        scorer.score(domain.item, "x")
    assert scorer.score(domain.item, "x").value == 1.0  # and it is not held against the item


class Picky(Here):
    """Fails on one answer, always, and takes any other."""

    def __init__(self, fault: BaseException) -> None:
        super().__init__(())
        self.fault = fault

    def try_score(self, item: Item, answer: str) -> Score:
        if answer == "bomb":
            raise self.fault
        return Score(1.0)


@pytest.mark.parametrize(
    "fault",
    [
        TimeoutError("the check took too long"),
        ConnectionResetError("peer"),
        MemoryError(),
        RecursionError("maximum recursion depth"),
        UnicodeEncodeError("utf-8", "\udc80", 0, 1, "surrogates not allowed"),
        SystemExit(1),
        status(503),
        status(400),
    ],
)
def test_whatever_an_answer_does_to_a_scorer_it_does_not_leave_its_item_out(fault: BaseException) -> None:
    """A scorer's own time-out looks like a network's: so it was left out, while others were scored."""
    domain = Picky(fault)
    found: Domain = domain  # type: ignore[assignment]
    scorer = Scorer(found, SandboxConfig())
    assert scorer.score(domain.item, "bomb").value == 0.0
    assert scorer.score(domain.item, "else").value == 1.0


@pytest.mark.parametrize("down", [6, 8])
def test_a_network_that_comes_and_goes_costs_no_answer_its_score(down: int) -> None:
    """It fails five times, lets another answer through, and fails once or twice more."""
    fails: list[Exception | None] = [status(429)] * 4 + [None, status(429)] * ((down - 4) // 2)
    scorer, domain = here(*fails)
    assert scorer.score(domain.item, "x").value == 1.0


def test_a_run_stops_where_more_than_five_per_cent_have_no_score() -> None:
    def result(kind: str) -> ItemResult:
        return ItemResult("a", "train", "i", 0, kind, detail="KeyError")  # type: ignore[arg-type]

    few = ScorerHealth()
    assert not any(few.count(result(kind)) for kind in ["scorer"] * 4 + ["ok"] * 6)
    assert few.line == "the scorer failed on 4 of 10 answers (40%): KeyError"
    assert few.count(result("scorer"))
    many = ScorerHealth()
    assert not any(many.count(result(kind)) for kind in ["ok"] * 200 + ["scorer"] * 10 + ["llm", "budget"])


def test_a_scorer_that_raises_on_everything_is_one_line_before_anything_is_paid(tmp_path: Path) -> None:
    with pytest.raises(DomainError, match=r"score failed: mine.py:9: KeyError: 'a'"):
        confined(tmp_path, BUGGY.replace('{"a": "a", "b": "b", "c": "c"}', "{}"))


def evaluated(source: str, answer: str, endpoint: CountingEndpoint | str, *more: str) -> dict[str, Any]:
    Path("mine.py").write_text(source)
    Path("agent.py").write_text(CONSTANT.format(answer))
    (row,) = meta_search.evaluate("agent.py", *overrides("mine.py", endpoint, *more, domain="python"))
    return dict(row)


FLAKY = JUDGED.replace(", ask)", ")").replace(
    '    return "yes" in ask(f"Is this polite? {item.id}: {answer}", max_tokens=5).lower()',
    '    N[0] += 1\n    if N[0] > 6 and N[0] % 2:\n        raise RuntimeError("HTTP 429 from the judge")\n'
    "    return True\nconfined, N = False, [0]",
)


def test_a_rate_limited_judge_costs_no_answer_its_score(folder: Path) -> None:
    with CountingEndpoint() as endpoint:
        row = evaluated(FLAKY, "hello", endpoint)
    assert (row["score"], row["items"], row["outcomes"]) == (1.0, 8, {"ok": 8})


def test_an_evaluation_tells_what_its_scorer_failed_on(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with CountingEndpoint() as endpoint:
        row = evaluated(BUGGY, "a", endpoint)
        assert "mine.py:9: KeyError: 'd'" in row["hint"]
        assert cli.main(["evaluate", "agent.py", *overrides("mine.py", endpoint, domain="python")]) == 0
    # At the start, when it came, and below the table.
    assert capsys.readouterr().out.count("KeyError: 'd'") == 3
    assert (row["items"], row["outcomes"]) == (9, {"ok": 9, "scorer": 1})
    assert row["score"] == pytest.approx(3 / 9)


@pytest.mark.slow
def test_a_search_stops_in_good_order_and_is_had_again_once_the_scorer_is_mended(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = BUGGY.replace("abcabcabcd", "dbcabcabcd")
    Path("mine.py").write_text(source)
    more = ("author=composer", "search.seeds=[direct,chain_of_thought]", "search.candidates=2", "run.dir=run")
    sizes = "domain.sizes={examples:1,train:10,validation:2,test:2}"
    with CountingEndpoint(always("a")) as endpoint:
        assert cli.main(["run", *overrides("mine.py", endpoint, *more, sizes, domain="python")]) == 3
        shown = capsys.readouterr().out
        line = "search ended: the scorer failed on 5 of"
        assert line in shown
        assert "meta-search resume run" in shown
        with meta_search.open_run("run") as archive:
            assert archive.meta("end")["why"] == "scorer"
            results = [r for a in archive.agents() for r in archive.results(a.agent.id, "train")]
        assert {r.item for r in results} <= {f"train-{n}" for n in range(1, 9)}
        assert cli.main(["status", "run"]) == 0
        shown = capsys.readouterr().out
        assert line in shown
        assert "alarm: the scorer failed on 5 of" in shown
        Path("mine.py").write_text(source.replace('"c": "c"}', '"c": "c", "d": "d"}'))
        capsys.readouterr()
        assert cli.main(["resume", "run"]) == 2  # another scorer: scores would mix
        [command] = re.findall("`(meta-search run .*)`", capsys.readouterr().err)
        paid = endpoint.calls
        assert cli.main([*shlex.split(command)[1:], "run.dir=mended"]) == 0
        assert endpoint.calls > paid  # for the items that the first one did not come to
    with meta_search.open_run("mended") as archive:
        assert archive.meta("end")["why"] in ("candidates", "nothing new")
        assert archive.meta("status") == "done"
        items = {r.item for a in archive.agents() for r in archive.results(a.agent.id, "train")}
    assert items == {f"train-{n}" for n in range(10)}
    assert_replays("mended")


def polite(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    asked = str(messages[-1]["content"])
    if "Is this polite?" in asked:
        return "Yes." if "please" in asked else "No."
    return as_asked(body, "please" if "Think" in str(messages) or "step" in str(messages) else "go away")


@pytest.mark.slow
def test_a_judge_goes_through_the_gateway_and_a_search_with_it_replays(folder: Path) -> None:
    Path("mine.py").write_text(JUDGED)
    with CountingEndpoint(polite, latency_s=0.02) as endpoint:
        more = (
            *("author=composer", "search.candidates=1", "run.dir=run", "llm.mode=record"),
            *("llm.judge.model=arbiter", "evaluate.items=6", "evaluate.test_items=4"),
        )
        words = overrides(
            "mine.py", endpoint, *more, "search.seeds=[direct,chain_of_thought]", domain="python"
        )
        assert cli.main(["run", *words]) == 0
        judged = [r for r in endpoint.requests if r.body.get("model") == "arbiter"]
        together = max(sum(a.start <= b.start < a.end for a in judged) for b in judged)
    with meta_search.open_run("run") as archive:
        assert archive.usage()["judge"].calls == len(judged) > 8
        scores = {r.score for a in archive.agents() for r in archive.results(a.agent.id, "train")}
    assert scores == {0.0, 1.0}
    assert together >= 2
    assert all(r.body["max_tokens"] == 5 for r in judged)
    assert_replays()


def faulty(index: int, body: Mapping[str, Any]) -> Fault | None:
    asked = json.dumps(body)
    return Fault("status", status=400, message="refused") if "Is this polite? test-3" in asked else None


@pytest.mark.parametrize("confined", ["", "confined = False\n"])
def test_what_a_judges_endpoint_refuses_has_no_score(folder: Path, confined: str) -> None:
    with CountingEndpoint(polite, faults=faulty) as endpoint:
        row = evaluated(JUDGED + confined, "please", endpoint, "llm.max_retries=0")
    assert (row["score"], row["items"], row["outcomes"]) == (1.0, 7, {"ok": 7, "llm": 1})
    assert not row["complete"]  # more than 5 % came to no score
    assert "llm: the judge got no answer" in row["hint"]


def test_a_judge_keeps_to_the_budget(folder: Path) -> None:
    with CountingEndpoint(polite) as endpoint:
        row = evaluated(JUDGED, "please", endpoint, "budget.calls=3")
        assert sum("polite" in json.dumps(r.body) for r in endpoint.requests) <= 3
    assert row["items"] < 8


WRECKED = '''"""Sums."""
import json, os, signal

def items(split):
    return [{"question": f"What is {n} + {split}?", "answer": "5"} for n in range(2)]

def score(item, answer):
    if answer == "die":
        os.kill(os.getpid(), signal.SIGKILL)
    made = {"hang": lambda: [None for _ in iter(int, 1)], "fill": lambda: "a" * 2**33, "exit": exit,
            "nan": lambda: float("nan"), "big": lambda: 10**400}
    return made.get(answer, lambda: json.loads(answer) == 5)()
'''


def test_no_answer_wrecks_a_confined_scorer_so_that_its_item_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(WRECKED)
    domain = registry.make(DomainConfig(name="python", path=str(path)))
    scorer = Scorer(domain, SandboxConfig(wall_s=0.5))
    item = domain.items("train")[0]
    try:
        for answer in (
            "die",
            "hang",
            "fill",
            "nan",
            "big",
            "exit",
            "[" * 30_000,
            "9" * 60_000,
            "\udc80",
            "NaN",
        ):
            assert scorer.score(item, answer).value == 0.0, answer[:9]
        assert scorer.score(item, "5").value == 1.0
    finally:
        scorer.close()
