"""Trainsets with metrics of DSPy and GEPA: how files are read, scored and confined; and what is told."""

from __future__ import annotations

import json
import random
import sys
import textwrap
from concurrent.futures import Future
from pathlib import Path
from typing import Any

import pytest

from domains import registry
from domains.domain import SPLITS, Score
from meta_search.compose import compose
from meta_search.config import SandboxConfig
from meta_search.errors import DomainError
from meta_search.run.domain_scorer import Scorer
from meta_search.types import CallReply, CallRequest

dspy = pytest.importorskip("dspy", reason="needs the extra dspy")
pytestmark = pytest.mark.extras

RECEIPTS = Path(__file__).parent / "data" / "dspy_receipts.py"
LABELS = """
import dspy
LABELS = ["refund", "billing", "bug"]
def make(first, count):
    return [dspy.Example(text=f"Message {n} about {LABELS[n % 3]}.", label=LABELS[n % 3]).with_inputs("text")
            for n in range(first, first + count)]
trainset, valset, testset = make(0, 30), make(100, 20), make(200, 25)
"""
METRIC = """
def metric(example, prediction, trace=None):
    return prediction.label == example.label
"""


def make(folder: Path, source: str, *overrides: str) -> Any:
    path = folder / "task.py"
    path.write_text(textwrap.dedent(source), encoding="utf-8")
    return registry.make(compose(["domain=dspy", f"domain.path={path}", *overrides]).domain)


def refused(folder: Path, source: str, *overrides: str) -> str:
    with pytest.raises(DomainError) as told:
        make(folder, source, *overrides)
    assert "\n" not in str(told.value)
    return str(told.value)


def counts(domain: Any) -> dict[str, int]:
    return {split: len(domain.items(split)) for split in SPLITS}


