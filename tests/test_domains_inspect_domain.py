"""Tasks of Inspect AI as a domain: what agents are asked, what is refused, and where the task's code runs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from domains.domain import Item
from domains.registry import make
from meta_search.config import DomainConfig, SandboxConfig
from meta_search.errors import DomainError
from meta_search.run.measures import measured
from meta_search.sandbox.trusted.scorer import ConfinedScorer
from meta_search.types import SPLITS, ItemResult

HEAD = """
import os
from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.model import (
    ChatMessageAssistant, ChatMessageSystem, ChatMessageUser, ContentImage, ContentText, get_model
)
from inspect_ai.scorer import Score, accuracy, exact, includes, choice, scorer
from inspect_ai.solver import (
    generate, multiple_choice, prompt_template, self_critique, solver, system_message, use_tools
)

def rows(n=20):
    areas = ("even", "odd")
    return [Sample(input=f"Say {i}.", target=str(i), metadata={"area": areas[i % 2]}) for i in range(n)]
"""
extras = pytest.mark.extras


def written(folder: Path, body: str) -> str:
    """A file with HEAD and one task `t`, as `domain.task` names it."""
    path = folder / "my_task.py"
    path.write_text(f"{HEAD}\n{body}\n", encoding="utf-8")
    return str(path)


def told_of(task: str, **more: Any) -> dict[str, Any]:
    """What the worker says of a task, in this process."""
    pytest.importorskip("inspect_ai", reason="needs the extra inspect")
    from domains.inspect.worker import describe

    options = {"arguments": {}, "seed": 0, "sizes": {}, "dealing": "file", "kind": "area", "scorer": ""}
    return describe({"task": task, **options, "bounds": [0.0, 1.0], **more})[1]


def scored(task: str, told: dict[str, Any], answer: str, ask: Any = None, **more: Any) -> Any:
    """The score of an answer to the first train item, in this process."""
    from domains.inspect.scorer import TaskScorer
    from domains.inspect.tasks import load

    scorer = TaskScorer(
        load(task, {}, 0), more.get("chosen", ""), told["asking"], more.get("bounds", (0.0, 1.0))
    )
    return scorer(Item(**told["items"]["train"][0]), answer, None, ask)


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("domains.inspect.process.find_spec", lambda _: None)
    with pytest.raises(DomainError, match=r"pip install 'meta-search\[inspect\]'"):
        make(DomainConfig(name="inspect", task="inspect_evals/gsm8k"))


def test_it_needs_a_task() -> None:
    with pytest.raises(DomainError, match=r"domain\.task=my_task\.py@my_task"):
        make(DomainConfig(name="inspect"))


@pytest.mark.parametrize("bounds", [(3.0,), (2.0, 1.0), (1.0, 1.0)])
def test_a_range_goes_from_low_to_high(bounds: tuple[float, ...]) -> None:
    with pytest.raises(DomainError, match="scorer_range"):
        make(DomainConfig(name="inspect", task="x/y", scorer_range=bounds))


@extras
def test_what_solvers_ask_is_instruction_and_question(tmp_path: Path) -> None:
    body = """
@task
def t():
    chain = [system_message("Be brief."), prompt_template("{prompt} Area: {area}."), generate()]
    return Task(dataset=MemoryDataset(rows()), solver=chain, scorer=exact())
"""
    told = told_of(written(tmp_path, body))
    item = told["items"]["train"][0]
    n = item["target"]
    assert told["system"] == "Be brief."
    assert item["question"] == f"Say {n}. Area: {item['kind']}."
    assert item["kind"] in ("odd", "even")


@extras
def test_turns_and_their_own_systems_stand_in_the_question(tmp_path: Path) -> None:
    body = """
@task
def t():
    samples = [Sample(input=[
        ChatMessageSystem(content=f"You are {i}."), ChatMessageUser(content="Who?"),
        ChatMessageAssistant(content="Me."), ChatMessageUser(content=f"And {i}?"),
    ], target="x") for i in range(20)]
    return Task(dataset=samples, scorer=exact())
