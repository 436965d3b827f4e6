"""Several meta models: the guide learns which one pays, and archives, budget, replay and resume know them."""

from __future__ import annotations

import json
import sqlite3
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

import meta_search
from meta_search import cli
from meta_search.compose import compose
from meta_search.config import Config, from_mapping, to_mapping
from meta_search.errors import ConfigError
from meta_search.guide.guide import Guide, Snapshot
from meta_search.guide.opening import Choices
from meta_search.llm.models import find
from meta_search.run.model_servers import start_servers
from meta_search.run.secrets import HIDDEN, check_addresses, stored
from meta_search.run.service import endpoints_for
from meta_search.testing import CountingEndpoint
from meta_search.text import mapping_text
from meta_search.types import Brief
from tests.kits.answers import adds_below
from tests.kits.pages import page_view
from tests.kits.searches import assert_same, command, replay, tables, written_search

GOOD = """Name: Good {n}
Thought: it asks as the task model likes it.
```python
def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Good {n}", temperature=0.{n})
    return solver([taskInfo], "Reply with only the number. Please do. {n}")[0]
```"""
BAD = GOOD.replace("Good", "Bad").replace("Please do", "Or do not")
BOTH = {"llm": ("a", "b")}
adds, knows = adds_below(4), adds_below(13)


