"""Baselines at matched cost: how many samples, and what the compiled agents do in the sandbox."""

from __future__ import annotations

import ast
import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

import pytest

from meta_search.agent.seeds import NAMES
from meta_search.final.baselines import matched, sampled
from meta_search.final.reserve import affordable
from meta_search.llm.budget import Left
from meta_search.run.members import Member
from meta_search.types import Agent, Brief, CallRequest, Candidate, ItemResult, Usage
from tests.kits.sandboxed_agents import SEEDS, House

VOTE, CHOICE = "self-consistency", "best-of-n"


def member(name: str, tokens: Sequence[int] = (), source: str = "", calls: int = 1) -> Member:
    """An agent that used so many tokens on its train items."""
    source = source or f"def forward(self, taskInfo):\n    return {name!r}\n"
    made = Member(Candidate(Agent.of(name, source), Brief(0, "seed", "hand", kind="seed")), seed=True)
    for i, n in enumerate(tokens):
        used = Usage(calls, n - 1, 1, n / 1000)
        made.add(ItemResult(made.agent.id, "train", f"i{i}", 0, "ok", score=1.0, used=used))
    return made


def seed(name: str) -> Member:
    return member(name, source=(SEEDS / f"{name}.py").read_text(encoding="utf-8"))


@pytest.fixture(scope="module")
def house() -> Iterator[House]:
    with House() as house:
        yield house


def replies(texts: Sequence[str], choice: str = "1") -> Callable[[CallRequest], str]:
    """One text for each sample in turn, and what is chosen."""
    left = iter(texts)

    def script(request: CallRequest) -> str:
        return choice if "answers is right" in request.messages[-1][1] else next(left)

    return script


@pytest.mark.parametrize(
    ("mine", "samples"),
    [(100, []), (149, []), (150, [2]), (249, [2]), (251, [3, 2]), (500, [5, 4]), (9_000, [25, 24])],
)
def test_the_number_of_samples_is_the_ratio_of_costs_rounded(mine: int, samples: list[int]) -> None:
    found = matched(member("found", [mine] * 4), member("direct", [100] * 4), calls=128)
    names = [b.member.agent.name for b in found.baselines]
    forms = ("self-consistency ({} × direct)", "best-of-{} (direct)")
    assert names == [form.format(n) for form, n in zip(forms, samples, strict=False)]
    assert ("itself is the baseline at matched cost" in found.note) == (not samples)


def test_costs_are_compared_on_the_items_that_both_have_run() -> None:
    """The seed ran four items, the finalist the two dear ones only: 900 to 300, not 900 to 165."""
    dear = member("direct", [300, 300, 30, 30])
    found = matched(member("found", [900, 900]), dear, calls=128)
    assert found.baselines[0].times == 3
    assert found.baselines[0].per_item() == pytest.approx((3.0, 3 * 165, 3 * 0.165))


def test_samples_stay_within_the_calls_of_an_item() -> None:
    debate = member("debate", [100] * 3, calls=7)
    assert [b.times for b in matched(member("found", [2_000] * 3), debate, calls=30).baselines] == [4, 4]
    assert not matched(member("found", [2_000] * 3), debate, calls=8).baselines
    free = matched(member("found", [2_000]), member("lookup", [0], calls=0), calls=128)
    assert "nothing to sample" in free.note


def test_a_baseline_is_the_seed_word_for_word_under_another_name() -> None:
    made = sampled(seed("direct"), VOTE, 5)
    assert made.brief.operator == "baseline"
    assert not made.brief.parents  # or the seed would count as a parent with a child more
    body = seed("direct").agent.source.split('"""')[2].replace("def forward(", "def one_sample(").strip()
    assert body in made.agent.source
    assert sampled(seed("direct"), VOTE, 6).agent.id != made.agent.id


@pytest.mark.parametrize("way", [VOTE, CHOICE])
@pytest.mark.parametrize("name", NAMES)
def test_names_of_a_seed_and_of_the_sampling_do_not_clash(name: str, way: str) -> None:
    tree = ast.parse(sampled(seed(name), way, 3).agent.source)
    names = [n.name for n in tree.body if isinstance(n, ast.FunctionDef | ast.ClassDef)]
    names += [ast.unparse(n.targets[0]) for n in tree.body if isinstance(n, ast.Assign)]
    assert [name for name, number in Counter(names).items() if number > 1] == []


@pytest.mark.parametrize("way", [VOTE, CHOICE])
def test_every_seed_can_be_sampled(house: House, way: str) -> None:
    sources = [sampled(seed(name), way, 2).agent.source for name in NAMES]

    def script(request: CallRequest) -> str:
        fields = (request.schema or {}).get("properties", {})
        return json.dumps(dict.fromkeys(fields, "18")) if fields else "```python\nprint(18)\n```"

    for name, result in zip(NAMES, house.run_all(sources, script), strict=True):
        assert result.kind == "ok", f"{name}: {result.detail}"
        assert "18" in result.answer, name
    assert all(r.temperature >= 0.5 for r in house.llm.requests if r.author != "Chooser")


def test_the_most_frequent_answer_wins_whatever_its_form(house: House) -> None:
    source = sampled(seed("direct"), VOTE, 5).agent.source
    result = house.run(source, replies(["7", "1,234", "7.5", "1234", "**1234.**"]))
    assert (result.answer, result.used.calls) == ("1,234", 5)
    assert {r.temperature for r in house.llm.requests} == {0.5}  # the seed asks at 0.1
    assert house.run(source, replies(["", "Error: x", "Error: x", "9", ""])).answer == "9"
    assert house.run(source, replies([""] * 5)).answer == ""
    assert len({r.occurrence for r in house.llm.requests}) == 5  # each is a draw of its own


def test_the_model_chooses_among_distinct_answers(house: House) -> None:
    source = sampled(seed("direct"), CHOICE, 4).agent.source
    result = house.run(source, replies(["5", "6", "5", "8"], choice="I think 3."))
    assert (result.answer, result.used.calls) == ("8", 5)
    asked = house.llm.requests[-1]
    assert asked.temperature == 0.0
    assert "1. (given 2 times) 5\n2. (given once) 6\n3. (given once) 8\n" in asked.messages[-1][1]
    for nonsense in ("none", "9", "0"):
        assert house.run(source, replies(["6", "5", "5", "8"], choice=nonsense)).answer == "5"
    agreed = house.run(source, replies(["5"] * 4))
    assert (agreed.answer, agreed.used.calls) == ("5", 4)  # nothing to choose from
    long = house.run(source, replies([c * 9_000 for c in "abcd"], choice="2"))
    assert long.answer == "b" * 9_000
    assert len(house.llm.requests[-1].messages[-1][1]) < 7_000


def test_a_failing_sample_is_no_vote(house: House) -> None:
    source = (
        "def forward(self, taskInfo):\n"
        "    [answer] = LLMAgentBase(['answer'], 'Solver')([taskInfo], 'Reply.')\n"
        "    return str(10 // int(answer.content))\n"
    )
    made = sampled(member("fragile", source=source), VOTE, 3)
    result = house.run(made.agent.source, replies(["0", "x", "5"]))
    assert (result.kind, result.answer) == ("ok", "2")


def test_what_is_affordable_follows_the_scarcest_limit() -> None:
    each = [(1.0, 100.0, 0.0), (5.0, 500.0, 0.0)]
    assert affordable(Left(calls=75, tokens=75_000, usd=None, wall_s=None), each) == [10, 100]
    assert affordable(Left(calls=None, tokens=None, usd=1.0, wall_s=None), each) == []
