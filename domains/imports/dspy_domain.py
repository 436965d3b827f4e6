"""Domain `dspy`: a trainset with a metric, as DSPy and GEPA have them, in a Python file of the user's.

    meta-search run domain=dspy domain.path=my_task.py

    import dspy

    trainset = [dspy.Example(text="…", label="refund").with_inputs("text"), …]     # valset, testset: optional
    def metric(example, prediction, trace=None):
        right = prediction.label == example.label
        return dspy.Prediction(score=right, feedback="" if right else f"it is {example.label}")

`docs/imports.md` says what a file may hold, and how it is read.
"""

from __future__ import annotations

import contextlib
import hashlib
import pickle
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from domains.domain import Confined, Item, Score, items_of
from domains.imports import dspy_lm
from domains.imports.dealing import Named, dealt
from domains.imports.dspy_fields import ANSWERS, Output, ask_for, question_of, target_of, text_of
from domains.imports.dspy_metric import EXAMPLE, Metric, outputs_from
from domains.imports.dspy_source import Source, Wanted
from domains.rows import key_of
from domains.settings import Settings
from domains.user_file import Ask
from domains.wording import WORDING, find_labels, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.text import one_line
from meta_search.types import SPLITS, Split

__all__ = ["DspyDomain"]

QUESTIONS = ("question", "input", "query", "text", "prompt", "problem")
REASONING = ("reasoning", "rationale", "thinking")  # what modules add; no metric needs it
MOST_ANSWER = 2**20  # characters that are read of an answer, as of one that is scored confined
TRIED = 8  # examples that the metric is tried with
ASKED = "the metric is tried without a model"


class DspyDomain:
    """Items and scorer of a file for DSPy or GEPA.

    Attributes:
        notes: Lines for the user on how the file was read.
        groups: Item id -> a name of its group, of the items that have one.
        asks: Whether the metric asks a model.
        confined: How its scorer is built in a process of its own; `None` where the file says
            `confined = False`.
        source: A digest of the file.

    Raises:
        DomainError: DSPy is needed and not installed, no such file, an exception in it (with its line), no
            examples or metric, examples without inputs, or a metric that fails on all labels; one line.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.path:
            raise DomainError("domain=dspy needs a file: domain.path=my_task.py")
        self._path = Path(settings.path).expanduser()
        source = Source(self._path)
        self.source = hashlib.sha256(self._path.read_bytes()).hexdigest()[:16]
        sets, wanted = source.sets(), source.metric(settings.metric)
        reader = _Reader(source, sets, wanted, settings)
        named = {split: Named(name, reader.items(name, found)) for split, (name, found) in sets.items()}
        self._items, self.groups, dealing = dealt(self._path, named, settings)
        self.notes: tuple[str, ...] = (*reader.notes, *dealing)
        self._score = Metric(source, wanted, reader.outputs, reader.asks)
        self.asks = reader.asks
        self.confined = self._confinement(source, wanted, reader) if settings.confined else None
        self.concurrency = _whole(source, "concurrency", 0)
        self.name = str(getattr(source.module, "name", self._path.stem))
        self._say(source, wanted, reader, settings)
        self._try_metric()

    def items(self, split: Split) -> Sequence[Item]:
        """Items of a split, in an order that depends on the seed only; ids are hashes of the question."""
        return items_of(self._items, split)

    def score(self, item: Item, answer: str) -> Score:
        """What the metric says, in this process; an exception in it is 0 with its line."""
        try:
            return self.try_score(item, answer)
        except DomainError as error:
            return Score(0.0, str(error))

    def try_score(self, item: Item, answer: str, ask: Ask | None = None) -> Score:
        """What the metric says, in this process: for one that is not `confined`.

        Raises:
            DomainError: It raised, or gave no score; names the line.
        """
        if not isinstance(answer, str) or not answer.strip():
            return Score(0.0, "no answer")
        return self._score(item, answer[:MOST_ANSWER], ask=ask)

    def _confinement(self, source: Source, wanted: Wanted, reader: _Reader) -> Confined | None:
        confined = getattr(source.module, "confined", True)
        if not isinstance(confined, bool):
            raise DomainError(f"{self._path}: confined must be True or False, not {confined!r:.40}")
        if not confined:
            return None
        for item in (item for items in self._items.values() for item in items):
            try:
                pickle.dumps(item)
            except Exception as error:
                raise DomainError(
                    f"{self._path}: example {one_line(item.question, 40)!r} cannot be sent to the metric's "
                    f"process ({one_line(error, 100)}); keep to plain data, or set confined = False"
                ) from error
        outputs = [{"name": o.name, "description": o.description, "parsed": o.parsed} for o in reader.outputs]
        return Confined(
            "domains.imports.dspy_metric:make_scorer",
            {"path": str(self._path.resolve()), "metric": asdict(wanted), "outputs": outputs,
             "place": reader.place, "asks": reader.asks},
        )  # fmt: skip

    def _say(self, source: Source, wanted: Wanted, reader: _Reader, settings: Settings) -> None:
        """Brief and wording."""
        module = source.module
        own = getattr(module, "brief", None) or getattr(module, "__doc__", None)
        about = " ".join(str(own).split()) if own else f"Examples of the file {self._path.name}."
        how = " ".join((getattr(source.function(wanted.name), "__doc__", None) or "").split())
        scored = (
            f" How answers are scored: {how}" if how else f" Answers are scored by {wanted.name} of the file."
        )
        shown = "".join(
            f" Example: {item.question[:300]!r}" + (f" -> {item.target[:100]!r}." if item.target else ".")
            for item in self._items["examples"][:2]  # never scored, so they may be shown
        )
        instruction = settings.instruction or reader.instruction
        single = reader.outputs[0] if len(reader.outputs) == 1 else None
        labels = None
        if single is not None and single.is_text and all(i.target for s in SPLITS for i in self._items[s]):
            seen = [i.target for s in SPLITS if s != "test" for i in self._items[s]]
            labels = find_labels(seen, [item.target for item in self._items["test"]], numbers=False)
        self.brief = with_instruction(about + scored + shown, instruction, labels)
        form = ask_for(reader.outputs)
        wording = {**WORDING, "answer": form}
        if single is None or not single.is_text:  # a program must print the same form
            wording |= dict.fromkeys(("program", "code"), f"a short Python program that prints {form}")
        self.wording: Mapping[str, str] = instructed(wording, instruction, labels)

    def _try_metric(self) -> None:
        """A few examples of each split with their own labels, until one is scored: a broken metric must not
        cost a night's budget."""
        if self.asks:
            return
        failed = None
        tried = [item for split in SPLITS for item in self._items[split][:TRIED] if item.target]
        for item in tried:
            try:
                self._score(item, item.target)
            except DomainError as error:
                failed = failed or error
            else:
                return
        if failed is not None:
            raise failed


