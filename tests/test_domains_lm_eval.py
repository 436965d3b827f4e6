"""Tasks of lm-eval: read, scored as the library scores, confined; and what is refused in one line."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from domains import registry
from domains.domain import SPLITS, Item
from meta_search.config import DomainConfig, SandboxConfig
from meta_search.errors import DomainError
from meta_search.run.domain_scorer import Scorer
from tests.kits import lm_eval_tasks

lm_eval = pytest.importorskip("lm_eval", reason="needs the extra lm-eval")
pytestmark = pytest.mark.extras

TOWNS = """
task: towns
dataset_path: json
dataset_kwargs: {data_files: {test: towns.jsonl}}
test_split: test
output_type: generate_until
doc_to_text: "{{q}}"
doc_to_target: "{{a}}"
metric_list:
  - {metric: exact_match, regexes_to_ignore: ["(?s).*lies in "]}
filter_list:
  - name: land
    filter: [{function: regex, regex_pattern: 'lies in (\\w+)'}, {function: take_first}]
"""
TASKS = (*lm_eval_tasks.OWN, *lm_eval_tasks.DATA)


@pytest.fixture(scope="module")
def tasks(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of tasks and data."""
    folder = tmp_path_factory.mktemp("tasks")
    lm_eval_tasks.write(folder)
    return folder


def make(folder: Path, name: str, **keys: Any) -> Any:
    own = name in lm_eval_tasks.OWN or "path" in keys
    args = {**({} if own else lm_eval_tasks.arguments(folder, name)), **keys.pop("task_args", {})}
    path = keys.pop("path", str(folder)) if own else None
    return registry.make(DomainConfig(name="lm_eval", task=name, path=path, task_args=args, **keys))


class Scripted:
    """A language model of lm-eval that says what it is told, in the order of the requests."""

    def __new__(cls, texts: dict[str, str]) -> Any:
        from lm_eval.api.model import LM

        class Model(LM):  # type: ignore[misc]
            def generate_until(self, requests: Any, disable_tqdm: bool = False) -> list[str]:
                return [texts[request.args[0]] for request in requests]

            def loglikelihood(self, requests: Any, **_: Any) -> Any:
                raise NotImplementedError

            def loglikelihood_rolling(self, requests: Any, **_: Any) -> Any:
                raise NotImplementedError

        return Model()


