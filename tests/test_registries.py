"""The registries: an author, an operator, a domain and a wire, each added by one line, and searched with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

import meta_search
from archive.records import Archive
from domains import registry as domains
from domains.domain import Item, Score
from domains.settings import Settings
from meta_search import cli
from meta_search.authors import drafts
from meta_search.authors import registry as authors
from meta_search.authors.author import Context, Written
from meta_search.authors.drafts import Draft
from meta_search.authors.registry import AUTHORS, AuthorSpec
from meta_search.config import LLMConfig
from meta_search.llm import wires
from meta_search.llm.calls import Answer
from meta_search.llm.endpoint import Endpoint, Price
from meta_search.testing import CountingEndpoint
from meta_search.types import Split
from meta_search.types.operators import OPERATORS, OperatorSpec
from tests.kits.answers import mind
from tests.kits.searches import mixed_search, questions

SOURCE = """def forward(self, taskInfo):
    return LLMAgentBase(["answer"], "Solver {n}")([taskInfo], "Reply with only the number. ({n})")[0]
"""


def written(context: Context, name: str) -> Written:
    """A small agent that no other brief writes."""
    return drafts.written(context, Draft(name, SOURCE.format(n=context.brief.number), f"A toy: {name}."))


def plain(name: str) -> str:
    """A name without the number that makes it unique in its run."""
    return name.rstrip("0123456789").rstrip()


class ToyAuthor:
    """Author `toy`."""

    def write(self, context: Context) -> Written:
        return written(context, f"toy by {context.brief.operator}")


def pair_up(context: Context) -> Written | None:
    """Operator `pair_up`, for the composer."""
    return written(context, "a pair") if len(context.parents) > 1 else None


class ToyDomain:
    """Domain `toy`: what is n plus n?"""

    name = "toy"
    brief = "Add a number to itself. Right is the number alone."
    wording: Mapping[str, str] = {"answer": "only the number"}

    def __init__(self, settings: Settings) -> None:
        self._first = settings.seed

    def items(self, split: Split) -> Sequence[Item]:
        first = self._first + 1000 * ("examples", "train", "validation", "test").index(split)
        return [Item(f"i{n}", f"What is {n} plus {n}?", str(2 * n)) for n in range(first, first + 9)]

    def score(self, item: Item, answer: str) -> Score:
        return Score(float(answer.strip() == item.target))


class ToyWire:
    """Provider `toy`: no endpoint at all."""

    sent: list[tuple[str, str]]

    def __init__(self, config: LLMConfig) -> None:
        self.sent = SENT

    async def open(self, endpoints: Iterable[Endpoint]) -> Mapping[Endpoint, Price | None]:
        return {endpoint: Price(1e-6, 2e-6) for endpoint in endpoints}

    async def complete(
        self, endpoint: Endpoint, messages: tuple[tuple[str, str], ...], settings: Mapping[str, Any]
    ) -> Answer:
        self.sent.append((endpoint.model, messages[-1][1]))
        body = {"model": endpoint.model, **settings}
        text = mind([{"role": role, "content": content} for role, content in messages], body)
        return Answer(text, "stop", 20, 5)

    async def close(self) -> None:
        self.sent.append(("closed", ""))


SENT: list[tuple[str, str]] = []


def searched(folder: Path, *more: str) -> Archive:
    """A small search on the command line."""
    with CountingEndpoint(mind) as endpoint:
        brief = ("search.candidates=2", "search.seeds=[direct,chain_of_thought]", "evaluate.items=9")
        words = mixed_search(questions(folder), endpoint.base_url, *brief, "run.dir=run")
        assert cli.main(["run", *words, *more]) == 0
    return meta_search.open_run("run")


def test_an_author_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(AUTHORS, "toy", AuthorSpec(f"{__name__}:ToyAuthor", calls_per_item=1.0))
    archive = searched(folder, "author.name=toy", "search.operators=[novel,mutate]")
    found = [record for record in archive.agents() if record.author == "toy"]
    assert {plain(record.agent.name) for record in found} <= {"toy by novel", "toy by mutate"}
    assert len(found) == 2


def test_an_operator_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = OperatorSpec(f"{__name__}:pair_up", parents=2, author="composer")
    monkeypatch.setitem(OPERATORS, "pair_up", spec)
    archive = searched(folder, "search.operators=[pair_up]")
    found = [record for record in archive.agents() if record.operator == "pair_up"]
    assert {(record.author, plain(record.agent.name)) for record in found} == {("composer", "a pair")}
    assert {len(record.parents) for record in found} == {2}


def test_a_domain_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(domains.REGISTRY, "toy", f"{__name__}:ToyDomain")
    archive = searched(folder, "domain.name=toy", "author.name=composer", "domain.sizes={}")
    asked = [r.item for r in archive.results(next(iter(archive.agents())).agent.id, "train")]
    assert sorted(asked) == [f"i{n}" for n in range(1000, 1009)]


def test_a_wire_is_one_line(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SENT.clear()
    monkeypatch.setitem(wires.WIRES, "toy", f"{__name__}:ToyWire")
    with CountingEndpoint(mind) as endpoint:
        brief = ("search.candidates=1", "search.seeds=[direct]", "evaluate.items=6", "author=llm")
        words = mixed_search(questions(folder), endpoint.base_url, *brief, "run.dir=run")
        assert cli.main(["run", *words, "llm.provider=toy", "llm.base_url=null"]) == 0
        assert endpoint.calls == 0
    assert {model for model, _ in SENT} == {"writer", "solver", "closed"}
    paid = meta_search.open_run("run").usage()
    assert sum(usage.calls for usage in paid.values()) == len(SENT) - 1
    assert paid["task"].cost_usd == pytest.approx(paid["task"].calls * (20e-6 + 10e-6))


@pytest.mark.parametrize(
    ("override", "message"),
    [
        ("author.name=toy", "author.name=toy: must be one of llm, composer, mixed, adas"),
        ("llm.provider=toy", "llm.provider=toy: must be one of local, litellm"),
        (
            "search.operators=[toy]",
            "search.operators: unknown name toy; choose from novel, mutate, crossover",
        ),
        ("search.operators=[debug]", "search.operators: unknown name debug; choose from novel"),
        ("domain.name=toy", "domain=toy: no such domain; there are arc, dspy, humaneval, ifeval, inspect, "),
    ],
)
def test_what_no_table_has_is_one_clear_line(
    folder: Path, capsys: pytest.CaptureFixture[str], override: str, message: str
) -> None:
    words = mixed_search(questions(folder), "http://127.0.0.1:1/v1")
    assert cli.main(["run", *words, override]) == 2
    assert message in capsys.readouterr().err


@pytest.mark.parametrize("name", [name for name, spec in AUTHORS.items() if spec.path])
def test_every_author_is_there(name: str) -> None:
    assert callable(authors.load(name)().write)
    assert authors.briefed(name) == (name,)


@pytest.mark.parametrize("name", AUTHORS)
def test_what_the_table_of_authors_names_is_in_it(name: str) -> None:
    spec = AUTHORS[name]
    assert {*spec.among, *filter(None, [spec.repaired_by])} <= set(AUTHORS)
    assert set(spec.operators) <= set(OPERATORS)
    assert bool(spec.path) != bool(spec.among)


@pytest.mark.parametrize("name", OPERATORS)
def test_every_function_of_an_operator_is_there(name: str) -> None:
    from meta_search.guide.guide import PARENT_RULES
    from meta_search.types.operators import function_of

    spec = OPERATORS[name]
    for_all = isinstance(spec.functions, str)
    named = {"llm", "composer"} if for_all else set(spec.functions)
    assert all(callable(function_of(name, author)) for author in named)
    assert {*named, *filter(None, [spec.author])} <= set(AUTHORS)
    assert {*spec.parent_rules} <= {*PARENT_RULES}