"""
    told = told_of(written(tmp_path, body))
    assert told["system"] == ""
    question = told["items"]["train"][0]["question"]
    number = question.partition("You are ")[2].partition(".")[0]
    assert question == f"You are {number}.\n\nUser: Who?\n\nAssistant: Me.\n\nUser: And {number}?"


@extras
def test_splits_share_no_question_and_ids_go_by_content(tmp_path: Path) -> None:
    body = """
@task
def t(back=False):
    samples = rows(40) + rows(3)
    return Task(dataset=MemoryDataset(samples[::-1] if back else samples), scorer=exact())
"""
    path = written(tmp_path, body)
    one, other = told_of(path), told_of(path, arguments={"back": True})
    ids = [item["id"] for split in SPLITS for item in one["items"][split]]
    assert len(ids) == len(set(ids))
    assert {s: [i["id"] for i in one["items"][s]] for s in SPLITS} == {
        s: [i["id"] for i in other["items"][s]] for s in SPLITS
    }
    assert "3 of 43 samples repeat a question, which counts once" in one["notes"]


@extras
@pytest.mark.parametrize(
    ("body", "said"),
    [
        (
            "return Task(dataset=rows(), sandbox='docker', scorer=exact())",
            r"sandbox \(docker\).*not possible yet",
        ),
        ("return Task(dataset=rows(), scorer=None)", "has no scorer"),
        ("return Task(dataset=rows(4), scorer=exact())", "too few rows: 4"),
        ("raise KeyError('nothing')", r"my_task\.py:\d+: KeyError: 'nothing'"),
        (
            "return Task(dataset=[Sample(input='x', files={'a': 'b'})] * 9, scorer=exact())",
            "9 of 9 samples are left out.*files",
        ),
    ],
)
def test_what_is_not_possible_is_one_line(tmp_path: Path, body: str, said: str) -> None:
    path = written(tmp_path, f"@task\ndef t():\n    {body}")
    with pytest.raises(DomainError, match=said) as caught:
        told_of(path)
    assert "\n" not in str(caught.value)


@extras
def test_tools_are_refused_and_images_left_out(tmp_path: Path) -> None:
    body = """
from inspect_ai.tool import tool

@tool
def add():
    async def execute(x: int):
        '''Add.

        Args:
            x: A number.
        '''
        return x
    return execute

@task
def t():
    return Task(dataset=rows(), solver=[use_tools(add()), generate()], scorer=exact())
"""
    with pytest.raises(DomainError, match="gives its model tools: not possible yet"):
        told_of(written(tmp_path, body))
    body = """
@task
def t():
    image = [ContentText(text="See"), ContentImage(image="data:image/png;base64,AA==")]
    shown = [Sample(input=[ChatMessageUser(content=image)], target="x")]
    return Task(dataset=MemoryDataset(rows() + shown), scorer=exact())
"""
    told = told_of(written(tmp_path, body))
    assert any("1 of 21 samples are left out: they have images" in note for note in told["notes"])


@extras
def test_an_answer_alone_is_read_in_the_form_that_the_question_asks_for(tmp_path: Path) -> None:
    body = """
@task
def t():
    samples = [Sample(input=f"Which is {i}?", choices=[f"n{i}", f"m{i}"], target="A") for i in range(20)]
    return Task(dataset=MemoryDataset(samples), solver=multiple_choice(shuffle=True), scorer=choice())
"""
    path = written(tmp_path, body)
    told = told_of(path)
    assert told["letters"]
    item = told["items"]["train"][0]
    first = item["data"]["sample"]["choices"][0]  # the right one; options are shuffled alike each time
    letter = next(line[0] for line in item["question"].split("\n") if line.endswith(f") {first}"))
    other = "B" if letter == "A" else "A"
    for right in (letter, f"({letter})", f"ANSWER: {letter}", first, f"So.\nANSWER: {letter}"):
        assert scored(path, told, right).value == 1.0, right
    for wrong in (other, f"ANSWER: {other}", "neither", f"{letter}\n{other}"):
        assert scored(path, told, wrong).value == 0.0, wrong


@extras
def test_several_scorers_and_values_of_every_kind(tmp_path: Path) -> None:
    body = """
def giving(name, value):
    @scorer(metrics=[accuracy()], name=name)
    def make():
        async def score(state, target):
            return Score(value=value, explanation="because", answer="read")
        return score
    return make()

