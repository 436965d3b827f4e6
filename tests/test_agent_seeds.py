"""The hand-made agents, and all that ADAS published for MGSM, with what models of every kind reply."""

from __future__ import annotations

import pytest

from meta_search.agent.seeds import NAMES
from meta_search.types import CallRequest
from tests.kits.published import published_agents
from tests.kits.sandboxed_agents import SEEDS, House, Script, fields_of, with_text

SOURCES = {name: (SEEDS / f"{name}.py").read_text(encoding="utf-8") for name in NAMES}
# Calls on one item where every answer is the same and no critic is content.
CALLS = {
    "direct": 1,
    "program_of_thought": 1,
    "chain_of_thought": 1,
    "dynamic_roles": 2,
    "step_back": 2,
    "self_consistency": 5,
    "quality_diversity": 4,
    "debate": 7,
    "self_refine": 7,
    "dylan": 3,
}
UNAGREED = CALLS | {"dylan": 8}  # empty answers are no agreement


@pytest.fixture(scope="module")
def published() -> list[str]:
    return [entry["code"] for entry in published_agents()]


def missing(request: CallRequest) -> str:
    """JSON with the answer alone, as a number; text where text is asked for."""
    return '{"answer": 18.0}' if "answer" in fields_of(request) else "18"


def broken(request: CallRequest) -> str:
    """JSON in a fence, after a remark, cut in the middle."""
    return 'Sure: {x}\n```json\n{"thinking": "10 + 8", "answer": 18, "more": "..' if request.schema else "18"


REPLIES: dict[str, Script] = {
    "strings": with_text("18"),
    "numbers": with_text(18),
    "missing fields": missing,
    "broken JSON": broken,
    "no JSON": lambda request: "18",
    "lists": with_text(["18"]),
    "nothing": lambda request: "",
}
NUMBER = ("strings", "numbers", "missing fields", "no JSON", "broken JSON")


def test_every_seed_is_there() -> None:
    assert sorted(f"{name}.py" for name in NAMES) == sorted(p.name for p in SEEDS.glob("[a-z]*.py"))


@pytest.mark.parametrize("kind", REPLIES)
def test_every_seed_runs(house: House, kind: str) -> None:
    results = house.run_all(list(SOURCES.values()), REPLIES[kind])
    for name, result in zip(SOURCES, results, strict=True):
        assert result.kind == "ok", f"{name}: {result.detail}"
        assert result.used.calls == (UNAGREED if kind == "nothing" else CALLS)[name], name
        if kind in NUMBER and name != "program_of_thought":
            assert result.answer == "18", name


def test_a_seed_that_writes_programs_prints(house: House) -> None:
    result = house.run(SOURCES["program_of_thought"], with_text("```python\nprint(6 * 3)\n```"))
    assert result.answer == "18\n"


def test_a_content_critic_ends_self_refine(house: House) -> None:
    script = with_text(True)
    assert house.run(SOURCES["self_refine"], script).used.calls == 2


def test_every_published_agent_runs_dry(house: House, published: list[str]) -> None:
    results = house.run_all(published, dry=True)
    assert [(i, r.detail) for i, r in enumerate(results) if r.kind != "ok"] == []
    assert house.llm.calls == 0
