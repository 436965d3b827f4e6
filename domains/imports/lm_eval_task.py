"""A task of lm-evaluation-harness: built, and its metric as the library computes it.

`process_results(doc, [answer])` behind the task's filters is what `lm_eval.simple_evaluate` calls for each
document, so scores are its own. The scorer's process builds the task on one document a split.
"""

from __future__ import annotations

import base64
import contextlib
import pickle
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from domains.domain import Item, Score
from domains.imports.lm_eval_library import library, without_data
from meta_search.errors import DomainError
from meta_search.text import one_line

__all__ = ["DOC", "Measure", "Task", "make_scorer"]

DOC = "doc"  # of an item's data
SEED = 1234  # of worked examples, as `simple_evaluate` has it
PARTS = ("training_split", "validation_split", "test_split", "fewshot_split")


class Measure(NamedTuple):
    """Which of a task's figures is the score.

    Attributes:
        metric: Its name in what `process_results` returns.
        filter: The task's filter whose text it is computed of.
        scale: What is divided by: 100 for those in per cent.
        lead: What stands before an answer: a space, where targets begin with one, as a continuation does.
    """

    metric: str
    filter: str
    scale: float = 1.0
    lead: str = ""


class Task:
    """A task, built.

    Args:
        path: Its yaml file.
        args: Keys that take the place of those in the file.
        sample: Split -> its first documents and their features, in place of the task's data.

    Raises:
        DomainError: lm-eval is not installed, the data cannot be had, or it is no task that generates text.
    """

    def __init__(self, path: Path, args: Mapping[str, Any], sample: Any = None) -> None:
        self.path = path
        self.name = path.stem
        plain = self._read(resolve_func=False)
        self.name = str(plain.get("task") or path.stem)
        self._check({**plain, **args})
        config = self._read()
        config = {**config, **_nested(config, args), "task": self.name}
        _localized(config, path.parent)
        self.task = self._build(config, sample)
        if getattr(self.task, "MULTIMODAL", False):
            raise DomainError(f"domain.task={self.name}: shows images or sounds; agents are given text only")
        if self.task.get_config("num_fewshot") is None:
            self.task.set_config(key="num_fewshot", value=0)
        self.task.set_fewshot_seed(seed=SEED)

    def _read(self, **how: Any) -> dict[str, Any]:
        try:
            return dict(library().load(self.path, **how))
        except Exception as error:
            told = f"{type(error).__name__}: {one_line(error, 200)}"
            raise DomainError(f"domain.task={self.name}: {self.path} cannot be read: {told}") from error

    def _check(self, config: Mapping[str, Any]) -> None:
        """See that it is one task, that it generates text, and that it runs no code.

        Raises:
            DomainError: It does not.
        """
        if isinstance(config.get("task"), list) or "group" in config:
            raise DomainError(
                f"domain.task={config.get('group', self.name)}: is a group of tasks; name one of them"
            )
        kind = config.get("output_type", "generate_until")
        if kind != "generate_until":
            raise DomainError(
                f"domain.task={self.name}: is of the kind {kind}, which compares the likelihoods of given "
                "texts; agents write answers, so only generate_until tasks are possible"
            )
        if config.get("unsafe_code"):
            raise DomainError(
                f"domain.task={self.name}: runs the code of answers by itself (unsafe_code), which the "
                "sandbox does not allow; use domain=table with domain.matcher=code"
            )

    def _build(self, config: Mapping[str, Any], sample: Any) -> Any:
        data = f"{config.get('dataset_path')}" + (f" ({n})" if (n := config.get("dataset_name")) else "")
        try:
            with without_data(library(), sample) if sample is not None else contextlib.nullcontext():
                found = library().manager.load(dict(config))["tasks"]
        except (Exception, SystemExit) as error:
            told = f"{type(error).__name__}: {one_line(error, 200)}"
            if isinstance(error, OSError) or "datasets" in type(error).__module__:
                raise DomainError(
                    f"domain.task={self.name}: its data, {data}, cannot be had ({told}); without a network, "
                    "name files of your own: 'domain.task_args={dataset_path:json,dataset_name:null,"
                    "dataset_kwargs:{data_files:{train:FILE.jsonl,test:FILE.jsonl}}}'"
                ) from error
            raise DomainError(f"domain.task={self.name}: cannot be built: {told}") from error
        return next(iter(found.values()))

    @property
    def filters(self) -> tuple[str, ...]:
        """Names of the task's filters, in its order."""
        return tuple(ensemble.name for ensemble in self.task._filters)

    @property
    def shots(self) -> int:
        """Worked examples before each question."""
        return int(self.task.get_config("num_fewshot") or 0)

    def documents(self, split: str) -> Any:
        """The documents of a split of ours, `None` where there are none; lm-eval scores those of test."""
        task = self.task
        if split == "test":
            return task.eval_docs
        if split == "validation":
            return task.validation_docs() if task.has_test_docs() and task.has_validation_docs() else None
        return task.training_docs() if task.has_training_docs() else None

    def text(self, doc: Any) -> str:
        """The question of a document alone."""
        return str(self.task.doc_to_text(doc))

    def prompt(self, doc: Any) -> str:
        """What lm-eval sends for a document: description, worked examples, question.

        Raises:
            DomainError: It asks for more than one text.
        """
        task = self.task
        context = task.fewshot_context(doc, num_fewshot=self.shots, gen_prefix=task.doc_to_prefix(doc))
        made = task.construct_requests(doc=doc, ctx=context, metadata=(self.name, 0, 1))
        requests = made if isinstance(made, list) else [made]
        if len(requests) != 1 or requests[0].request_type != "generate_until":
            kinds = ", ".join(dict.fromkeys(request.request_type for request in requests))
            raise DomainError(
                f"domain.task={self.name}: sends {len(requests)} requests for a document ({kinds}); "
                "only tasks that generate one text are possible"
            )
        return str(requests[0].arguments[0])

    def target(self, doc: Any) -> str:
        """A right answer to a document; of several the first."""
        gold = self.task.doc_to_target(doc)
        if isinstance(gold, int) and getattr(self.task.config, "doc_to_choice", None) is not None:
            gold = self.task.doc_to_choice(doc)[gold]
        if isinstance(gold, list | tuple):
            gold = gold[0] if gold else ""
        return str(gold).strip()

    def filtered(self, doc: Any, answer: str, name: str) -> Any:
        """What a filter makes of an answer."""
        instance = library().instance(
            request_type="generate_until", doc=doc, arguments=("", {}), idx=0, metadata=(self.name, 0, 1)
        )
        instance.resps = [answer] * int(self.task.get_config("repeats") or 1)
        next(ensemble for ensemble in self.task._filters if ensemble.name == name).apply([instance])
        return instance.filtered_resps[name]

    def figures(self, doc: Any, answer: str, name: str) -> tuple[dict[str, Any], Any]:
        """All figures of an answer behind a filter, as the task computes them; and what the filter made of
        it."""
        read = self.filtered(doc, answer, name)
        return dict(self.task.process_results(doc, [read])), read

    def score(self, doc: Any, answer: str, measure: Measure) -> Score:
        """The score of an answer, with what was read of it. Space around it is left out: agents end with
        an answer, where a model goes on with a prompt.

        Raises:
            DomainError: The task's code raised, or gave no number.
        """
        try:
            figures, read = self.figures(doc, measure.lead + answer.strip(), measure.filter)
            value = float(figures[measure.metric]) / measure.scale
        except Exception as error:
            raise DomainError(f"{self.name}: {type(error).__name__}: {one_line(error, 200)}") from error
        if not -1e-9 <= value <= 1 + 1e-9:
            raise DomainError(
                f"{self.name}: {measure.metric} is {value:g}, not in 0..1; choose with domain.metric="
            )
        more = [f"{k} {float(v):g}" for k, v in figures.items() if k != measure.metric and _is_number(v)]
        told = "" if value >= 1 else "; ".join([f"{measure.filter} reads {str(read)[:200]!r}", *more[:6]])
        return Score(min(max(value, 0.0), 1.0), told)

    def sample(self) -> str:
        """The first document of each split with its features, for `make_scorer`: as text."""
        found = {}
        for name in {value for key in PARTS if (value := self.task.get_config(key))}:
            rows = self.task.dataset[name]
            head = rows.select(range(1)) if hasattr(rows, "select") else rows[:1]
            process = getattr(self.task.config, "process_docs", None)
            if callable(process) and hasattr(rows, "select"):  # it may drop documents
                for most in (1, 16, len(rows)):
                    head = rows.select(range(min(most, len(rows))))
                    if len(process(head)):
                        break
            found[name] = (list(head), getattr(rows, "features", None))
        return base64.b64encode(pickle.dumps((found, getattr(self.task, "multiple_target", 0)))).decode()


