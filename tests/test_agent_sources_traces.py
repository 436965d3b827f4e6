"""Traces tell who heard whom, of agents that pass answers on as `Info` and of those that paste them."""

from __future__ import annotations

import itertools
import json
import random
from collections.abc import Callable

import pytest

from meta_search.report import graphs
from meta_search.types import CallRequest, ItemResult
from tests.kits.adas_arc_agents import ARC, DATA, HELPERS, QUESTION, WRONG
from tests.kits.adas_text_agents import CHOICES, DROP, GPQA, MMLU
from tests.kits.published import published_agents
from tests.kits.sandboxed_agents import SEEDS, House, Script, fields_of

# Before an agent's source: the same agent, but every answer goes into prompts as text.
PASTE = """
_Base = LLMAgentBase

class LLMAgentBase(_Base):
    def __call__(self, infos, instruction, iteration_idx=-1):
        infos = [infos] if isinstance(infos, (str, Info)) else list(infos)
        task = [info for info in infos if isinstance(info, Info) and info.name == 'task']
        rest = [info for info in infos if info not in task]
        return super().__call__(task, PASTED, iteration_idx)

"""
WAYS = {
    "f-string": "instruction + ''.join(f' Note: {i.content if isinstance(i, Info) else i}.' for i in rest)",
    "list": "instruction + str([i.content if isinstance(i, Info) else i for i in rest])",
    "JSON": "instruction + json.dumps({'x' * n: str(getattr(i, 'content', i)) for n, i in enumerate(rest)})",
    "stripped lines": "'\\n'.join([str(getattr(i, 'content', i)).strip() for i in rest] + [instruction])",
}
WORDS = "apple bridge candle dragon engine forest garden hammer island jacket kettle ladder mirror".split()


def published() -> list[str]:
    return [entry["code"] for entry in published_agents()]


def long_answers() -> Script:
    """Sentences that share most of their words, as those of one model on one task do."""
    numbers = itertools.count(1)

    def script(request: CallRequest) -> str:
        n = next(numbers)

        def say(field: str) -> str:
            words = " ".join(random.Random(f"{n} {field}").choices(WORDS, k=6))
            return f"Let us think about Mathematics, Physics and Economics: {words}. So {n * 7} it is."

        return json.dumps({f: say(f) for f in fields_of(request)}) if request.schema else say("")

    return script


def short_answers() -> Script:
    """A number for each field, no two alike."""
    numbers = itertools.count(1009)

    def script(request: CallRequest) -> str:
        fields = fields_of(request)
        return json.dumps({f: next(numbers) for f in fields}) if request.schema else str(next(numbers))

    return script


def edges(result: ItemResult) -> set[tuple[int, int]]:
    assert result.kind == "ok", result.detail
    return set(graphs.communication(result.trace).edges)


@pytest.mark.parametrize("answers", [long_answers, short_answers])
@pytest.mark.parametrize("way", WAYS)
def test_agents_that_paste_have_the_graph_of_those_that_do_not(
    house: House, way: str, answers: Callable[[], Script]
) -> None:
    sources = [
        *published(),
        *(
            (SEEDS / f"{name}.py").read_text()
            for name in ("debate", "self_refine", "quality_diversity", "step_back")
        ),
        *(DROP[name] for name in ("Spans, then arithmetic", "Critic with a score")),
        GPQA["Panel of experts"],
        MMLU["Advocates of each choice"],
    ]
    paste = PASTE.replace("PASTED", WAYS[way])
    passed = [house.run(source, answers()) for source in sources]
    pasted = [house.run(paste + source, answers()) for source in sources]
    differing = [
        (number, edges(text) ^ edges(info))
        for number, (info, text) in enumerate(zip(passed, pasted, strict=True))
        if edges(text) != edges(info)
    ]
    assert differing == []
    assert sum(len(call.pasted) for result in pasted for call in result.trace) > 300
    assert sum(len(call.inputs) for result in pasted for call in result.trace) == 0


def heard(result: ItemResult) -> dict[int, tuple[int, ...]]:
    """What went into each call that heard anything."""
    assert result.kind == "ok", result.detail
    return {c.index: tuple(sorted({*c.inputs, *c.pasted})) for c in result.trace if c.inputs or c.pasted}