def answers(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """`b` writes agents that are better than the seed, `a` such as are not; both cost the same."""
    text = messages[-1]["content"]
    if body["model"] in ("a", "b"):
        form = GOOD if body["model"] == "b" else BAD
        return form.format(n=body["seed"] % 10_007)
    return knows(messages, body) if "Please do" in text else adds(messages, body)


WORDS = (
    *("author=llm", "author.formats=[program]", "author.reflexions=0", "search.operators=[novel,mutate]"),
    *("search.seeds=[direct]", "run.dir=run", "domain.seed=2", "evaluate.racing=false"),
)
PRICES = "llm.prices={a:{input:1,output:4},b:{input:2,output:8},solver:{input:0.1,output:0.4}}"


@pytest.fixture
def endpoint() -> Iterator[CountingEndpoint]:
    with CountingEndpoint(answers) as found:
        yield found


def words(folder: Path, endpoint: CountingEndpoint, *more: str) -> list[str]:
    return written_search(folder, endpoint, *WORDS, "llm.meta.models=[a,b]", *more)


def asked(run: str = "run") -> list[tuple[int, str]]:
    with meta_search.open_run(run) as archive:
        return [(e.data["brief"], e.data.get("model", "")) for e in archive.events("ask")]


# -- the guide


def models_asked(guide: Guide, briefs: int, worth: Mapping[str, float], seed: int) -> list[str]:
    """Ask and tell, with some noise that depends on the number alone."""
    found = []
    for _ in range(briefs):
        brief = guide.ask().brief
        found.append(brief.model)
        noise = ((brief.number * 7919 + seed * 104729) % 100 - 50) / 500
        guide.tell(brief.number, worth[brief.model] + noise)
    return found


@pytest.mark.parametrize("pays", ["a", "b"])
def test_after_thirty_briefs_the_model_that_pays_is_asked_more_often(pays: str) -> None:
    worth = {"a": -0.05, "b": -0.05} | {pays: 0.15}
    late: Counter[str] = Counter()
    for seed in range(10):
        guide = Guide(seed, Choices(("novel", "mutate"), ("llm",), ("program",), models=BOTH))
        late.update(models_asked(guide, 50, worth, seed)[30:])
    assert late.total() == 200
    assert late[pays] > 130  # by chance 100 ± 14 (two standard deviations)


def test_only_those_who_ask_a_model_are_given_one() -> None:
    guide = Guide(1, Choices(("novel", "tune"), ("llm", "composer"), ("program",), models=BOTH))
    briefs = []
    for _ in range(40):
        briefs.append(guide.ask().brief)
        guide.tell(briefs[-1].number, 0.0)
    assert {(b.author, bool(b.model)) for b in briefs} == {("llm", True), ("composer", False)}


def test_in_the_opening_each_has_its_turn() -> None:
    operators, authors = ("novel", "mutate"), ("llm", "composer")
    guide = Guide(1, Choices(operators, authors, ("program",), models=BOTH))
    opening = [guide.ask().brief for _ in range(3)]
    assert [(b.author, b.model) for b in opening] == [("llm", "a"), ("composer", ""), ("llm", "b")]


def test_with_one_model_the_studies_are_what_they_were() -> None:
    plain, given = (
        Guide(3, Choices(("novel",), ("llm",), ("plan",), models=models)) for models in ({}, {"llm": ()})
    )
    for guide in (plain, given):
        for _ in range(12):
            number = guide.ask().brief.number
            guide.tell(number, number / 100)
    exported = [[guide.briefs.export(n) for n in range(12)] for guide in (plain, given)]
    assert exported[0] == exported[1]
    assert not any("model" in params for params in exported[0])


def test_a_study_that_is_rebuilt_asks_the_same() -> None:
    one = Guide(5, Choices(("novel", "mutate"), ("llm",), ("program",), models=BOTH))
    models_asked(one, 14, {"a": 0.0, "b": 0.2}, 5)
    rows = [(n, one.briefs.export(n), [0.1 * (n % 3)]) for n in range(14)]
    found = []
    for _ in range(2):
        again = Guide(5, Choices(("novel", "mutate"), ("llm",), ("program",), models=BOTH))
        again.restore(Snapshot(told={"briefs": rows}, asked=14))
        found.append([again.ask().brief for _ in range(4)])
    assert found[0] == found[1]


# -- briefs and configuration


def test_older_briefs_are_read_and_written_as_they_were() -> None:
    plain = Brief(3, "novel", "llm")
    assert "model" not in plain.to_json()
    assert Brief.from_json(plain.to_json()) == plain
    chosen = Brief(3, "novel", "llm", model="b")
    assert Brief.from_json(json.loads(json.dumps(chosen.to_json()))) == chosen


def configured(*more: str) -> Config:
    base = ("llm=endpoint", "llm.base_url=http://127.0.0.1:1/v1", "llm.task.model=t")
    return compose([*base, *more])


def test_models_are_spelled_out_and_the_first_is_the_meta_model() -> None:
    entry = '{name:b-low,model:b,base_url:"http://127.0.0.1:2/v1",extra:{reasoning_effort:low}}'
    config = configured(f"llm.meta.models=[a,{entry},b]", "llm.meta.extra={x:1}")
    assert (config.llm.meta.model, list(config.llm.meta_models)) == ("a", ["a", "b-low", "b"])
    low, other = config.llm.meta_models["b-low"], config.llm.meta_models["b"]
    assert (low.model, low.base_url, low.extra) == ("b", "http://127.0.0.1:2/v1", {"reasoning_effort": "low"})
    assert (other.base_url, other.extra) == (None, {"x": 1})
    kept = from_mapping(json.loads(json.dumps(to_mapping(config))))
    assert kept.llm.meta_models == config.llm.meta_models
    endpoints = endpoints_for(to_mapping(config), {})
    assert set(endpoints) == {"meta", "task", "judge", "meta:a", "meta:b-low", "meta:b"}
    assert endpoints["meta"] == endpoints["meta:a"] == endpoints["judge"]
    assert endpoints["meta:b-low"].base_url != endpoints["meta:b"].base_url


def test_one_entry_is_a_meta_model_as_ever() -> None:
    assert configured("llm.meta.models=[a]") == configured("llm.meta.model=a")


@pytest.mark.parametrize(
    ("word", "told"),
    [
        ("llm.meta.models=[a,a]", "holds a twice"),
        ("llm.meta.models=[a,{name:x}]", "names no model"),
        ("llm.meta.models=[a,{model:b,colour:red}]", "unknown key colour"),
        ("llm.meta.models=[a,{model:b,extra:5}]", "its extra a mapping"),
        ("+llm.task.models=[a,b]", "llm.task.models"),
    ],
)
def test_lists_that_cannot_be_used_are_one_line(word: str, told: str) -> None:
    with pytest.raises(ConfigError, match=told) as caught:
        configured("llm.meta.model=m", word)
    assert "\n" not in str(caught.value)


def test_keys_and_passwords_of_every_model_are_looked_at() -> None:
    typed = configured("llm.meta.models=[a,{model:b,extra:{api_key:sk-0123456789}}]")
    assert "sk-0123456789" not in json.dumps(stored(typed))
    assert HIDDEN in json.dumps(stored(typed))
    with pytest.raises(ConfigError, match=r"llm.meta.models \(b\) holds a password"):
        check_addresses(configured('llm.meta.models=[a,{model:b,base_url:"http://me:pw@host/v1"}]'))


# -- searches


@pytest.mark.slow
def test_a_search_with_two_models_is_recorded_shown_and_replayed(
    folder: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["run", *words(folder, endpoint, "search.candidates=8", PRICES)]) == 0
    models = dict(asked())
    assert set(models.values()) == {"a", "b"}
    with meta_search.open_run("run") as archive:
        for record in archive.agents():
            if record.author == "llm" and record.brief is not None:
                assert record.agent.name.startswith("Good" if record.brief.model == "b" else "Bad")
        costs = [e.data for e in archive.events("delivery") if "brief" in e.data]
        assert all(data["cost_usd"] > 0 for data in costs)
        calls = archive.meta("prices")
    assert set(calls) == {"a", "b", "solver"}
    with sqlite3.connect("run/archive.db") as database:
        sent = database.execute("SELECT model, agent FROM calls WHERE purpose = 'meta'").fetchall()
    assert {(model, models[int(agent.removeprefix("brief-"))]) for model, agent in sent} == {
        ("a", "a"),
        ("b", "b"),
    }
    capsys.readouterr()
    good = next(r.agent.id for r in meta_search.open_run("run").agents() if r.agent.name.startswith("Good"))
    assert cli.main(["archive", "show", "run", good]) == 0
    assert " by llm with b, generation" in capsys.readouterr().out
    assert cli.main(["archive", "list", "run", "--json"]) == 0
    rows = json.loads(capsys.readouterr().out)
    assert {row["model"] for row in rows if row["author"] == "llm"} == {"a", "b"}
    assert cli.main(["report", "run"]) == 0
    told = capsys.readouterr().out
    assert "\nb: " in told
    assert "points per US dollar" in told
    paid_off = page_view("run/report.html", "guide")["paid_off"]
    assert {row["name"] for row in paid_off if row["group"] == "model"} == {"a", "b"}
    assert replay() == 0
    assert_same("run", "again")


@pytest.mark.slow
def test_the_model_that_pays_is_chosen_more_often_in_a_search(
    folder: Path, endpoint: CountingEndpoint
) -> None:
    late: Counter[str] = Counter()
    assert cli.main(["run", *words(folder, endpoint, "search.candidates=45", "evaluate.items=6")]) == 0
    late.update(model for number, model in asked() if 25 <= number < 10**9)
    assert late["b"] > late["a"]


@pytest.mark.slow
def test_killed_and_resumed_it_comes_to_the_same(folder: Path, endpoint: CountingEndpoint) -> None:
    one = ("search.in_flight=1", "search.candidates=6", PRICES)
    assert cli.main(["run", *words(folder, endpoint, *one, "run.dir=whole")]) == 0
    process = command(folder, "run", *words(folder, endpoint, *one))
    endpoint.wait_for(endpoint.calls + 25)
    process.kill()
    process.communicate()
    assert cli.main(["resume", "run"]) == 0
    whole, found = tables("whole"), tables("run")
    for name in ("agents", "edges", "trials"):
        assert found[name] == whole[name], name
    assert replay() == 0
    assert_same("run", "again")


@pytest.mark.slow
def test_a_gain_counts_per_dollar_where_every_price_is_known(
    folder: Path, endpoint: CountingEndpoint, capsys: pytest.CaptureFixture[str]
) -> None:
    """The first brief is of `b`, which gains: it is worth less where `b` is dear."""
    values = []
    for number, price in enumerate((0.1, 400, None)):
        known = {"a": 1, "solver": 0.1, "b": price}
        prices = {name: {"input": usd, "output": usd} for name, usd in known.items()}
        told = [f"llm.prices={mapping_text(prices)}"] if price else []
        one = ("search.candidates=1", "llm.meta.models=[b,a]", f"run.dir=run{number}")
        assert cli.main(["run", *words(folder, endpoint, *one, *told)]) == 0
        with meta_search.open_run(f"run{number}") as archive:
            values.append(next(e.data["value"] for e in archive.events("tell")))
            decided = [e.data["value"] for e in archive.events("decision") if e.data["what"] == "money"]
        assert decided == [price is not None]
    cheap, dear, unpriced = values
    assert cheap > 100 * dear > 0
    assert unpriced > 100 * dear
    said = capsys.readouterr().out
    assert all(f"no price is known for {name}: name it" in said for name in ("a", "b", "solver"))


@pytest.mark.model
@pytest.mark.skipif(find("qwen2.5-coder-0.5b") is None, reason="no model file of the 0.5B")
def test_embedded_models_are_served_once_each(folder: Path) -> None:
    name = "qwen2.5-coder-0.5b"
    entry = f"{{name:again,model:{name}}}"
    config = compose(["llm=local", f"llm.meta.models=[{name},{entry}]", "llm.local.slots=1"])
    said: list[str] = []
    with ExitStack() as stack:
        endpoints = start_servers(config, folder, stack, said.append)
    assert set(endpoints) == {"task", "meta", f"meta:{name}", "meta:again"}
    assert len(set(endpoints.values())) == len(said) == 1
    assert config.llm.meta_context_tokens == config.llm.local.context


def test_a_repair_is_asked_of_the_model_of_its_chain() -> None:
    from meta_search.engine.repair import repair_brief

    assert repair_brief(Brief(1, "novel", "llm", model="b"), "x", "llm").model == "b"


def test_the_budget_holds_over_all_models(folder: Path, endpoint: CountingEndpoint) -> None:
    most = 0.004
    assert cli.main(["run", *words(folder, endpoint, PRICES, f"budget.usd={most}")]) in (0, 3)
    with meta_search.open_run("run") as archive:
        paid = sum(usage.cost_usd for usage in archive.usage().values())
        assert 0 < paid <= most
