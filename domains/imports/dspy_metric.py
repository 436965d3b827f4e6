"""Scores answers by a metric of DSPy or GEPA, here or in a process of its own."""

from __future__ import annotations

import contextlib
import inspect
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from domains.domain import Item, Score
from domains.imports import dspy_lm
from domains.imports.dspy_fields import Output, read_answer, target_of, text_of
from domains.imports.dspy_source import Source, Wanted
from domains.user_file import Ask, guarded
from meta_search.errors import DomainError

__all__ = ["EXAMPLE", "Metric", "make_scorer", "outputs_from", "score_of"]

EXAMPLE = "example"  # of an item's data: the user's object, as its file made it
UNASKED = "the metric asks a model, which nobody could tell before: add `asks = True` to the file"
MOST_FEEDBACK = 20_000  # characters


class Metric:
    """A metric as a scorer: `score(item, answer, run, ask)`.

    Args:
        source: The file.
        wanted: Its metric.
        outputs: The fields of its predictions.
        asks: Whether it asks a model.

    Attributes:
        asks: As given.
    """

    def __init__(self, source: Source, wanted: Wanted, outputs: Sequence[Output], asks: bool) -> None:
        self._source, self._wanted, self._outputs = source, wanted, tuple(outputs)
        self._function = source.function(wanted.name)
        self.asks = asks
        self._scale = _scale(source)

    def __call__(self, item: Item, answer: str, run: Any = None, ask: Ask | None = None) -> Score:
        """What the metric says of an answer; one that cannot be read as a prediction is worth 0.

        Raises:
            DomainError: The metric raised, or gave no score; names the line.
        """
        try:
            prediction = self.prediction(answer)
        except ValueError as error:
            return Score(0.0, str(error))
        failed: list[Exception] = []
        value = guarded(self._source.path, self._call, self._wanted.name, item, prediction, ask, failed)
        if failed:  # the metric may have made a 0 of it
            raise DomainError(f"{self._wanted.name} failed: {failed[0]}") from failed[0]
        scored: Score = guarded(
            self._source.path, lambda: score_of(value, self._scale), f"{self._wanted.name}(…)"
        )
        return scored

    def prediction(self, answer: str) -> Any:
        """What the metric is handed for an answer.

        Raises:
            ValueError: A field is missing, or is nothing that its signature allows; says which.
        """
        if self._wanted.style != "metric":
            return answer.strip()
        fields = read_answer(self._outputs, answer)
        kinds = {output.name: output.kind for output in self._outputs}
        typed = {name: _typed(name, value, kinds[name]) for name, value in fields.items()}
        return self._source.dspy.Prediction(**typed) if self._source.dspy is not None else _Plain(typed)

    def sample(self, example: Any) -> str:
        """The example's own labels as an answer, as far as it has them."""
        values = dict(example.items())
        return target_of(self._outputs, {o.name: values.get(o.name, "?") for o in self._outputs})

    def _call(self, item: Item, prediction: Any, ask: Ask | None, failed: list[Exception]) -> Any:
        given, _ = dspy_lm.refusing(UNASKED)
        example = self.example(item.data[EXAMPLE])
        pair = (prediction, example) if self._wanted.style == "candidate" else (example, prediction)

        def remembered(messages: Any, model: str, max_tokens: int | None, temperature: float) -> str:
            try:
                return (ask or given)(messages, model, max_tokens, temperature)
            except Exception as error:
                failed.append(error)
                raise

        with self._source.at_work(remembered):
            return self._function(*pair, *[None] * self._wanted.fill)

    def example(self, example: Any) -> Any:
        """What the metric is handed for an example: a dict as `dspy.Example`, but for GEPA's evaluators."""
        if self._wanted.style == "metric" and isinstance(example, Mapping) and self._source.dspy is not None:
            return self._source.dspy.Example(**example)
        return example


def make_scorer(
    path: str, metric: Mapping[str, Any], outputs: Sequence[Mapping[str, Any]], place: str, asks: bool
) -> Metric:
    """The scorer of a file, in the scorer's process: its lists are loaded with it, its functions not called.

    Args:
        path: The file.
        metric: Fields of `Wanted`.
        outputs: `name`, `description` and `parsed` of each output.
        place: Of the signature that has their types, or `""`.
        asks: Whether the metric asks a model.

    Raises:
        DomainError: The file cannot be loaded.
    """
    source = Source(Path(path))
    scorer = Metric(source, Wanted(**metric), outputs_from(source, outputs, place), asks)
    _rehearse(source, scorer)
    return scorer