@pytest.mark.parametrize("name", TASKS)
def test_scores_are_those_of_simple_evaluate(
    tasks: Path, name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    # Scored by the library, document by document, and by us, filter by filter: 30 answers a task and filter.
    from lm_eval.evaluator import evaluate

    domain = make(tasks, name)
    task = domain._task
    docs = [dict(doc) for doc in task.task.eval_docs][:30]
    prompts = {}
    random.seed(0)
    task.task.set_fewshot_seed(seed=1234)
    targets = [domain._right(Item("x", "?", task.target(doc), "", {"doc": doc})) for doc in docs]
    said = [text.strip() for text in lm_eval_tasks.answers(targets, seed=len(name))]  # as agents have it
    for doc, text in zip(docs, said, strict=True):
        prompts[task.prompt(doc)] = domain._measure.lead + text  # as a model goes on
    task.task.set_fewshot_seed(seed=1234)
    theirs = evaluate(
        lm=Scripted(prompts), task_dict={"tasks": {name: task.task}}, limit=30, bootstrap_iters=0
    )
    assert theirs is not None
    agree = 0
    samples = theirs["samples"][name]
    for sample in samples:
        text = domain._measure.lead + said[sample["doc_id"]]
        figures, _ = task.figures(docs[sample["doc_id"]], text, sample["filter"])
        assert set(figures) == set(sample["metrics"])
        for metric in sample["metrics"]:
            assert figures[metric] == sample[metric], (name, sample["doc_id"], sample["filter"], metric)
        if sample["filter"] == domain._measure.filter and said[sample["doc_id"]].strip():
            item = Item("x", "?", "", "", {"doc": docs[sample["doc_id"]]})
            score = domain.score(item, said[sample["doc_id"]]).value
            assert score == pytest.approx(float(sample[domain._measure.metric]) / domain._measure.scale)
        agree += 1
    right = sum(float(sample[domain._measure.metric]) >= 1 for sample in samples)
    with capsys.disabled():
        print(f"\n{name}: {agree} of {len(samples)} agree with lm-eval ({right} of them right)", end="")
    assert agree == 30 * len(task.filters)
    assert 0 < right < len(samples)


@pytest.fixture(scope="module")
def sums(tasks: Path) -> Iterator[Any]:
    return make(tasks, "sums")


def test_splits_examples_and_what_is_told(sums: Any) -> None:
    counts = {split: len(sums.items(split)) for split in SPLITS}
    assert counts["test"] == 60
    assert min(counts.values()) > 5
    texts = [item.question.rsplit("\n\n", 1)[-1] for split in SPLITS for item in sums.items(split)]
    assert len(set(texts)) == len(texts)  # disjoint by content
    assert any("no validation set" in note for note in sums.notes)
    assert any("2 worked examples" in note for note in sums.notes)
    scored = {text.partition("\n")[0] for text in texts}
    for split in SPLITS:
        for item in sums.items(split):
            assert item.question.startswith("Add up.")
            shown = item.question.split("\n\n")[1:-1]
            assert len(shown) == 2
            assert not {text.partition("\n")[0] for text in shown} & scored, (
                "a worked example is scored elsewhere"
            )


def test_a_form_that_a_filter_wants_is_told(tasks: Path) -> None:
    domain = make(tasks, "gsm8k")
    assert "#### ANSWER" in domain.wording["answer"]
    assert "#### ANSWER" in domain.brief
    item = domain.items("test")[0]
    number = item.target.rsplit(" ", 1)[1]
    assert domain.score(item, number).value == 0
    assert "[invalid]" in next(iter(vars_of(domain.score(item, number))))
    assert domain.score(item, f"I add.\n#### {number}").value == 1
    flexible = make(tasks, "gsm8k", metric="exact_match,flexible-extract")
    assert flexible.score(item, number).value == 1
    assert flexible.wording["answer"] == "only the final answer, nothing else"


def test_the_form_that_is_told_is_of_no_item_that_is_compared_later(tmp_path: Path) -> None:
    places = [{"q": f"Where is town {n}?", "a": f"Town {n} lies in land{n}"} for n in range(240)]
    (tmp_path / "towns.jsonl").write_text("".join(json.dumps(row) + "\n" for row in places))
    (tmp_path / "towns.yaml").write_text(TOWNS)
    for seed in range(3):
        domain = make(tmp_path, "towns", seed=seed, path=str(tmp_path / "towns.yaml"))
        told = domain.wording["answer"]
        assert " lies in ANSWER" in told
        [number] = re.findall(r"Town (\d+) lies in ANSWER", told)
        shown = {item.question for split in ("examples", "train") for item in domain.items(split)}
        assert f"Where is town {number}?" in shown


def vars_of(score: Any) -> list[str]:
    """What a score says beside its value, whatever the field is called."""
    return [getattr(score, name) for name in score.__slots__ if name != "value"]


def test_a_metric_is_chosen(tasks: Path) -> None:
    item = make(tasks, "colours").items("test")[0]
    colours = item.data["doc"]["colours"]
    half = ", ".join([*colours, "purple"])
    overlap, exact = make(tasks, "colours"), make(tasks, "colours", metric="exact,last")
    assert overlap.score(item, half).value == pytest.approx(len(colours) / (len(colours) + 1))
    assert exact.score(item, half).value == 0
    assert exact.score(item, f"I think\n{', '.join(colours)}").value == 1
    with pytest.raises(DomainError, match=r"domain\.metric=f1: .*colours has overlap, exact"):
        make(tasks, "colours", metric="f1")
    with pytest.raises(DomainError, match="has the filters lines, last"):
        make(tasks, "colours", metric="exact,first")


def test_worked_examples_can_be_left_out(tasks: Path) -> None:
    domain = make(tasks, "sums", task_args={"num_fewshot": 0})
    assert domain.items("test")[0].question.count("A:") == 1


@pytest.mark.parametrize("name", ["sums", "gsm8k", "drop", "aime", "colours"])
def test_confined_scores_are_the_same(tasks: Path, name: str) -> None:
    domain = make(tasks, name)
    items = domain.items("test")[:6]
    said = lm_eval_tasks.answers([item.target for item in items], seed=1)
    scorer = Scorer(domain, SandboxConfig())
    try:
        for item, text in zip(items, said, strict=True):
            if text.strip():
                assert scorer.score(item, text).value == domain.score(item, text).value, text
            assert scorer.score(item, item.target).value == domain.score(item, item.target).value
    finally:
        scorer.close()
    assert make(tasks, name, confined=False).confined is None


def test_the_scorers_process_knows_one_document_a_split(tasks: Path) -> None:
    import base64
    import pickle

    sample = make(tasks, "gsm8k").confined.arguments["sample"]
    rows, _ = pickle.loads(base64.b64decode(sample))
    assert {split: len(found[0]) for split, found in rows.items()} == {"train": 1, "test": 1}


@pytest.mark.parametrize(
    ("keys", "told"),
    [
        ({"task": "gsm8k_"}, "no such task; near it: gsm8k"),
        ({"task": "arc_easy"}, "is of the kind multiple_choice"),
        ({"task": "humaneval"}, "runs the code of answers"),
        ({"task": "minerva_math"}, "is a group of tasks; name one of them"),
        ({}, r"domain=lm_eval needs a task: domain\.task=NAME"),
        ({"task": "x", "path": "/nowhere"}, "no such file or folder of tasks"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(keys: dict[str, Any], told: str) -> None:
    with pytest.raises(DomainError, match=told) as refused:
        registry.make(DomainConfig(name="lm_eval", **keys))
    assert "\n" not in str(refused.value)


def test_data_that_cannot_be_had_is_told_with_a_way_out(tasks: Path) -> None:
    args = {"dataset_kwargs": {"data_files": {"train": "nowhere.jsonl", "test": "nowhere.jsonl"}}}
    with pytest.raises(
        DomainError, match=r"domain\.task=sums: its data, json, cannot be had .*task_args="
    ) as refused:
        make(tasks, "sums", task_args=args)
    assert "\n" not in str(refused.value)


def test_a_tasks_file_alone_and_one_split_alone(tasks: Path) -> None:
    domain = registry.make(DomainConfig(name="lm_eval", path=str(tasks / "colours.yaml")))
    assert domain.name == "colours"
    assert any("test documents alone" in note for note in domain.notes)  # type: ignore[attr-defined]
    assert sum(len(domain.items(split)) for split in SPLITS) == 90