@task
def t():
    given = dict(word="P", flag=True, text="0.25", many=[1, 0], parts={"a": 0.5, "b": "C"}, stars=7, none="N")
    return Task(dataset=MemoryDataset(rows()), scorer=[giving(*pair) for pair in given.items()])
"""
    path = written(tmp_path, body)
    told = told_of(path, scorer="word")
    worth = {"": 0.5, "flag": 1.0, "text": 0.25, "many": 0.5, "parts": 0.5, "parts.b": 1.0, "none": 0.0}
    for name, value in worth.items():
        score = scored(path, told, "x", chosen=name)
        assert score.value == value, name
        assert "because" in score.feedback
        assert "stars 7" in score.feedback.partition("\n")[0]
    assert scored(path, told, "x", chosen="stars", bounds=(1.0, 10.0)).value == pytest.approx(6 / 9)
    with pytest.raises(DomainError, match=r"stars gave 7, which is not in 0\.\.1: set domain\.scorer_range"):
        scored(path, told, "x", chosen="stars")
    with pytest.raises(DomainError, match=r"no such scorer; the task has word, flag"):
        told_of(path, scorer="nothing")


@extras
def test_the_first_question_is_asked_and_what_follows_left_out(tmp_path: Path) -> None:
    body = """
@solver
def talks():
    async def solve(state, generate):
        reply = await get_model().generate([ChatMessageUser(content="First " + state.input_text)])
        second = await get_model().generate("Second " + reply.completion)
        state.output = second
        return state
    return solve

@task
def t():
    return Task(dataset=MemoryDataset(rows()), solver=talks(), scorer=exact())
"""
    path = written(tmp_path, body)
    told = told_of(path)
    item = told["items"]["train"][0]
    assert item["question"] == f"First Say {item['target']}."
    assert any("ask the model again" in note for note in told["notes"])
    assert scored(path, told, item["target"]).value == 1.0


JUDGE = """
@scorer(metrics=[accuracy()])
def judged():
    async def score(state, target):
        for name in os.environ:
            assert "KEY" not in name and "TOKEN" not in name, name
        grader = get_model("openai/gpt-4o", role="grader")
        reply = await grader.generate(f"Is {state.output.completion} = {target.text}?")
        turns = [ChatMessageSystem(content="Be fair."), ChatMessageUser(content="Sure?")]
        again = await get_model().generate(turns)
        return Score(value=float(reply.completion == again.completion == "yes"), explanation=reply.completion)
    return score

@task
def t():
    assert "OPENAI_API_KEY" not in os.environ
    return Task(dataset=MemoryDataset(rows()), scorer=[judged(), exact()])
"""


@extras
def test_no_key_and_no_provider_where_a_task_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("inspect_ai", reason="needs the extra inspect")
    monkeypatch.setenv("OPENAI_API_KEY", "sk-none")
    monkeypatch.setenv("HF_TOKEN", "none")
    domain: Any = make(DomainConfig(name="inspect", task=written(tmp_path, JUDGE), confined=False))
    asked = []

    def ask(messages: Any, model: str, most: int | None, warm: float) -> str:
        asked.append((messages, model, warm))
        return "yes"

    item = domain.items("train")[0]
    assert domain.asks
    assert domain.confined is None
    assert domain.try_score(item, "5", ask).value == 1.0
    assert asked == [
        ([("user", f"Is 5 = {item.target}?")], "judge", 0.0),
        ([("system", "Be fair."), ("user", "Sure?")], "judge", 0.0),
    ]
    assert any("in place of gpt-4o" in note for note in domain.notes)
    with pytest.raises(DomainError, match="asks a model"):
        domain.try_score(item, "5")


@extras
def test_an_answer_that_a_scorer_runs_finds_no_files(tmp_path: Path) -> None:
    pytest.importorskip("inspect_ai", reason="needs the extra inspect")
    secret = tmp_path / "secret.txt"
    secret.write_text("secret", encoding="utf-8")
    body = """
@scorer(metrics=[accuracy()])
def runs():
    async def score(state, target):
        found = eval(state.output.completion)
        return Score(value=float(found == target.text), explanation=str(found))
    return score