class Judge:
    """Answers every call, and keeps it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.asked: list[CallRequest] = []

    def __call__(self, request: CallRequest) -> Future[CallReply]:
        self.asked.append(request)
        future: Future[CallReply] = Future()
        future.set_result(CallReply(self.text))
        return future


# -- how a file is read


def test_three_sets_a_signature_and_feedback() -> None:
    domain: Any = registry.make(compose(["domain=dspy", f"domain.path={RECEIPTS}"]).domain)
    assert counts(domain) == {"examples": 20, "train": 40, "validation": 40, "test": 60}
    assert domain.wording["answer"] == (
        "a JSON object with the keys date (the day as YYYY-MM-DD), total (all that was paid, without the "
        "currency; a number); nothing else"
    )
    assert domain.wording[""] == "Read the day and the total of the order from a customer's message."
    assert "Half for the day" in domain.brief
    item = domain.items("test")[0]
    right = json.loads(item.target)
    assert domain.score(item, item.target) == Score(1.0, "")
    wrong = json.dumps({**right, "total": 0})
    assert domain.score(item, wrong) == Score(0.5, f"total: 0.0 given, {right['total']} expected")
    assert domain.score(item, json.dumps({**right, "total": "much"})) == Score(
        0.0, "total: 'much' is no float"
    )


def test_classes_are_told_and_texts_stay_texts(tmp_path: Path) -> None:
    domain = make(tmp_path, LABELS + METRIC)
    assert counts(domain) == {"examples": 10, "train": 20, "validation": 20, "test": 25}
    assert domain.wording[""] == "The answer is one of: billing, bug, refund."
    item = domain.items("train")[0]
    assert item.question.startswith("Message")
    assert domain.score(item, f" {item.target} ").value == 1
    assert domain.score(item, "other") == Score(0.0, "")


def test_a_train_set_alone_is_dealt_and_a_missing_test_set_is_cut(tmp_path: Path) -> None:
    one = make(tmp_path, LABELS.replace("trainset, valset, testset", "trainset, other, more") + METRIC)
    assert one.notes == (
        "task.py: trainset alone is there, and was dealt: 3 examples, 6 train, 6 validation, 15 test",
    )
    two = make(tmp_path, LABELS.replace("valset, testset", "valset, more") + METRIC)
    assert sum(counts(two).values()) == 50
    assert two.notes == ("task.py: there is no test set: 10 of valset and 15 of trainset are its items",)
    validation = {item.question for item in two.items("validation")}
    assert all(int(question.split()[1]) >= 100 for question in validation)
    third = make(tmp_path, LABELS.replace("trainset, valset, testset", "trainset, more, testset") + METRIC)
    assert counts(third)["test"] == 25
    assert "there is no validation set" in third.notes[0]
    again = make(tmp_path, LABELS.replace("valset, testset", "valset, more") + METRIC)
    assert [item.id for item in two.items("test")] == [item.id for item in again.items("test")]


def test_overlaps_and_duplicates_are_found_told_and_taken_out(tmp_path: Path) -> None:
    domain = make(tmp_path, LABELS + "valset = make(20, 20)\ntestset = make(35, 20) + make(35, 2)\n" + METRIC)
    assert domain.notes == (
        "task.py: 2 of testset stand there twice, and count once",
        "task.py: 5 of valset are in testset too, and are left out of valset",
        "task.py: 10 of trainset are in valset too, and are left out of trainset",
    )
    seen = [item.question for split in SPLITS for item in domain.items(split)]
    assert len(seen) == len(set(seen)) == 20 + 15 + 20
    same = make(tmp_path, LABELS.replace(", testset", ", more") + "valset = trainset\n" + METRIC)
    assert "trainset holds nothing that is not in valset, and is not used" in same.notes[0]
    assert sum(counts(same).values()) == 30


def test_sets_may_be_functions_and_their_names_those_of_dspy(tmp_path: Path) -> None:
    domain = make(
        tmp_path,
        LABELS.replace("trainset, valset, testset =", "a, b, c =")
        + "def get_trainset(): return a\ndevset = (e for e in b)\ndef testset(): return iter(c)\n"
        + METRIC,
    )
    assert counts(domain) == {"examples": 10, "train": 20, "validation": 20, "test": 25}


def test_three_examples_are_too_few(tmp_path: Path) -> None:
    told = refused(tmp_path, LABELS + "trainset = trainset[:3]\ndel valset, testset\n" + METRIC)
    assert "too few rows: 3 different questions" in told


def test_nested_values_and_several_inputs(tmp_path: Path) -> None:
    source = """
    import dspy
    from pydantic import BaseModel
    class Row(BaseModel):
        name: str
        count: int
    trainset = [
        dspy.Example(
            table={"rows": [{"n": n}]}, context=[f"fact {n}", "x"], row=Row(name="a", count=n)
        ).with_inputs("context", "table")
        for n in range(20)
    ]
    class Read(dspy.Signature):
        '''Fill in the row.'''
        context: list[str] = dspy.InputField()
        table: dict = dspy.InputField()
        row: Row = dspy.OutputField()
    def metric(example, prediction, trace=None):
        return prediction.row == example.row
    """
    domain = make(tmp_path, source)
    item = domain.items("train")[0]
    count = json.loads(item.target)["count"]
    assert item.question == f'table: {{"rows": [{{"n": {count}}}]}}\ncontext:\n[1] fact {count}\n[2] x'
    assert domain.score(item, item.target).value == 1
    assert domain.score(item, f"```json\n{{'name': 'a', 'count': {count}}}\n```").value == 1
    assert domain.score(item, '{"name": "a"}').value == 0
    assert "a JSON object with the keys name, count" in domain.wording["answer"]
    assert "task.py: a question is the inputs table, context, each behind its name" in domain.notes
    scorer = Scorer(domain, SandboxConfig())  # Row is a class of the file
    try:
        assert scorer.score(item, item.target).value == 1
    finally:
        scorer.close()


def test_inputs_that_are_not_named_are_inferred_or_asked_for(tmp_path: Path) -> None:
    bare = LABELS.replace('.with_inputs("text")', "")
    domain = make(tmp_path, bare + METRIC)
    assert "task.py: examples lack with_inputs: text is taken for it" in domain.notes
    signed = (
        bare
        + "class S(dspy.Signature):\n    text = dspy.InputField()\n    label = dspy.OutputField()\n"
        + METRIC
    )
    assert "its signature's inputs are taken" in make(tmp_path, signed).notes[0]
    odd = bare.replace("text=", "note=").replace("label=", "verdict=") + METRIC.replace(".label", ".verdict")
    told = refused(tmp_path, odd)
    assert told.endswith(
        "task.py: trainset[0] does not say which of note, verdict are inputs: add .with_inputs(…), or name "
        "them with domain.question=NAME"
    )
    named = make(tmp_path, odd, "domain.question=note")
    assert named.items("test")[0].question.startswith("Message")
    assert named.wording["answer"] == "only the verdict, nothing else"


def test_examples_of_a_class_of_ones_own(tmp_path: Path) -> None:
    source = (
        LABELS
        + """