def make_scorer(
    path: str, args: Mapping[str, Any], sample: str, measure: Sequence[Any]
) -> Callable[..., Score]:
    """The scorer of a task, in the scorer's process; see `Task`.

    Returns:
        `score(item, answer, run)`.
    """
    rows, several = pickle.loads(base64.b64decode(sample))  # written by the engine
    task, chosen = Task(Path(path), args, rows), Measure(*measure)
    task.task.multiple_target = several
    with contextlib.suppress(
        Exception
    ):  # what is imported when it is needed, a child without files cannot have
        doc = dict(task.task.eval_docs[0])
        for answer in (task.target(doc), "no"):
            task.figures(doc, answer, chosen.filter)

    def score(item: Item, answer: str, run: Any = None) -> Score:
        return task.score(item.data[DOC], answer, chosen)

    return score


def _nested(config: Mapping[str, Any], args: Mapping[str, Any]) -> dict[str, Any]:
    """Keys that take the place of the task's: in `metadata` and `generation_kwargs` one by one."""
    found = dict(args)
    for key in ("metadata", "generation_kwargs"):
        if isinstance(config.get(key), Mapping) and isinstance(args.get(key), Mapping):
            found[key] = {**config[key], **args[key]}
    return found


def _localized(config: dict[str, Any], folder: Path) -> None:
    """Files of data beside the task's file, wherever one stands."""
    kwargs = config.get("dataset_kwargs")
    if not isinstance(kwargs, Mapping):
        return

    def near(value: Any) -> Any:
        if isinstance(value, Mapping):
            return {key: near(inner) for key, inner in value.items()}
        if isinstance(value, list | tuple):
            return [near(inner) for inner in value]
        beside = folder / str(value)
        return (
            str(beside) if isinstance(value, str) and not Path(value).exists() and beside.exists() else value
        )

    config["dataset_kwargs"] = {
        key: near(value) if key in ("data_files", "data_dir") else value for key, value in kwargs.items()
    }


def _is_number(value: Any) -> bool:
    return isinstance(value, bool | int | float) or (
        getattr(value, "ndim", None) == 0 and hasattr(value, "item")
    )