@task
def t():
    return Task(dataset=MemoryDataset(rows()), scorer=runs())
"""
    domain: Any = make(DomainConfig(name="inspect", task=written(tmp_path, body)))
    item = domain.items("train")[0]
    scorer = ConfinedScorer(domain.confined.factory, domain.confined.arguments, SandboxConfig())
    try:
        assert scorer.score(item, repr(item.target)).value == 1.0
        read = scorer.score(item, f"open({str(secret)!r}).read()")
        assert read.failed
        assert "secret" not in read.feedback.replace("secret.txt", "")
        left = scorer.score(item, "len(__import__('gc').get_objects()) and 'x'")
        assert left.value == 0.0
    finally:
        scorer.close()


def test_scorers_that_do_not_count_are_measures() -> None:
    from domains.inspect.domain import InspectDomain

    domain = InspectDomain.__new__(InspectDomain)
    told = ["[f1 0.5, own.b 1] because", "[f1 1, own.b 0, stars 7]\n[f1 0]", "[see] no", "", "x [f1 0]"]
    assert domain.told_measures(told) == {"f1": 0.75, "own.b": 0.5}


def test_they_are_read_from_the_feedback_of_results() -> None:
    from domains.inspect.domain import InspectDomain

    domain: Any = InspectDomain.__new__(InspectDomain)
    domain._items = {split: (Item("a", "?", "x"), Item("b", "?", "x")) for split in SPLITS}
    rows = [
        ItemResult("g", "test", "a", 0, "ok", "x", "[f1 0]", 1.0, feedback="[f1 0.5] because"),
        ItemResult("g", "test", "b", 0, "ok", "y", score=0.0, feedback="[f1 0]"),
    ]
    assert measured(domain, "test", rows) == {"f1": 0.25}


@extras
def test_samples_that_nearly_say_the_same_are_in_one_split(tmp_path: Path) -> None:
    body = """
@task
def t():
    again = [Sample(id=f"again {i}", input=f"Say: {i}", target=str(i)) for i in range(4)]
    return Task(dataset=rows() + again, scorer=exact())
"""
    path = written(tmp_path, body)
    told = told_of(path, dealing="groups")
    split = {item["question"]: name for name, items in told["items"].items() for item in items}
    assert all(split[f"Say {i}."] == split[f"Say: {i}"] for i in range(4))
    assert "4 items say nearly the same as another" in told["notes"][0]
    assert len(told["groups"]) == 8
    with pytest.raises(DomainError, match="4 items say nearly the same"):
        told_of(path, dealing="groups", duplicates="refuse")
    with pytest.raises(DomainError, match="its rows are 2 groups"):
        told_of(path, dealing="groups", group="area", stratify="none")


@extras
@pytest.mark.parametrize(
    ("said", "told"),
    [("sys.exit(3)", "own: SystemExit: 3"), ("return 1.0", "the scorer own must return a Score, not float")],
)
def test_a_scorer_that_exits_or_gives_no_score_is_told(tmp_path: Path, said: str, told: str) -> None:
    body = f"""
import sys

@scorer(metrics=[accuracy()])
def own():
    async def score(state, target):
        {said}
    return score

@task
def t():
    return Task(dataset=rows(), scorer=own())
"""
    path = written(tmp_path, body)
    with pytest.raises(DomainError, match=told):
        scored(path, told_of(path), "x")


@extras
def test_a_scorer_without_an_end_and_a_file_that_is_no_python(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    body = """
@scorer(metrics=[accuracy()])
def own():
    async def score(state, target):
        while True:
            pass
    return score

@task
def t():
    return Task(dataset=rows(), scorer=own())
"""
    path = written(tmp_path, body)
    pytest.importorskip("inspect_ai", reason="needs the extra inspect")
    monkeypatch.setattr("domains.inspect.worker.PROBED_S", 0.2)
    with pytest.raises(DomainError, match=r"own has not scored an answer after 0\.2 s"):
        told_of(path)
    with pytest.raises(DomainError, match=r"my_task\.py:\d+: "):
        told_of(written(tmp_path, "def (:"))