class Mail(dspy.Example):
    def right(self, label):
        return label.lower() == self.label
def own(examples): return [Mail(**e.toDict()).with_inputs("text") for e in examples]
trainset, valset, testset = own(trainset), own(valset), own(testset)
def metric(example, prediction, trace=None):
    return example.right(prediction.label)
"""
    )
    domain = make(tmp_path, source)
    item = domain.items("test")[0]
    scorer = Scorer(domain, SandboxConfig())
    try:
        assert scorer.score(item, item.target.upper()).value == 1
        assert scorer.score(item, "x").value == 0
    finally:
        scorer.close()


def test_images_are_told_in_one_line(tmp_path: Path) -> None:
    picture = 'dspy.Image("data:image/png;base64,iVBORw0KGgo=")'
    told = refused(
        tmp_path, LABELS.replace('text=f"Message {n} about {LABELS[n % 3]}."', f"text={picture}") + METRIC
    )
    assert "task.py: trainset[0]: 'text' is no text: questions with images are not possible yet" in told


def test_a_module_beside_the_file_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "my_measure_of_labels.py").write_text("def same(a, b): return a == b\n")
    source = LABELS + "from my_measure_of_labels import same\n"
    domain = make(
        tmp_path, source + "def metric(example, pred, trace=None): return same(example.label, pred.label)\n"
    )
    item = domain.items("test")[0]
    assert domain.score(item, item.target).value == 1
    assert str(tmp_path) not in sys.path


# -- fields of a prediction


def test_the_fields_that_a_metric_reads_are_asked_for(tmp_path: Path) -> None:
    source = LABELS.replace("label=LABELS[n % 3])", "label=LABELS[n % 3], tone='calm', id=n)")
    assert make(tmp_path, source + METRIC).wording["answer"] == "only the label, nothing else"
    by_item = METRIC.replace(
        "prediction.label ==", "prediction['tone'] == example.tone and prediction.get('label') =="
    )
    two = make(tmp_path, source + by_item)
    assert two.wording["answer"] == "a JSON object with the keys tone, label; nothing else"
    item = two.items("test")[0]
    assert two.score(item, f"tone: calm\nlabel: {json.loads(item.target)['label']}").value == 1
    one = make(
        tmp_path,
        source.replace(", id=n", "") + METRIC.replace("prediction.label", "list(prediction.values())[0]"),
        "domain.answer=label",
    )
    assert one.items("test")[0].target in ("refund", "billing", "bug")
    other = source.replace("label=LABELS[n % 3]", "gold=LABELS[n % 3]")
    renamed = make(tmp_path, other + METRIC.replace("example.label", "example.gold"))
    item = renamed.items("test")[0]
    assert item.target in ("refund", "billing", "bug")
    assert renamed.score(item, item.target).value == 1


def test_a_program_of_two_steps_and_its_reasoning(tmp_path: Path) -> None:
    source = (
        LABELS
        + """
class Classify(dspy.Signature):
    '''Say what a message is about.'''
    text: str = dspy.InputField()
    label: str = dspy.OutputField(desc="the topic")
class Program(dspy.Module):
    def __init__(self):
        self.first = dspy.Predict("text -> summary")
        self.second = dspy.ChainOfThought(Classify)
