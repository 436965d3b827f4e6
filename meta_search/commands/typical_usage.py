"""How agents and authors used models in earlier runs of the same domain, to estimate the next run."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from pathlib import Path

from archive.guard import making_sense
from archive.records import Archive
from meta_search.authors.registry import AUTHORS
from meta_search.config import Config
from meta_search.engine.windows import prompt_room
from meta_search.errors import MetaSearchError
from meta_search.llm.takes import Takes
from meta_search.run.folder import earlier_runs, read_config, same_task
from meta_search.run.ownership import is_own
from meta_search.types import Usage

__all__ = ["Sums", "TypicalUsage", "typical_usage_of"]

MOST_RUNS = 5
# Tokens of thinking that a call is assumed to take where the model's name says that it thinks.
STEPS_TAKEN, LOOKED_UP = 0.7, 12_000.0  # share of `author.steps`; tokens of such a prompt on average
PROMPT, AROUND = 350.0, 150.0  # tokens of a prompt, and of what stands in it around a long question
THOUGHT = 800.0
SEEN, SHOWN_ITEMS = 5_000.0, 8.0  # of a prompt of the meta agent, and how many questions stand in it
THOUGHT_OF_PROGRAMS = 4000.0
MOST_AGENTS = 2000  # a larger archive takes long to read, and one run is not the only one


@dataclass(frozen=True, slots=True)
class TypicalUsage:
    """What an agent typically uses for an item, and the meta model for a candidate.

    Attributes:
        calls: Of an agent per item.
        prompt: Tokens of such a call that the model reads.
        completion: Tokens of such a call that the model writes.
        share: Of the train items that racing lets an agent run, 0..1.
        meta_calls: Of the meta model per candidate that it writes.
        meta_prompt: Tokens of such a call that the model reads.
        meta_completion: Tokens of such a call that the model writes.
        basis: Where the figures come from, for users.
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
        """What running agents takes.

        Args:
            items: Items to run, over all agents.
        """
        calls = items * self.calls
        return Usage(round(calls), round(calls * self.prompt), round(calls * self.completion))

    def meta(self, written: float, taught: float) -> Usage:
        """What writing takes.

        Args:
            written: Candidates that the meta model writes.
            taught: Examples that it works through as a teacher.
        """
        calls = written * self.meta_calls
        prompt = calls * self.meta_prompt + taught * self.prompt
        completion = calls * self.meta_completion + taught * self.completion
        return Usage(round(calls + taught), round(prompt), round(completion))


def assumed(config: Config, question: float = 0.0) -> TypicalUsage:
    """What is assumed where there is no earlier run.

    Args:
        config: The run that is to be estimated.
        question: Tokens of a question; long ones, as passages, take the place of what is assumed for prompts.
    """
    author = config.author
    calls = AUTHORS[author.name].calls_per_item
    steps: float = (
        1 + (1 if author.reflexions is None else author.reflexions) + 0.5 * min(author.debug_rounds, 2)
    )
    operators, embedded = config.search.operators, config.llm.provider == "local"
    if not embedded and "novel" in operators:  # which begins with ideas
        steps += 1 / len(operators)
    steps += 1 / author.lessons if author.lessons else 0
    if AUTHORS[author.name].looks:  # a step is a call, and each reads what was said before it
        steps = author.steps * STEPS_TAKEN
    plan = author.formats == ("plan",)
    seen = 900.0 if plan and embedded else min(prompt_room(config), SEEN + SHOWN_ITEMS * question)
    prompt, completion = max(PROMPT, AROUND + question), min(150.0, config.llm.max_tokens)
    thought = min(THOUGHT, 4.0 * config.llm.max_tokens) if Takes.of(config.llm.task.model).thinks else 0.0
    writers = config.llm.meta_models.values()
    pondered = THOUGHT_OF_PROGRAMS if any(Takes.of(model.model).thinks for model in writers) else 0.0
    thinking = f", of which {thought:g} are thinking" if thought else ""
    completion += thought
    return TypicalUsage(
        calls=calls,
        prompt=prompt,
        completion=completion,
        share=0.6,
        meta_calls=steps,
        meta_prompt=LOOKED_UP if AUTHORS[author.name].looks else seen,
        meta_completion=pondered + min(200.0 if plan else 600.0, author.max_tokens or math.inf),
        basis=f"assuming {calls:g} calls an item and {prompt + completion:.0f} tokens a call{thinking}",
    )


