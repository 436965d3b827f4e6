"""A run in a tracker of experiments (`run.tracking`): parameters, scores with intervals, the best agents.

MLflow and Weights & Biases are spoken to by one file each, on a thread of their own: a tracker that is slow
or away costs a line, never the search.
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from archive.records import Archive
from meta_search.config import Config
from meta_search.errors import ConfigError
from meta_search.run.courier import Courier
from meta_search.run.secrets import stored
from meta_search.run.watch import SearchEvent
from meta_search.text import one_line

__all__ = ["TRACKERS", "Tracker", "Tracking", "check_tracking"]

TRACKERS: Mapping[str, str] = {"mlflow": "mlflow", "wandb": "wandb"}  # name -> the package it needs
SPENT_EVERY_S = 30.0
CLOSING_S = 120.0  # that the end of a run waits until all is logged
MOST_PARAMETER = 500  # characters of a value
BEST_KEPT = 20  # agents whose source is logged


class Tracker(Protocol):
    """Where a run is logged. Used by one thread; whatever it raises is told once."""

    def begin(self, name: str, key: str, parameters: Mapping[str, str]) -> None:
        """Open the run.

        Args:
            name: For people.
            key: By which it is found again when the run is resumed.
            parameters: Its configuration, key by key.
        """
        ...

    def log(self, values: Mapping[str, float], step: int) -> None:
        """Log numbers.

        Args:
            values: They, by name.
            step: Calls paid by then.
        """
        ...

    def keep(self, name: str, text: str) -> None:
        """Keep a text as an artefact under a path."""
        ...

    def end(self, summary: str, failed: bool) -> None:
        """Close the run.

        Args:
            summary: How it ended, a sentence.
            failed: Whether it ended before its end.
        """
        ...


@dataclass(frozen=True, slots=True)
class _News:
    """What is to be logged: numbers, an agent that became the best, the end."""

    step: int
    values: Mapping[str, float]
    agent: str = ""
    end: str = ""


def check_tracking(config: Config) -> None:
    """See that a tracker is known and installed; imports nothing of it.

    Raises:
        ConfigError: It is not; one line.
    """
    if not config.run.tracking:
        return
    name = config.run.tracking.partition(":")[0]
    if name not in TRACKERS:
        raise ConfigError(f"run.tracking={config.run.tracking}: must be mlflow, mlflow:URI or wandb")
    package = TRACKERS[name]
    if importlib.util.find_spec(package) is None:
        # No extra of ours: mlflow wants cachetools below the version that our other packages are tested with.
        raise ConfigError(
            f"run.tracking={name} needs the package {TRACKERS[name]}: pip install {TRACKERS[name]}"
        )


class Tracking:
    """Logs what happens in a run. Called with every `SearchEvent`, on the engine's thread.

    Args:
        config: Configuration of the run, with `run.tracking`.
        folder: The run folder.
        say: Gets a line where something could not be logged, from any thread.
        tracker: Where to, in place of what the configuration names.
    """

    def __init__(
        self, config: Config, folder: Path, say: Callable[[str], object], tracker: Tracker | None = None
    ) -> None:
        self._config, self._folder = config, folder.resolve()
        self._tracker, self._begun = tracker, False
        self._step, self._logged_at, self._ended, self._kept = 0, float("-inf"), False, 0
        self._spent: Mapping[str, float] = {}
        self._courier: Courier[_News] = Courier("run.tracking", self._deliver, say)

    def __call__(self, event: SearchEvent) -> None:
        """See whether an event is worth logging."""
        match event.kind:
            case "spent":
                self._step, self._spent = event.calls or 0, _spent(event)
                if time.monotonic() < self._logged_at + SPENT_EVERY_S:
                    return
                self._logged_at = time.monotonic()
                self._courier.send(_News(self._step, self._spent))
            case "best":
                self._courier.send(_News(self._step, _best(event), agent=event.agent or ""))
            case "done":
                self._ended = True
                took = {**self._spent, "elapsed_s": event.elapsed_s}
                self._courier.send(_News(self._step, took, event.agent or "", event.text or "done"))

    @contextlib.contextmanager
    def until_closed(self) -> Iterator[Tracking]:
        """Log how the block ends, and wait until all is logged."""
        try:
            yield self
        finally:
            if not self._ended:
                self._courier.send(_News(self._step, {}, end="ended before its end"))
            self._courier.close(CLOSING_S)

    # -- on the courier's thread

    def _deliver(self, news: _News) -> None:
        if self._tracker is None:
            self._tracker = _make(self._config.run.tracking or "", self._folder)
        if not self._begun:
            self._begun = True
            self._tracker.begin(self._folder.name, str(self._folder), parameters(self._config))
        if news.values:
            self._tracker.log(news.values, news.step)
        with Archive(self._folder) as archive:
            if news.agent and (news.end or self._kept < BEST_KEPT):
                self._keep(self._tracker, archive, news)
            if news.end:
                self._finish(self._tracker, archive, news)

    def _keep(self, tracker: Tracker, archive: Archive, news: _News) -> None:
        for record in archive.get([news.agent]):
            self._kept += 1
            head = f'"""{one_line(record.agent.name, 100)} ({record.agent.id})"""\n\n'.replace("\\", "/")
            name = "best.py" if news.end else f"best_so_far/{news.step:06d}-{record.agent.id[:8]}.py"
            tracker.keep(f"agents/{name}", head + record.agent.source)

    def _finish(self, tracker: Tracker, archive: Archive, news: _News) -> None:
        best = archive.best()
        tested = best.evaluations.get("test") if best else None
        if tested is not None:
            numbers = {"score": tested.score, "low": tested.low, "high": tested.high, "items": tested.items}
            tracker.log({f"test_{name}": float(value) for name, value in numbers.items()}, news.step)
        verdict = archive.meta("verdict") or news.end
        tracker.keep("verdict.txt", f"{verdict}\n")
        tracker.keep("config.json", json.dumps(stored(self._config), indent=1, default=str))
        tracker.end(str(verdict), failed=archive.meta("status") != "done")


def parameters(config: Config) -> dict[str, str]:
    """The configuration key by key, without keys of models."""

    def below(mapping: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, str]]:
        for key, value in mapping.items():
            if isinstance(value, Mapping) and value:
                yield from below(value, f"{prefix}{key}.")
            elif value not in (None, "", (), [], {}):
                # Trackers allow few characters in a name; names of models and headers are the user's.
                name = "".join(c if c.isalnum() or c in "_-. /" else "_" for c in f"{prefix}{key}")
                yield name[:200], one_line(value, MOST_PARAMETER)

    return {k: v for k, v in below(stored(config), "") if not k.startswith(("run.notify", "run.tracking"))}


def _spent(event: SearchEvent) -> dict[str, float]:
    paid = {"calls": event.calls, "tokens": event.tokens, "cost_usd": event.cost_usd}
    return {name: float(value or 0) for name, value in paid.items()} | {"elapsed_s": event.elapsed_s}


def _best(event: SearchEvent) -> dict[str, float]:
    values = {"score": event.score, "low": event.low, "high": event.high, "items": event.items}
    return {f"best_{event.split}_{name}": float(value) for name, value in values.items() if value is not None}


def _make(words: str, folder: Path) -> Tracker:
    name, _, address = words.partition(":")
    if name == "mlflow":
        from meta_search.run.tracking_mlflow import MlflowTracker

        return MlflowTracker(address)
    from meta_search.run.tracking_wandb import WandbTracker

    return WandbTracker(folder)