student = Program()
"""
        + METRIC
    )
    domain = make(tmp_path, source)
    assert domain.wording["answer"] == "the topic"
    assert domain.wording[""].startswith("Say what a message is about.")
    assert make(tmp_path, source, "domain.instruction=Sort them.").wording[""].startswith("Sort them.")


# -- metrics

FEEDBACK = '''
def metric(gold, pred, trace, pred_name, pred_trace):
    """Says what is right."""
    right = gold.label == pred.label
    return RETURNED
'''


@pytest.mark.parametrize(
    ("returned", "feedback"),
    [
        ("right", ""),
        ("float(right)", ""),
        ("__import__('numpy').float64(right)", ""),
        ("dspy.Prediction(score=right, feedback=f'it is {gold.label}')", "it is {}"),
        ("{'score': right, 'feedback': f'it is {gold.label}'}", "it is {}"),
        ("(float(right), f'it is {gold.label}')", "it is {}"),
        (
            "(float(right), {'Feedback': 'no', 'Expected': gold.label, 'scores': {'a': 1}})",
            "Feedback: no\nExpected: {}",
        ),
        (
            "__import__('gepa.adapters.default_adapter.default_adapter', fromlist=['x'])"
            ".EvaluationResult(float(right), f'it is {gold.label}')",
            "it is {}",
        ),
    ],
)
def test_whatever_a_metric_returns(tmp_path: Path, returned: str, feedback: str) -> None:
    domain = make(tmp_path, LABELS + FEEDBACK.replace("RETURNED", returned))
    item = domain.items("test")[0]
    assert domain.score(item, item.target).value == 1
    assert domain.score(item, "x") == Score(0.0, feedback.format(item.target))
    assert "Says what is right." in domain.brief


@pytest.mark.parametrize(
    ("returned", "told"),
    [
        ("None", "a metric must return a bool, a number"),
        ("'yes'", "not str"),
        ("85", "returned 85, which is not in 0..1: add `scale = …`"),
        ("float('nan')", "not in 0..1"),
        ("1 / 0", "task.py:12: ZeroDivisionError"),
    ],
)
def test_a_broken_metric_is_told_before_anything_is_paid(tmp_path: Path, returned: str, told: str) -> None:
    assert told in refused(tmp_path, LABELS + FEEDBACK.replace("RETURNED", returned))


def test_a_scale_of_ones_own(tmp_path: Path) -> None:
    domain = make(tmp_path, LABELS + "scale = 10\n" + FEEDBACK.replace("RETURNED", "10 if right else 4"))
    item = domain.items("test")[0]
    assert [domain.score(item, text).value for text in (item.target, "x")] == [1.0, 0.4]


def test_a_metric_that_raises_on_some_examples_names_the_line(tmp_path: Path) -> None:
    source = LABELS + METRIC.replace("return", "assert example.label != 'bug', 'odd'\n    return")
    domain = make(tmp_path, source)
    found = {item.target: domain.score(item, item.target) for item in domain.items("test")}
    assert found["refund"].value == found["billing"].value == 1
    assert found["bug"] == Score(0.0, "metric failed: task.py:10: AssertionError: odd")
    with pytest.raises(DomainError, match=r"task\.py:10"):
        domain.try_score(next(item for item in domain.items("test") if item.target == "bug"), "bug")


def test_which_metric(tmp_path: Path) -> None:
    own = METRIC.replace("def metric", "def label_metric")
    assert make(tmp_path, LABELS + own).items("test")
    two = own + METRIC.replace("def metric", "def other_metric")
    told = refused(tmp_path, LABELS + two)
    assert "(label_metric, other_metric are there); domain.metric=NAME names another function" in told
    assert make(tmp_path, LABELS + two, "domain.metric=other_metric").items("test")
    assert "defines no such function" in refused(tmp_path, LABELS + two, "domain.metric=nothing")
    assert "defines no examples" in refused(tmp_path, "import dspy\n" + METRIC)
    assert "trainset[0] is no dspy.Example and no dict but str" in refused(
        tmp_path, LABELS + "trainset = ['a']\n"
    )


def test_what_gepa_takes(tmp_path: Path) -> None:
    source = """
    import gepa
    def row(a, b, **more):
        return {"input": f"{a} + {b}?", "answer": str(a + b), "additional_context": more}
    trainset = [row(2, n, how=f"add {n}") for n in range(30)]
    valset = [row(3, n) for n in range(30)]
    class Evaluator:
        def __call__(self, data, response):
            right = data["answer"] in response
            said = "" if right else data["additional_context"].get("how", "no")
            return gepa.EvaluationResult(float(right), said)
    evaluator = Evaluator()
    """
    domain = make(
        tmp_path,
        source.replace("gepa.EvaluationResult", "dict").replace(
            "(float(right),", "(score=float(right), feedback="
        ),
    )
    item = next(i for s in SPLITS for i in domain.items(s) if i.question == "2 + 7?")
    assert item.target == "9"
    assert domain.score(item, "It is 9.").value == 1
    assert domain.score(item, "8") == Score(0.0, "add 7")
    adapter = make(
        tmp_path,
        "from gepa.adapters.default_adapter.default_adapter import DefaultAdapter\n"
        + textwrap.dedent(source).partition("class")[0]
        + "adapter = DefaultAdapter(model=lambda messages: '')\n",
    )
    assert adapter.score(item, "9").value == 1
    assert adapter.score(item, "8").value == 0
    candidate = make(
        tmp_path,
        textwrap.dedent(source).partition("class")[0]
        + "def evaluate(candidate, example):\n"
        + "    return (float(candidate == example['answer']), {'Feedback': 'no'})\n",
    )
    assert candidate.score(item, "9").value == 1
    assert candidate.score(item, "8") == Score(0.0, "Feedback: no")
    assert any("is handed an agent's answer as candidate" in note for note in candidate.notes)


# -- models

JUDGE = """
judge = dspy.ChainOfThought("text, label -> right: bool")
def metric(example, prediction, trace=None):
    said = judge(text=example.text, label=prediction.label)
    return dspy.Prediction(score=said.right, feedback=said.reasoning)