def final(result: ItemResult) -> list[int]:
    return [call.index for call in result.trace if call.final]


def test_published_agents_of_known_structure(house: House) -> None:
    codes = published()
    vote, refine, debate, diversity = (house.run(codes[n], long_answers()) for n in (1, 2, 3, 5))
    assert (heard(vote), len(final(vote))) == ({}, 1)
    answers = {n: tuple(m for m in range(1, n) if m % 2 or n % 2) for n in range(2, 12)}
    # The critic hears the last attempt, the next attempt all before it.
    assert heard(refine) == {n: (n - 1,) if n % 2 == 0 else answers[n] for n in range(2, 12)}
    assert (heard(debate), final(debate)) == (dict.fromkeys((4, 5, 6), (1, 2, 3)) | {7: (4, 5, 6)}, [7])
    assert heard(diversity) == {2: (1,), 3: (1, 2), 4: (1, 2, 3), 5: (1, 2, 3, 4)}
    assert graphs.depth(debate.trace) == 3


def test_a_vote_is_made_of_those_who_said_what_won(house: House) -> None:
    said = iter(["16", "12", "16", "18", "16"])
    result = house.run(
        published()[1], lambda request: json.dumps({"thinking": "hm, 18?", "answer": next(said)})
    )
    assert (result.answer, final(result)) == ("16", [1, 3, 5])


def test_a_pasted_debate(house: House) -> None:
    numbers = itertools.count(0)

    def letters(request: CallRequest) -> str:
        n = next(numbers)
        return json.dumps(
            {"thinking": f"I hold {WORDS[n]} and {WORDS[n + 1]} for sure", "answer": "ABC"[n % 3]}
        )

    result = house.run(GPQA["Debate with pasted arguments"], letters, question=CHOICES)
    assert heard(result) == dict.fromkeys((4, 5, 6), (1, 2, 3)) | dict.fromkeys((7, 8, 9), (4, 5, 6))
    assert [call.inputs for call in result.trace] == [()] * 9
    assert (result.answer, final(result)) == ("A", [1, 4, 7])


def test_a_choice_made_by_an_answer_is_no_edge(house: House) -> None:
    """Which expert is asked depends on the router, but the expert hears nothing of it."""
    routed = house.run(published()[6], lambda request: "Math Professor" if not request.schema else "{}")
    assert (len(routed.trace), heard(routed)) == (2, {})


def test_programs_hand_on_what_their_writers_said(house: House) -> None:
    code = "print('the sum of all the legs there are is', 6 * 7)"

    def script(request: CallRequest) -> str:
        return code if not request.schema else json.dumps({"thinking": "so", "answer": "forty-two"})

    body = """
printed = self.run_python(LLMAgentBase(['code'], 'Coder')([taskInfo], 'Write a program.')[0])
return LLMAgentBase(['thinking', 'answer'], 'Reader')([taskInfo], f'It printed: {printed}')[1]
"""
    result = house.body(body, script)
    assert (heard(result), final(result)) == ({2: (1,)}, [2])
    alone = house.body(
        "return self.run_python(LLMAgentBase(['code'], 'Coder')([taskInfo])[0].content)", script
    )
    assert (alone.answer, final(alone)) == ("the sum of all the legs there are is 42\n", [1])


def test_arc_agents(house: House) -> None:
    grant = {"question": QUESTION, "helpers": HELPERS, "data": DATA}
    numbers = itertools.count(1)

    def script(request: CallRequest) -> str:
        code = f"# attempt {next(numbers)}\n{WRONG}"
        return json.dumps(dict.fromkeys(fields_of(request), code)) if request.schema else code

    pasted, refined, voted = (
        house.run(ARC[name], script, **grant)
        for name in ("Pasted feedback", "Refine with feedback", "Vote on test grids")
    )
    assert (heard(pasted), final(pasted)) == ({2: (1,)}, [2])
    assert heard(refined)[2] == (1,)
    assert 2 in heard(refined)[3]
    assert (heard(voted), final(voted)) == ({}, [1, 2, 3])