def outputs_from(source: Source, outputs: Sequence[Mapping[str, Any]], place: str) -> list[Output]:
    """Outputs with the types of a signature of the file."""
    fields = source.signature(place).output_fields if place else {}
    kinds = {name: field.annotation for name, field in fields.items()}
    return [Output(kind=kinds.get(output["name"], Any), **output) for output in outputs]


def _rehearse(source: Source, scorer: Metric) -> None:
    """Score once and ask once, so that all is imported that a child without files needs."""

    def ask(messages: Any, model: str, max_tokens: int | None, temperature: float) -> str:
        return "[[ ## answer ## ]]\nyes\n\n[[ ## completed ## ]]"

    if scorer.asks and source.dspy is not None:
        with source.at_work(ask):
            source.dspy.Predict("question -> answer")(question="?")
    for example in source.at_hand():
        with contextlib.suppress(Exception):
            scorer(Item("", "?", "", "", {EXAMPLE: example}), scorer.sample(example), ask=ask)


def score_of(value: Any, scale: float = 1.0) -> Score:
    """What a metric returned, as a score with its feedback.

    Args:
        value: A bool, a number, what has `score` and `feedback` (`dspy.Prediction`, GEPA's
            `EvaluationResult`), a dict with these keys, or a pair of score and feedback or side information.
        scale: The best score.

    Raises:
        TypeError: It is none of these.
        ValueError: It is not in 0..scale.
    """
    feedback: Any = ""
    if isinstance(value, Mapping):
        value, feedback = value.get("score"), value.get("feedback")
    elif not isinstance(value, bool | int | float) and hasattr(value, "score"):
        value, feedback = value.score, getattr(value, "feedback", "")
    elif isinstance(value, tuple | list) and len(value) in (2, 3):
        value, feedback = value[:2]
        if isinstance(value, str) and isinstance(feedback, int | float):
            raise TypeError("a metric must return (score, feedback), not (feedback, score)")
    if inspect.iscoroutine(value):
        value.close()  # nobody will await it
        raise TypeError("the metric is async: give a plain function, which may call asyncio.run(…)")
    if getattr(value, "ndim", None) == 0 and hasattr(value, "item"):
        value = value.item()
    if not isinstance(value, bool | int | float):
        raise TypeError(
            "a metric must return a bool, a number, dspy.Prediction(score=…, feedback=…), a dict of these or "
            f"(score, feedback), not {type(value).__name__}"
        )
    share = float(value) / scale
    if math.isnan(share):
        raise ValueError(f"returned nan: a score must be a number in 0..{scale:g}")
    if share < -1e-9:
        raise ValueError(f"returned {value:g}: a score must be in 0..{scale:g}, none below 0")
    if share > 1 + 1e-9:
        raise ValueError(
            f"returned {value:g}, which is not in 0..{scale:g}: add `scale = …`, the best score, to the file"
        )
    return Score(min(max(share, 0.0), 1.0), _said(feedback)[:MOST_FEEDBACK])


def _said(feedback: Any) -> str:
    """Feedback as text; of GEPA's side information, a line for each part but the scores."""
    if isinstance(feedback, Mapping):
        return "\n".join(f"{key}: {text_of(inner)}" for key, inner in feedback.items() if key != "scores")
    if isinstance(feedback, list | tuple) and all(isinstance(part, str) for part in feedback):
        return "\n".join(feedback)
    return text_of(feedback)


def _typed(name: str, value: Any, kind: Any) -> Any:
    """A value as a signature's type, as DSPy's adapters read it.

    Raises:
        ValueError: It is none.
    """
    if kind is Any or kind is str:
        return value
    try:
        return dspy_lm.read_as(kind, value)
    except Exception as error:
        told = getattr(kind, "__name__", "") or str(kind).replace("typing.", "")
        raise ValueError(f"{name}: {str(value)[:80]!r} is no {told}") from error


def _scale(source: Source) -> float:
    scale = getattr(source.module, "scale", 1.0)
    if isinstance(scale, bool) or not isinstance(scale, int | float) or not 0 < scale < math.inf:
        raise DomainError(f"{source.path}: scale must be a number above 0, the best score, not {scale!r:.40}")
    return float(scale)


class _Plain(dict[str, Any]):
    """A prediction for a file that does without DSPy."""

    def __getattr__(self, name: str) -> Any:
        try:
            return self[name]
        except KeyError:
            raise AttributeError(f"the prediction has no field {name!r}, only {', '.join(self)}") from None
