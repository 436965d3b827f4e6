"""Tasks of Inspect AI with one recorded answer a sample, for `tests/test_domains_inspect_parity.py`."""

import json
from pathlib import Path

from inspect_ai import Task, task
from inspect_ai.dataset import MemoryDataset, Sample
from inspect_ai.scorer import (
    Score,
    accuracy,
    answer,
    choice,
    exact,
    f1,
    includes,
    match,
    math,
    mean,
    model_graded_fact,
    model_graded_qa,
    pattern,
    scorer,
)
from inspect_ai.solver import chain_of_thought, generate, multiple_choice, prompt_template, system_message

RECORDED = json.loads((Path(__file__).parent / "inspect_answers.json").read_text(encoding="utf-8"))


def dataset(name):
    """The samples of a task; each question names its sample, by which its answer is found again."""
    rows = RECORDED[name]
    return MemoryDataset(
        [
            Sample(
                input=f"[{name} {n}] {row['question']}",
                target=row["target"],
                choices=row.get("choices"),
                metadata={"n": n},
            )
            for n, row in enumerate(rows)
        ]
    )


@task
def numbers():
    return Task(dataset("numbers"), solver=[chain_of_thought(), generate()], scorer=match(numeric=True))


@task
def beginnings():
    solver = [system_message("Be short."), generate()]
    return Task(dataset("beginnings"), solver=solver, scorer=[match(location="begin"), includes()])


@task
def inside():
    return Task(dataset("inside"), scorer=includes())


@task
def patterns():
    return Task(dataset("patterns"), scorer=pattern(r"colou?r is (\w+)"))


@task
def marked():
    solver = [prompt_template("{prompt}\nEnd with a line ANSWER: $ANSWER."), generate()]
    return Task(dataset("marked"), solver=solver, scorer=answer("line"))


@task
def same():
    return Task(dataset("same"), scorer=exact())


@task
def words():
    return Task(dataset("words"), scorer=f1())


@task
def options():
    return Task(dataset("options"), solver=multiple_choice(), scorer=choice())


@task
def several():
    return Task(dataset("several"), solver=multiple_choice(multiple_correct=True, cot=True), scorer=choice())


@task
def formulas():
    return Task(dataset("formulas"), scorer=math())


@task
def facts():
    return Task(dataset("facts"), scorer=model_graded_fact())


@task
def graded():
    return Task(dataset("graded"), scorer=model_graded_qa(partial_credit=True))


@scorer(metrics={"length": [mean()], "polite": [accuracy()]})
def manners():
    async def score(state, target):
        said = state.output.completion
        polite = "please" in said.lower()
        value = {"length": min(1.0, len(said) / 100), "polite": polite}
        return Score(value=value, answer=said, explanation="polite" if polite else "says no please")

    return score


@task
def own():
    return Task(dataset("own"), scorer=manners())