class _Reader:
    """Finds out which fields of the examples are inputs, and with which agents answer.

    Attributes:
        outputs: The fields of a prediction.
        place: Of the signature that gives them types, or `""`.
        instruction: What agents are told, of the file or its signature; or `None`.
        asks: Whether the metric asks a model.
        notes: Lines for the user.
    """

    def __init__(
        self, source: Source, sets: Mapping[str, tuple[str, list[Any]]], wanted: Wanted, settings: Settings
    ) -> None:
        self._source, self._settings, self._wanted = source, settings, wanted
        self._kind = settings.kind
        self.notes: list[str] = []
        name, examples = next(iter(sets.values()))
        self._where, first = f"{source.path}: {name}[0]", examples[0]
        self._fields = _fields(first)
        self.place, signature = self._signature(_given_inputs(first))
        self._inputs = self._find_inputs(first, signature)
        self.outputs = self._find_outputs(examples, signature)
        self.instruction = self._instruction(signature)
        self.asks = self._find_asking(examples)
        self._tell(source)

    def items(self, name: str, examples: Sequence[Any]) -> list[Item]:
        """The items of a set.

        Raises:
            DomainError: An example lacks an input, or one is no text; names it.
        """
        return [
            self._item(f"{self._source.path}: {name}[{n}]", example) for n, example in enumerate(examples)
        ]

    def _item(self, place: str, example: Any) -> Item:
        fields = _fields(example)
        names = _given_inputs(example) or self._inputs
        missing = [name for name in names if name not in fields]
        if missing:
            raise DomainError(f"{place}: has no {', '.join(missing)}, only {', '.join(fields) or 'nothing'}")
        question = question_of(place, {name: fields[name] for name in fields if name in names})
        target = target_of(self.outputs, {key: value for key, value in fields.items() if key not in names})
        if not target:
            target = target_of(self.outputs, _as_single(self.outputs, fields, names))
        kind = fields.get(self._kind)
        is_kind = isinstance(kind, str) and self._kind not in (*names, *(o.name for o in self.outputs))
        labels = {key: text_of(value) for key, value in fields.items() if key not in names}
        return Item(
            f"q-{hashlib.sha256(key_of(question).encode()).hexdigest()[:12]}",
            question,
            target,
            str(kind) if is_kind else "",
            {EXAMPLE: example, "labels": labels},
        )

    def _signature(self, inputs: Sequence[str]) -> tuple[str, Any]:
        """The signature that says most of the examples: it answers with their labels, and takes their inputs.
        Its place, or `""`."""
        known = set(inputs or self._fields)

        def fit(signature: Any) -> tuple[bool, bool, bool]:
            given = set(signature.input_fields)
            labels = bool(set(signature.output_fields) & (set(self._fields) - set(inputs)))
            return labels, given == set(inputs), given <= known

        found = [(place, signature) for place, signature in self._source.signatures() if any(fit(signature))]
        best = max((fit(signature) for _, signature in found), default=None)
        return next((pair for pair in found if fit(pair[1]) == best), ("", None))

    def _find_inputs(self, example: Any, signature: Any) -> tuple[str, ...]:
        named = _names(self._settings.question)
        if named and all(name in self._fields for name in named) and not _given_inputs(example):
            return named
        given = _given_inputs(example)
        if given:
            return given
        if signature is not None and set(signature.input_fields) <= set(self._fields):
            found = tuple(signature.input_fields)
            why = "its signature's inputs are taken"
        else:
            known = [name for name in QUESTIONS if name in self._fields]
            answers = [n for n in (*_names(self._settings.answer), *ANSWERS) if n in self._fields]
            rest = [name for name in self._fields if name not in answers[:1]]
            found = tuple(known[:1] or (rest if len(rest) == 1 else ()))
            why = f"{', '.join(found)} is taken for it"
        if not self._fields:
            raise DomainError(f"{self._where} has no fields")
        if not found:
            raise DomainError(
                f"{self._where} does not say which of {', '.join(self._fields)} are inputs: "
                "add .with_inputs(…), or name them with domain.question=NAME"
            )
        if not isinstance(example, Mapping):
            self.notes.append(f"{self._source.path.name}: examples lack with_inputs: {why}")
        return found

    def _find_outputs(self, examples: Sequence[Any], signature: Any) -> tuple[Output, ...]:
        fields = dict(signature.output_fields) if signature is not None else {}
        labels = [name for name in self._fields if name not in self._inputs]
        named = _names(self._settings.answer)
        if named and not (named == ("answer",) and "answer" not in (*labels, *fields)):
            names: Sequence[str] = named
        elif self._wanted.style != "metric":
            names = [name for name in ANSWERS if name in labels][:1] or ["answer"]
        else:
            likely = [name for name in fields if name not in REASONING] or labels
            names = self._read_by_metric(examples, likely) or likely or ["answer"]
        if not set(names) <= set(fields):
            self.place = self.place if set(names) & set(fields) else ""
        values = [_fields(example) for example in examples[:50]]
        outputs = []
        for name in names:
            said = str((getattr(fields.get(name), "json_schema_extra", None) or {}).get("desc", ""))
            texts = all(isinstance(row.get(name), str) for row in values if name in row)
            outputs.append(
                {"name": name, "description": "" if said == f"${{{name}}}" else said, "parsed": not texts}
            )
        return tuple(outputs_from(self._source, outputs, self.place))

    def _read_by_metric(self, examples: Sequence[Any], likely: Sequence[str]) -> list[str]:
        """The fields of a prediction that the metric reads, found by handing it labels for a prediction."""
        seen: dict[str, None] = {}
        for example in examples[:TRIED]:
            fields = _fields(example)
            labels = {name: value for name, value in fields.items() if name not in self._inputs}
            values = {name: labels.get(name, next(iter(labels.values()), "")) for name in likely}
            for _ in range(4):
                prediction = _recording(self._source, values, seen)
                with contextlib.suppress(Exception):
                    self._call(example, prediction)
                missing = [name for name in seen if name not in values]
                if not missing:
                    break
                values |= {name: next(iter(labels.values()), "") for name in missing}
        return [name for name in seen if name not in REASONING]

    def _call(self, example: Any, prediction: Any) -> list[bool]:
        """Call the metric without a model; whether it asked one."""
        ask, asked = dspy_lm.refusing(ASKED)
        metric = Metric(self._source, self._wanted, (), False)
        pair = (metric.example(example), prediction)
        with self._source.at_work(ask), contextlib.suppress(Exception):
            function = self._source.function(self._wanted.name)
            given = pair[::-1] if self._wanted.style == "candidate" else pair
            function(*given, *[None] * self._wanted.fill)
        return asked

    def _find_asking(self, examples: Sequence[Any]) -> bool:
        told = getattr(self._source.module, "asks", None)
        if isinstance(told, bool):
            return told
        if self._source.dspy is None:
            return False
        if self._source.may_ask(self._source.function(self._wanted.name)):
            return True
        for example in examples[:2]:
            fields = _fields(example)
            for values in (
                {o.name: fields.get(o.name, "?") for o in self.outputs},
                {o.name: "?" for o in self.outputs},
            ):
                prediction = "?" if self._wanted.style != "metric" else _recording(self._source, values, {})
                if self._call(example, prediction):
                    return True
        return False

    def _instruction(self, signature: Any) -> str | None:
        own = getattr(self._source.module, "instruction", None)
        if own is not None:
            return str(own)
        if signature is None or not set(signature.input_fields) <= set(self._fields):  # of a step within
            return None
        told = str(getattr(signature, "instructions", "") or "").strip()
        return told if told and not told.startswith("Given the fields `") else None

    def _tell(self, source: Source) -> None:
        name = source.path.name
        if len(self._inputs) > 1:
            self.notes.append(
                f"{name}: a question is the inputs {', '.join(self._inputs)}, each behind its name"
            )
        if len(self.outputs) > 1:
            self.notes.append(
                f"{name}: agents answer with JSON, the fields {', '.join(o.name for o in self.outputs)} "
                "(domain.answer=NAME takes one)"
            )
        if self._wanted.style == "candidate":
            self.notes.append(
                f"{name}: {self._wanted.name}(candidate, …) is handed an agent's answer as candidate"
            )
        if self.asks:
            other = f" ({source.model} is not)" if source.model else ""
            self.notes.append(f"{name}: the metric asks a model: llm.judge.model is asked for it{other}")
        elif source.model:
            self.notes.append(
                f"{name}: dspy.configure(lm={source.model}) is not used: llm.task.model answers"
            )