"""
SAYS = "[[ ## reasoning ## ]]\nso it seems\n\n[[ ## right ## ]]\nTrue\n\n[[ ## completed ## ]]"


@pytest.mark.parametrize("confined", [True, False])
@pytest.mark.parametrize(
    "held",
    [
        "",
        "dspy.configure(lm=dspy.LM('openai/gpt-4o-mini', max_tokens=100, temperature=1.0))\n",
        "judge.set_lm(dspy.LM('openai/gpt-4o-mini', api_key='secret'))\n",
    ],
)
def test_a_judge_goes_through_the_gateway(tmp_path: Path, held: str, confined: bool) -> None:
    source = LABELS + JUDGE + held + ("" if confined else "confined = False\n")
    domain = make(tmp_path, source)
    assert domain.asks
    assert (domain.confined is not None) == confined
    named = " (openai/gpt-4o-mini is not)" if "configure" in held else ""
    assert f"task.py: the metric asks a model: llm.judge.model is asked for it{named}" in domain.notes
    judge = Judge(SAYS)
    scorer = Scorer(domain, SandboxConfig(), judge)
    try:
        assert scorer.score(domain.items("test")[0], "a bug") == Score(1.0, "so it seems")
        (asked,) = judge.asked
        assert asked.model == "judge"
        assert "a bug" in asked.messages[-1][1]
        assert asked.item == domain.items("test")[0].id
    finally:
        scorer.close()


def test_settings_of_a_model_that_a_metric_holds_are_kept(tmp_path: Path) -> None:
    source = LABELS + (
        "lm = dspy.LM('openai/gpt-4o', max_tokens=77, temperature=0.5)\n"
        "def metric(example, prediction, trace=None):\n"
        "    with dspy.context(lm=lm):\n"
        "        return 'yes' in lm(messages=[{'role': 'system', 'content': 'Judge.'},\n"
        "            {'role': 'user', 'content': [{'type': 'text', 'text': prediction.label}]}])[0]\n"
    )
    domain = make(tmp_path, source)
    judge = Judge("yes")
    scorer = Scorer(domain, SandboxConfig(), judge)
    try:
        assert scorer.score(domain.items("test")[0], "bug").value == 1
    finally:
        scorer.close()
    (asked,) = judge.asked
    assert asked.messages == (("system", "Judge."), ("user", "bug"))
    assert (asked.max_tokens, asked.temperature) == (77, 0.5)


def test_dspys_own_judges_are_found_to_ask(tmp_path: Path) -> None:
    source = (
        LABELS.replace("text=f", "question=f")
        .replace("label=", "response=")
        .replace('("text")', '("question")')
    )
    domain = make(tmp_path, source + "from dspy.evaluate import SemanticF1\nmetric = SemanticF1()\n")
    assert domain.asks
    judge = Judge(
        "[[ ## reasoning ## ]]\n.\n\n[[ ## recall ## ]]\n1.0\n\n"
        "[[ ## precision ## ]]\n0.5\n\n[[ ## completed ## ]]"
    )
    scorer = Scorer(domain, SandboxConfig(), judge)
    try:
        assert scorer.score(domain.items("test")[0], "bug").value == pytest.approx(2 / 3)
    finally:
        scorer.close()


def test_a_judge_that_fails_is_no_zero_even_where_the_metric_makes_one(tmp_path: Path) -> None:
    source = LABELS + JUDGE.replace("    said", "    try:\n        said", 1).replace(
        "label=prediction.label)\n", "label=prediction.label)\n    except Exception:\n        return 0\n"
    )
    domain = make(tmp_path, source + "confined = False\n")

    def ask(*_: Any) -> str:
        raise ConnectionError("down")

    with pytest.raises(DomainError, match="metric failed: down"):
        domain.try_score(domain.items("test")[0], "bug", ask)


def test_a_model_that_the_metric_does_not_ask_is_told_and_none_is_asked_while_loading(tmp_path: Path) -> None:
    configured = LABELS + "dspy.configure(lm=dspy.LM('openai/gpt-4o-mini'))\n" + METRIC
    domain = make(tmp_path, configured)
    assert not domain.asks
    assert (
        "task.py: dspy.configure(lm=openai/gpt-4o-mini) is not used: llm.task.model answers" in domain.notes
    )
    assert dspy.settings.lm is None  # nor here, where the user may have one of their own
    told = refused(tmp_path, configured + "dspy.Predict('question -> answer')(question='?')\n")
    assert "task.py:12: Refused: a model is asked while the file is loaded" in told


def test_dspy_elsewhere_in_this_process_is_what_it_was(tmp_path: Path) -> None:
    from dspy.utils import DummyLM

    make(tmp_path, LABELS + JUDGE)
    with dspy.context(lm=DummyLM([{"answer": "Paris"}])):
        assert dspy.Predict("question -> answer")(question="Capital of France?").answer == "Paris"


# -- processes


def test_an_answer_is_scored_elsewhere_without_keys_and_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    source = LABELS + (
        "import os, socket\n"
        "def metric(example, prediction, trace=None):\n"
        "    try:\n        socket.create_connection(('127.0.0.1', 9), 0.1)\n        net = 'net'\n"
        "    except ConnectionRefusedError:\n        net = 'net'\n"
        "    except OSError:\n        net = 'no net'\n"
        "    return dspy.Prediction(score=0.5, feedback=f\"{os.environ.get('OPENAI_API_KEY')} {net}\")\n"
    )
    domain = make(tmp_path, source)
    scorer = Scorer(domain, SandboxConfig())
    try:
        assert scorer.score(domain.items("test")[0], "bug") == Score(0.5, "None no net")
    finally:
        scorer.close()


def test_an_example_that_cannot_travel_is_told(tmp_path: Path) -> None:
    source = LABELS.replace("label=LABELS[n % 3])", "label=LABELS[n % 3], check=lambda x: x)") + METRIC
    assert "cannot be sent to the metric's process" in refused(tmp_path, source, "domain.answer=label")
    assert make(tmp_path, source + "confined = False\n", "domain.answer=label").confined is None


# -- parity

SHAPES = {
    "bool": "def metric(example, pred, trace=None):\n    return pred.label == example.label\n",
    "exact match of dspy": (
        "from dspy.evaluate import answer_exact_match\n"
        "def metric(example, pred, trace=None):\n"
        "    gold = dspy.Example(answer=example.label)\n"
        "    return answer_exact_match(gold, dspy.Prediction(answer=pred.label))\n"
    ),
    "words in common": (
        "from dspy.evaluate.metrics import F1\n"
        "def metric(example, pred, trace=None):\n"
        "    return F1(pred.label, [example.label, 'a ' + example.label])\n"
    ),
    "feedback": FEEDBACK.replace("RETURNED", "dspy.Prediction(score=0.25 + 0.75 * right, feedback='x')"),
    "raises": METRIC.replace("return", "assert prediction.label != 'bug'\n    return"),
}


@pytest.mark.parametrize("shape", SHAPES)
def test_scores_are_those_of_dspy_evaluate(
    tmp_path: Path, shape: str, capsys: pytest.CaptureFixture[str]
) -> None:
    domain = make(tmp_path, LABELS + SHAPES[shape], "domain.metric=metric")
    draw = random.Random(shape)
    items = [item for split in SPLITS for item in domain.items(split)][:30]
    forms = ("{}", "{}.", "The {}", "{} ", "{}", "none", "bug", "{} and bug", "Refund")
    said = {item.question: draw.choice(forms).format(draw.choice([item.target, "refund"])) for item in items}
    _agree(domain, items, said, lambda text: dspy.Prediction(label=text.strip()), shape, capsys)


def test_scores_of_several_typed_fields_are_those_of_dspy_evaluate(
    capsys: pytest.CaptureFixture[str],
) -> None:
    domain: Any = registry.make(compose(["domain=dspy", f"domain.path={RECEIPTS}"]).domain)
    signature = domain._score._source.module.Receipt
    draw = random.Random(5)
    items = domain.items("test")[:50]
    said = {}
    for item in items:
        right = json.loads(item.target)
        forms = (
            item.target,
            f"```json\n{item.target}\n```",
            json.dumps({"date": right["date"]}),
            *(json.dumps({**right, "total": v}) for v in (str(right["total"]), "none", right["total"] + 1)),
            json.dumps({**right, "date": "?"}),
        )
        said[item.question] = draw.choice(forms)
    parse = dspy.JSONAdapter().parse

    _agree(
        domain, items, said, lambda text: dspy.Prediction(**parse(signature, text)), "typed fields", capsys
    )


def _agree(
    domain: Any, items: Any, said: Any, read: Any, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """The same predictions, by DSPy's evaluation and by ours."""

    class Said(dspy.Module):  # type: ignore[misc]
        def forward(self, **inputs: Any) -> Any:
            return read(said[next(iter(inputs.values()))])

    devset = [item.data["example"] for item in items]
    metric = domain._score._function
    fill = domain._score._wanted.fill

    def plain(example: Any, prediction: Any, trace: Any = None) -> Any:
        return metric(example, prediction, *[None] * fill)

    judged = dspy.Evaluate(devset=devset, metric=plain, max_errors=999, num_threads=1)(Said())
    pairs = list(zip(items, judged.results, strict=True))
    scores = [(float(score), domain.score(item, said[item.question]).value) for item, (_, _, score) in pairs]
    agree = sum(abs(theirs - ours) < 1e-9 for theirs, ours in scores)
    with capsys.disabled():
        print(
            f"\n{name}: {agree} of {len(scores)} scores are dspy.Evaluate's (mean {judged.score:.1f} %)",
            end="",
        )
    assert agree == len(scores), [pair for pair in scores if abs(pair[0] - pair[1]) >= 1e-9]
    assert 0 < judged.score < 100
