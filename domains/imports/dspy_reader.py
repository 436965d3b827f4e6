"""Finds out how the examples of a file for DSPy or GEPA are asked and answered."""

from __future__ import annotations

import contextlib
import hashlib
import inspect
import io
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from domains.domain import Item
from domains.imports import dspy_lm
from domains.imports.dspy_fields import ANSWERS, Output, question_of, target_of, text_of
from domains.imports.dspy_metric import EXAMPLE, Metric, outputs_from
from domains.imports.dspy_source import Source, Wanted
from domains.rows import key_of
from domains.settings import Settings
from meta_search.errors import DomainError

__all__ = ["TRIED", "Reader", "tried"]

QUESTIONS = ("question", "input", "query", "text", "prompt", "problem")
REASONING = ("reasoning", "rationale", "thinking")  # what modules add; no metric needs it
TRIED = 8  # examples that the metric is tried with
LATE_S = 10  # after which a metric that is tried is told of
ASKED = "the metric is tried without a model"


class Reader:
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
        with self._source.at_work(ask), tried(self._source.path), contextlib.suppress(Exception, SystemExit):
            function = self._source.function(self._wanted.name)
            given = pair[::-1] if self._wanted.style == "candidate" else pair
            value = function(*given, *[None] * self._wanted.fill)
            if inspect.iscoroutine(value):
                value.close()
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


@contextlib.contextmanager
def tried(path: Path) -> Iterator[None]:
    """A metric is tried within: what it prints is not shown, and a line is if it takes long."""

    def tell() -> None:
        print(
            f"{path.name}: the metric has been at one example for {LATE_S} s; Ctrl-C ends it", file=sys.stderr
        )

    timer = threading.Timer(LATE_S, tell)
    timer.daemon = True
    timer.start()
    try:
        with contextlib.redirect_stdout(io.StringIO()):
            yield
    finally:
        timer.cancel()


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