def _fields(example: Any) -> dict[str, Any]:
    """The fields of an example, by name, in their order."""
    return {str(key): value for key, value in example.items()}


def _given_inputs(example: Any) -> tuple[str, ...]:
    """The inputs that an example names, in the order of its fields; none of a dict."""
    keys = getattr(example, "_input_keys", None) or ()
    return (
        tuple(name for name in _fields(example) if name in keys) if not isinstance(example, Mapping) else ()
    )


def _as_single(outputs: Sequence[Output], fields: Mapping[str, Any], inputs: Sequence[str]) -> dict[str, Any]:
    """The one label of an example under the name that the metric reads it by in a prediction."""
    labels = [value for name, value in fields.items() if name not in inputs]
    known = [fields[name] for name in ANSWERS if name in fields and name not in inputs]
    value = labels[0] if len(labels) == 1 else known[0] if known else None
    return {outputs[0].name: value} if len(outputs) == 1 and value is not None else {}


def _names(named: str) -> tuple[str, ...]:
    """Names of fields in a setting."""
    return tuple(name.strip() for name in named.split(",") if name.strip())


def _whole(source: Source, name: str, default: int) -> int:
    value = getattr(source.module, name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DomainError(f"{source.path}: {name} must be a whole number, not {value!r:.40}")
    return value


def _recording(source: Source, values: Mapping[str, Any], seen: dict[str, None]) -> Any:
    """A prediction that notes which of its fields are read."""
    base: Any = source.dspy.Prediction if source.dspy is not None else _Fields

    def noting(method: str) -> Any:
        original = getattr(base, method)

        def noted(self: Any, name: str, *more: Any) -> Any:
            if not name.startswith("_"):
                seen[name] = None
            return original(self, name, *more)

        return noted

    kind = type("Recording", (base,), {name: noting(name) for name in ("__getattr__", "__getitem__", "get")})
    return kind(**values)


class _Fields(dict[str, Any]):
    """A prediction without DSPy."""

    def __getattr__(self, name: str) -> Any:
        try:
            return dict.__getitem__(self, name)
        except KeyError:
            raise AttributeError(name) from None
