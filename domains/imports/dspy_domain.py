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

import hashlib
import pickle
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

from domains.domain import Confined, Item, Score
from domains.fallible import MOST_ANSWER, Fallible
from domains.imports.dealing import Named, dealt
from domains.imports.dspy_fields import ask_for
from domains.imports.dspy_metric import Metric
from domains.imports.dspy_reader import TRIED, Reader, tried
from domains.imports.dspy_source import Source, Wanted
from domains.settings import Settings
from domains.user_file import Ask
from domains.wording import WORDING, find_labels, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.text import one_line
from meta_search.types import SPLITS

__all__ = ["DspyDomain"]


class DspyDomain(Fallible):
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
        reader = Reader(source, sets, wanted, settings)
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

    def _scored(self, item: Item, answer: str, ask: Ask | None) -> Score:
        return self._score(item, answer[:MOST_ANSWER], ask=ask)

    def _confinement(self, source: Source, wanted: Wanted, reader: Reader) -> Confined | None:
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

    def _say(self, source: Source, wanted: Wanted, reader: Reader, settings: Settings) -> None:
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
        shown = [item for split in SPLITS for item in self._items[split][:TRIED] if item.target]
        for item in shown:
            try:
                with tried(self._path):
                    self._score(item, item.target)
            except DomainError as error:
                failed = failed or error
            else:
                return
        if failed is not None:
            raise failed


def _whole(source: Source, name: str, default: int) -> int:
    value = getattr(source.module, name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        raise DomainError(f"{source.path}: {name} must be a whole number, not {value!r:.40}")
    return value