@dataclass(frozen=True, slots=True)
class Sums:
    """Totals over several runs.

    Attributes:
        runs: How many runs.
        others: How many of these are not signed by this user.
        items: Items that agents were run on.
        used: By agents on these items.
        raced: Train items run, of runs with racing.
        planned: Train items that would have run without racing, of the same runs.
        briefs: Briefs that the meta model wrote for.
        meta: Used by the meta model.
    """

    runs: int = 0
    others: int = 0
    items: int = 0
    used: Usage = field(default_factory=Usage)
    raced: int = 0
    planned: int = 0
    briefs: int = 0
    meta: Usage = field(default_factory=Usage)

    def __add__(self, other: Sums) -> Sums:
        return Sums(
            self.runs + other.runs,
            self.others + other.others,
            self.items + other.items,
            self.used + other.used,
            self.raced + other.raced,
            self.planned + other.planned,
            self.briefs + other.briefs,
            self.meta + other.meta,
        )

    def typical(self, config: Config) -> TypicalUsage:
        """The averages; what the runs do not show is assumed."""
        other = assumed(config)
        calls, meta = max(1, self.used.calls), max(1, self.meta.calls)
        asked = self.briefs > 0 and self.meta.calls > 0
        runs = "an earlier run" if self.runs == 1 else f"{self.runs} earlier runs"
        each, tokens = self.used.calls / self.items, self.used.tokens / calls
        unsigned = f" ({self.others} not signed by you)" if self.others else ""
        source = f"as in {runs} of {config.domain.name}{unsigned}"
        return TypicalUsage(
            calls=each,
            prompt=self.used.prompt_tokens / calls,
            completion=self.used.completion_tokens / calls,
            share=min(1.0, self.raced / self.planned) if self.planned else other.share,
            meta_calls=self.meta.calls / self.briefs if asked else other.meta_calls,
            meta_prompt=self.meta.prompt_tokens / meta if asked else other.meta_prompt,
            meta_completion=self.meta.completion_tokens / meta if asked else other.meta_completion,
            basis=f"{source}: {each:.1f} calls an item, {tokens:.0f} tokens a call",
        )


def typical_usage_of(config: Config, but: Path, question: float = 0.0) -> TypicalUsage:
    """The averages of earlier runs of the same domain with the same models; assumptions without any.

    Args:
        config: The run that is to be estimated.
        but: Its own folder, which is left out.
        question: Tokens of a question, for what is assumed.
    """
    found = Sums()
    for folder in earlier_runs(config, but):
        if found.runs >= MOST_RUNS:
            break
        found += _sums(folder, config)
    return found.typical(config) if found.items and found.used.calls else assumed(config, question)


def _sums(folder: Path, config: Config) -> Sums:
    """The totals of one run; empty for a run of something else, or one that cannot be read."""
    try:
        earlier = read_config(folder)
        if not (same_task(earlier, config) and earlier.author.name == config.author.name):
            return Sums()
        with Archive(folder) as archive, making_sense(archive.path):
            if archive.meta("kind") == "evaluate" or len(archive) > MOST_AGENTS:
                return Sums()
            evaluations = [e for r in archive.agents() for e in r.evaluations.values()]
            train = [e for e in evaluations if e.split == "train"]
            longest = max((e.items for e in train), default=0)
            briefs = sum(_asks_model(event.data.get("author")) for event in archive.events("ask"))
            meta = archive.usage().get("meta", Usage())
    except (MetaSearchError, OSError):
        return Sums()
    return Sums(
        runs=1,
        others=int(not is_own(folder)),
        items=sum(e.items for e in evaluations),
        used=sum((e.used for e in evaluations), Usage()),
        raced=sum(e.items for e in train) if earlier.evaluate.racing else 0,
        planned=longest * len(train) if earlier.evaluate.racing else 0,
        briefs=briefs,
        meta=meta,
    )


def _asks_model(author: str | None) -> bool:
    """Whether the meta model writes for an author; no for one of another version."""
    return author in AUTHORS and AUTHORS[author].asks_model
