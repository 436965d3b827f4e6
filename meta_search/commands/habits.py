"""How agents and authors used models in earlier runs of the same domain, for the estimate of the next one."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from archive.records import Archive
from meta_search.config import Config
from meta_search.errors import MetaSearchError
from meta_search.run.folder import earlier_runs, read_config
from meta_search.types import Usage

__all__ = ["ASSUMED", "Habit", "Sums", "habit_of"]

MOST_RUNS = 5
MOST_AGENTS = 2000  # a larger archive takes long to read, and one run is not the only one


@dataclass(frozen=True, slots=True)
class Habit:
    """What an agent needs for an item, and an author for a candidate.

    Attributes:
        calls: Per item. prompt, completion: Tokens of such a call.
        share: Of the train items that racing lets an agent run, 0..1.
        meta_calls: Per candidate of the llm author. meta_prompt, meta_completion: tokens of such a call.
        basis: Where the figures come from, for people.
    """

    calls: float
    prompt: float
    completion: float
    share: float
    meta_calls: float
    meta_prompt: float
    meta_completion: float
    basis: str

    def task(self, items: float) -> Usage:
        """What so many items need."""
        calls = items * self.calls
        return Usage(round(calls), round(calls * self.prompt), round(calls * self.completion))

    def meta(self, written: float, taught: float) -> Usage:
        """What so many candidates of the llm author need, and so many examples that a teacher works."""
        calls = written * self.meta_calls
        prompt = calls * self.meta_prompt + taught * self.prompt
        completion = calls * self.meta_completion + taught * self.completion
        return Usage(round(calls + taught), round(prompt), round(completion))


# Composed agents make 1 to 3 calls, published ones a median of 8 (FACTS.md of this project).
ASSUMED = {"composer": 2.0, "mixed": 4.0, "llm": 8.0}


def assumed(config: Config) -> Habit:
    """What is taken for granted where there is no earlier run."""
    author = config.author
    calls = ASSUMED.get(author.name, 8.0)
    steps = 1 + (1 if author.reflexions is None else author.reflexions) + 0.5 * min(author.debug_rounds, 2)
    plan = author.formats == ("plan",)
    prompt, completion = 350.0, min(150.0, config.llm.max_tokens)
    return Habit(
        calls=calls,
        prompt=prompt,
        completion=completion,
        share=0.6,
        meta_calls=steps,
        meta_prompt=900.0 if plan else 2000.0,
        meta_completion=min(200.0 if plan else 600.0, author.max_tokens),
        basis=f"assuming {calls:g} calls an item and {prompt + completion:g} tokens a call",
    )


@dataclass(frozen=True, slots=True)
class Sums:
    """What runs came to: items with what they used, train items run and planned, the meta agent's work."""

    runs: int = 0
    items: int = 0
    used: Usage = field(default_factory=Usage)
    raced: int = 0
    planned: int = 0
    briefs: int = 0
    meta: Usage = field(default_factory=Usage)

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.runs + other.runs,
            self.items + other.items,
            self.used + other.used,
            self.raced + other.raced,
            self.planned + other.planned,
            self.briefs + other.briefs,
            self.meta + other.meta,
        )

    def habit(self, config: Config) -> Habit:
        """As a habit; what the runs do not tell is assumed."""
        other = assumed(config)
        calls, meta = max(1, self.used.calls), max(1, self.meta.calls)
        asked = self.briefs > 0 and self.meta.calls > 0
        runs = "an earlier run" if self.runs == 1 else f"{self.runs} earlier runs"
        each, tokens = self.used.calls / self.items, self.used.tokens / calls
        source = f"as in {runs} of {config.domain.name}"
        return Habit(
            calls=each,
            prompt=self.used.prompt_tokens / calls,
            completion=self.used.completion_tokens / calls,
            share=min(1.0, self.raced / self.planned) if self.planned else other.share,
            meta_calls=self.meta.calls / self.briefs if asked else other.meta_calls,
            meta_prompt=self.meta.prompt_tokens / meta if asked else other.meta_prompt,
            meta_completion=self.meta.completion_tokens / meta if asked else other.meta_completion,
            basis=f"{source}: {each:.1f} calls an item, {tokens:.0f} tokens a call",
        )


def habit_of(config: Config, but: Path) -> Habit:
    """What earlier runs of the same domain with the same models tell; assumptions where there are none.

    Args:
        config: The run that is to be estimated. but: Its own folder.
    """
    found = Sums()
    for folder in earlier_runs(config, but):
        if found.runs >= MOST_RUNS:
            break
        found += _sums(folder, config)
    return found.habit(config) if found.items and found.used.calls else assumed(config)


def _sums(folder: Path, config: Config) -> Sums:
    """What one run came to; nothing for a run of something else, or one that cannot be read."""
    try:
        earlier = read_config(folder)
        if _alike(earlier) != _alike(config):
            return Sums()
        with Archive(folder) as archive:
            if archive.meta("kind") == "evaluate" or len(archive) > MOST_AGENTS:
                return Sums()
            evaluations = [e for r in archive.agents() for e in r.evaluations.values()]
            train = [e for e in evaluations if e.split == "train"]
            longest = max((e.items for e in train), default=0)
            briefs = sum(event.data.get("author") in ("llm", "adas") for event in archive.events("ask"))
            meta = archive.usage().get("meta", Usage())
    except (MetaSearchError, OSError):
        return Sums()
    return Sums(
        runs=1,
        items=sum(e.items for e in evaluations),
        used=sum((e.used for e in evaluations), Usage()),
        raced=sum(e.items for e in train) if earlier.evaluate.racing else 0,
        planned=longest * len(train) if earlier.evaluate.racing else 0,
        briefs=briefs,
        meta=meta,
    )


def _alike(config: Config) -> tuple[object, ...]:
    """What two runs must share for one to tell of the other."""
    llm, domain = config.llm, config.domain
    return domain.name, domain.path, llm.provider, llm.task.model, llm.meta.model, config.author.name
