"""What agents see of the runtime, in the sandbox."""

from __future__ import annotations

import json
from typing import Any

import pytest

from meta_search.agent.runtime import Demonstration, nearest
from meta_search.types import CallRequest
from tests.kits.sandboxed_agents import House, with_text


def last(request: CallRequest) -> str:
    return request.messages[-1][1]


def ok(result: Any) -> str:
    assert result.kind == "ok", result.detail
    return str(result.answer)


# -- values that come back


@pytest.mark.parametrize(
    ("body", "answer"),
    [
        ("return 'plain'", "plain"),
        ("return taskInfo", "How many legs have 3 dogs and 2 birds?"),
        ("return LLMAgentBase(['answer'], 'A')([taskInfo])[0]", "7"),
        ("return LLMAgentBase('answer', 'A')(taskInfo, 'Solve.')[0].content", "7"),
        ("return LLMAgentBase(['answer'], 'A').query([taskInfo], 'Solve.', 2)[0]", "7"),
        ("return Info('final', 'me', 42.0, 0)", "42"),
        ("return np.random.choice(['a', 'a'])", "a"),
        ("return repr(LLMAgentBase(['answer'], 'A'))", "A 1"),
        ("a = LLMAgentBase(['x', 'y'], 'A', role='r')\nreturn f'{a.output_fields} {a.role} {a.model}'",
         "['x', 'y'] r None"),
    ],
)  # fmt: skip
def test_answers(house: House, body: str, answer: str) -> None:
    assert ok(house.body(body, with_text("7"))) == answer


@pytest.mark.parametrize(
    ("body", "detail"),
    [
        ("return 3", "forward returned int; return an Info or a str"),
        ("return None", "NoneType"),
        ("return [taskInfo]", "list"),
        ("return Info('final', 'me', ['a'], 0)", "list"),
    ],
)
def test_what_is_no_answer(house: House, body: str, detail: str) -> None:
    result = house.body(body)
    assert (result.kind, result.answer) == ("bad_answer", "")
    assert detail in result.detail


@pytest.mark.parametrize(
    ("source", "detail"),
    [
        ("def forward(self, taskInfo):\n    x = 1\n    return x[0]\n",
         "TypeError: 'int' object is not subscriptable (line 3"),
        ("def forward(self, taskInfo)\n    return ''", "SyntaxError: expected ':' (line 1 of agent.py)"),
        ("x = 3", "NameError: the code defines no function forward"),
        ("def forward(self, taskInfo):\n    return self.map(lambda x: x / 0, [1])",
         "ZeroDivisionError: division by zero (line 2"),
        ("import pytest\ndef forward(self, taskInfo): return ''", "ModuleNotFoundError"),
    ],
)  # fmt: skip
def test_crashes_name_the_line(house: House, source: str, detail: str) -> None:
    result = house.run(source)
    assert result.kind == "crash"
    assert detail in result.detail


def test_names_in_scope_and_code_beside_forward(house: House) -> None:
    source = """
from dataclasses import dataclass
from enum import Enum
from typing import NamedTuple

class Way(Enum):
    SUM = 1

@dataclass
class State:
    way: "Way"
    votes: list[int]

class Pair(NamedTuple):
    a: int

LIMIT = 3

def total(votes):
    return sum(votes) + LIMIT

def forward(self, taskInfo):
    state = State(Way.SUM, [1, 2])
    found = [json.dumps([1]), re.sub("a", "b", "a"), math.gcd(4, 6), Counter("aab").most_common(1)[0][0],
             collections.deque([1])[0], random.Random(1).random() < 1, int(np.sum(state.votes)), Pair(3).a]
    return f"{total(state.votes)} {found}"
"""
    assert ok(house.run(source)) == "6 ['[1]', 'b', 2, 'a', 1, True, 3, 3]"


# -- calls


def test_settings_of_a_call_reach_the_model(house: House) -> None:
    body = """
solver = LLMAgentBase(["thinking", "answer"], "Solver", role="judge", temperature=7, max_tokens=12.0,
                      demonstrations=[("2 + 2?", "4")])
return solver([taskInfo], "Decide.")[1]
"""
    house.body(body, wording={"answer": "a whole number", "": "Sums."})
    [request] = house.llm.requests
    assert (request.author, request.temperature, request.max_tokens) == ("Solver", 2.0, 12)
    assert [role for role, _ in request.messages] == ["system", "user", "assistant", "user"]
    assert request.messages[0][1].startswith("You are a judge. Sums.")
    assert '"answer": a whole number' in request.messages[0][1]
    assert request.messages[1][1] == "2 + 2?\n\nDecide."
    assert request.schema is not None
    assert list(request.schema["properties"]) == ["thinking", "answer"]


def test_inputs_may_be_any_iterable_and_any_text(house: House) -> None:
    body = """
agent = LLMAgentBase(["answer"], "A")
first = agent((info for info in [taskInfo]), "One.")
second = agent({"a": 1}.items(), 2)
third = agent(first[0], "Three.", 4)
return third[0]
"""
    house.body(body, with_text("7"))
    first, second, third = (last(request) for request in house.llm.requests)
    assert first.startswith("How many legs")
    assert second == "('a', 1)\n\n2"
    assert third == "### answer by A 1 (yourself):\n7\n\nThree."


def test_equal_samples_are_five_calls_of_their_own(house: House) -> None:
    body = """
infos = [LLMAgentBase(['a'], 'A')([taskInfo])[0] for _ in range(5)]
return Counter(info.content for info in infos).most_common(1)[0][0]
"""
    result = house.body(body)
    assert result.used.calls == 5
    assert [request.occurrence for request in house.llm.requests] == ["0", "1", "2", "3", "4"]
    assert len({request.seed for request in house.llm.requests}) == 5


def test_unread_answers_are_counted_and_traced(house: House) -> None:
    body = """
a = LLMAgentBase(["answer"], "A")([taskInfo])
LLMAgentBase(["answer"], "B")([taskInfo, *a])
return "done"
"""
    result = house.body(body)
    assert (ok(result), result.used.calls) == ("done", 2)
    assert [(call.author, call.inputs) for call in result.trace] == [
        ("A", ()),
        ("B", (result.trace[0].index,)),
    ]


# -- self


def test_run_python(house: House) -> None:
    body = "return repr([self.run_python(code) for code in json.loads(taskInfo.content)])"
    codes = ["print(6 * 7)", "```python\nprint(1)\n```", "1 / 0", "x = (", "pass", "import os; os.fork()"]
    printed = ok(house.body(body, question=json.dumps(codes)))
    assert printed.startswith(
        "['42\\n', '1\\n', 'Error: ZeroDivisionError: division by zero', \"Error: SyntaxError"
    )
    assert "'', 'Error: PermissionError" in printed.replace('"', "'")
    slow = house.body("return self.run_python('while True: pass', timeout=0.1)")
    assert ok(slow).startswith("Error: TimeoutError")


def test_run_python_takes_an_answer(house: House) -> None:
    result = house.body(
        "return self.run_python(LLMAgentBase(['code'], 'C')([taskInfo])[0])", with_text("```\nprint(3)\n```")
    )
    assert ok(result) == "3\n"


def test_map_runs_branches_of_several_calls(house: House) -> None:
    body = """
def branch(n):
    agent = LLMAgentBase(["answer"], f"A{n}")
    first = agent([str(n)])[0]
    return agent([first.content + "!"])[0].content + repr(agent) + str(random.random())
found = self.map(branch, range(20))
assert found == self.map(branch, []) + found
return json.dumps([text[:5] for text in found] + [len(set(found))])
"""
    result = house.body(body, last)
    assert ok(result) == str([f"{n}!A{n} 0.{n}/1"[:5] for n in range(20)] + [20]).replace("'", '"')
    assert result.used.calls == 40


def test_tuned_values_and_the_space(house: House) -> None:
    body = """
n, t = self.tune.int('n', 1, 5), self.tune.float('t', 0, 1, 0.5)
return f"{n} {t} {self.tune.choice('w', ['a', 'b'])}"
"""
    plain = house.body(body)
    assert ok(plain) == "1 0.5 a"
    assert [(p.name, p.kind, p.default, p.low, p.high, p.choices) for p in plain.space] == [
        ("n", "int", 1, 1, 5, ()),
        ("t", "float", 0.5, 0, 1, ()),
        ("w", "choice", "a", None, None, ("a", "b")),
    ]
    assert ok(house.body(body, values={"n": 4, "t": 0.25, "w": "b"})) == "4 0.25 b"


def test_the_space_is_known_of_crashes_too(house: House) -> None:
    result = house.body("self.tune.int('n', 1, 5)\nreturn 1 / 0")
    assert (result.kind, [p.name for p in result.space]) == ("crash", ["n"])


def test_demonstrations_and_examples(house: House) -> None:
    body = """
near = self.nearest(taskInfo, 1)
agent = LLMAgentBase(["answer"], "A", demonstrations=near)
assert self.demonstrations[0].question == self.demonstrations[0][0]
return agent([taskInfo])[0].content + str(self.examples) + near[0].reply
"""
    shown = [("Name the capital of France.", "Paris"), ("How many legs have 2 dogs?", "8")]
    result = house.body(body, with_text("16"), demonstrations=shown, examples=(("a", "b"),))
    assert ok(result) == "16[('a', 'b')]8"
    assert house.llm.requests[0].messages[1:3] == (("user", "How many legs have 2 dogs?"), ("assistant", "8"))


def test_the_nearest_demonstrations_stand_last() -> None:
    pairs = [
        Demonstration(q, str(i))
        for i, q in enumerate(["spell cat", "gcd of 12 and 8", "gcd of 3 and 5 and 7"])
    ]
    assert [d.reply for d in nearest("Gcd of 100 and 75!", pairs, 2)] == ["2", "1"]
    assert [d.reply for d in nearest("gcd of 1 and 2", pairs, 99)] == ["0", "2", "1"]
    assert nearest("gcd", pairs, 0) == []
    assert nearest("gcd", pairs, -1) == []
    assert [d.reply for d in nearest("", pairs, 1)] == ["0"]  # the first of equals


# -- determinism


DRAWS = """
from random import choice
random.seed()
drawn = [random.random(), random.gauss(0, 1), choice("abcdef"), random.sample(range(99), 3)]
drawn.append(float(np.random.rand()))
drawn += self.map(lambda n: [random.random(), random.gauss(0, 1)], range(3))
return str([*drawn, hash("a"), {"x", "y"}])
"""


def test_draws_are_a_function_of_seed_item_and_repeat(house: House) -> None:
    seen = {
        (seed, item, repeat): [ok(house.body(DRAWS, seed=seed, item=item, repeat=repeat)) for _ in range(2)]
        for seed, item, repeat in [(0, "i1", 0), (1, "i1", 0), (0, "i2", 0), (0, "i1", 1)]
    }
    assert all(first == second for first, second in seen.values())
    assert len({first for first, _ in seen.values()}) == 4


def test_an_agents_own_seed_is_honoured(house: House) -> None:
    body = """
random.seed(5)
state = random.getstate()
first = random.random()
random.setstate(state)
return str([first, random.random()])
"""
    first, second = (ok(house.body(body, seed=seed)) for seed in (1, 2))
    assert first == second == "[0.6229016948897019, 0.6229016948897019]"
