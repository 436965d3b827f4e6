"""What a run will need, told before anything is sent: calls, tokens and money, and how sure that is."""

from __future__ import annotations

import math
import statistics
from collections.abc import Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, replace

from archive.records import Archive
from domains.perturb.registry import PERTURBATIONS
from meta_search.authors.reflect import MINIBATCH
from meta_search.authors.registry import AUTHORS
from meta_search.commands.typical_usage import TypicalUsage, typical_usage_of
from meta_search.config import CANDIDATES, Config
from meta_search.engine.pool import limits, teaches_first
from meta_search.errors import ConfigError
from meta_search.final.qualifying import MOST_BASELINES
from meta_search.report.tables import usd_text
from meta_search.run.judge_check import planned_calls
from meta_search.run.run import Run
from meta_search.run.session import Session
from meta_search.text import override
from meta_search.types import OUTSIDE, SPLITS, Candidate, ItemJob, ItemResult, Split, Usage

__all__ = [
    "Declined",
    "Estimate",
    "before_evaluation",
    "before_search",
    "estimate_evaluation",
    "estimate_search",
]

Prices = Mapping[str, Mapping[str, float]]  # model -> {input, output}, USD per million tokens

DRAFTS_EACH = 2  # of `reflect`, of which one is dropped after its minibatch
MATCHED = 2  # and the best of them sampled, at the used cost of a finalist
MOST_DRY = 64  # agents that are run dry; the others are taken to be like them
DRY_S = 10.0  # for all of them together
# Where more seeds than a few take more than such a share of what the search may spend, a line says so.
FEW_SEEDS, MOST_FOR_SEEDS = 2, 0.5
VERDICT = 80  # tokens of a judge's reply
OUTSIDE_NOTE = "the program of author.command has a cost of its own, which isn't counted"
TOKENS_AROUND = 60  # of a prompt, besides the last user message


@dataclass(frozen=True, slots=True)
class Judging:
    """What the matcher `judge` will ask.

    Attributes:
        share: Of the items, those whose answers it judges, with one call each; 0..1.
        checks: Calls that try it before the run.
        prompt: Tokens of a call that it reads.
    """

    share: float = 0.0
    checks: int = 0
    prompt: float = 0.0

    def usage(self, answers: float) -> Usage:
        """What judging that many answers takes, and trying the judge."""
        calls = self.share * answers + self.checks
        return Usage(round(calls), round(calls * self.prompt), round(calls * VERDICT))

    @property
    def notes(self) -> list[str]:
        """A line on them."""
        tried = f"{self.checks} try it before" if self.checks else "it is not tried before"
        return [f"the judge's calls are among these: one an answer, and {tried}"] if self.share else []


class Declined(ConfigError):
    """The question before the start was answered with no."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run is likely to need.

    Attributes:
        usage: Calls and tokens, and USD as far as prices are known; within the budget.
        basis: Where the figures come from.
        notes: What bounds them, and what is not known; a line each.
    """

    usage: Usage
    basis: str
    notes: tuple[str, ...] = ()

    def lines(self) -> list[str]:
        """As they are printed."""
        u = self.usage
        money = f", {usd_text(u.cost_usd)}" if u.cost_usd else ""
        head = f"estimate: about {_round(u.calls):,} calls, {_round(u.tokens):,} tokens{money} ({self.basis})"
        return [head, *(f"estimate: {note}" for note in self.notes)]


def _on_seeds(config: Config, seeds: int, used: Usage) -> list[str]:
    """A line where the seeds leave candidates little of the budget.

    Args:
        config: The configuration.
        seeds: How many there are.
        used: What they take on train items.
    """
    for name, need in (("calls", used.calls), ("tokens", used.tokens)):
        limit = getattr(config.budget, name)
        if limit is None or seeds <= FEW_SEEDS:
            continue
        if need > limit * (1 - config.budget.final_share) * MOST_FOR_SEEDS:
            return [
                f"the {seeds} seeds alone would take about {_round(need):,} {name} of "
                f"budget.{name}={_plain(limit)}: those that ask several times an item wait, and some may "
                "not run; search.seeds=[direct,chain_of_thought] starts from two"
            ]
    return []


def _plain(limit: float) -> str:
    """As a user types it: no exponent."""
    return str(int(limit)) if limit == int(limit) else f"{limit:g}"


def _round(n: int) -> int:
    """Two digits: more would look surer than it is."""
    digits = max(0, len(str(n)) - 2)
    return round(n, -digits)


def estimate_search(
    config: Config,
    planned: Mapping[Split, int],
    seeds: int,
    typical: TypicalUsage,
    prices: Prices,
    judging: Judging = Judging(),
) -> Estimate:
    """What a search is likely to need.

    Candidates and seeds run on train, as far as racing lets them; those among the best on arrival run on
    validation; finalists and baselines on test.

    Args:
        config: The configuration.
        planned: Split -> item × repeat pairs of a whole evaluation.
        seeds: Agents that it starts from.
        typical: What agents and authors need.
        prices: The price table in use.
        judging: What a judge of answers will ask.
    """
    search, racing = config.search, config.evaluate.racing
    share = typical.share if racing else 1.0
    candidates = CANDIDATES if search.candidates is None else search.candidates
    train = (seeds + candidates) * planned["train"] * share
    promoted = _best_so_far(seeds, search.finalists) + _best_so_far(candidates, search.finalists + 1)
    validated = promoted * planned["validation"]
    matched = MATCHED if seeds and search.finalists else 0
    tested = (search.finalists + min(seeds, MOST_BASELINES) + matched) * planned["test"]
    written = candidates * AUTHORS[config.author.name].model_share
    tried = _tried(search.operators, written) if planned["train"] else 0.0
    task = typical.task(train + validated + tested + tried)
    meta = typical.meta(written, _taught(config, planned.get("examples", 0), typical))
    spared = f", racing spares {1 - share:.0%} of the train items" if racing and share < 0.995 else ""
    basis = f"{typical.basis}{spared}" + (
        "" if search.candidates is not None else f", {CANDIDATES} candidates"
    )
    each = typical.calls * (typical.prompt + typical.completion)
    judged = judging.usage(train + validated + tested + tried)
    told = [*judging.notes, *([OUTSIDE_NOTE] * (config.author.name in OUTSIDE))]
    told += _on_seeds(config, seeds, typical.task(seeds * planned["train"] * share))
    return _bounded(config, task, meta, basis, prices, each, judged, told)


def _tried(operators: Sequence[str], written: float) -> float:
    """Items on which children of `reflect` are tried before they are evaluated, or dropped."""
    return written * operators.count("reflect") / max(1, len(operators)) * MINIBATCH * DRAFTS_EACH


def _taught(config: Config, examples: int, typical: TypicalUsage) -> float:
    """Examples that the meta model works, as a program and as an answer, within its share of the budget."""
    if "bootstrap" not in config.search.operators and not teaches_first(config):
        return 0.0
    each = Usage(1, round(typical.prompt), round(typical.completion))
    return min(2.0 * examples, limits(config).holds(each))


def _best_so_far(n: int, k: int) -> float:
    """How many of `n` in random order are among the best `k` when they come: k (1 + ln(n / k))."""
    return float(n) if n <= k else k * (1 + math.log(n / k))


def estimate_evaluation(
    config: Config,
    per_item: Sequence[Usage | None],
    items: int,
    typical: TypicalUsage,
    prices: Prices,
    judging: Judging = Judging(),
) -> Estimate:
    """What `meta-search evaluate` is likely to need.

    Args:
        config: The configuration.
        items: Item × repeat pairs that each agent runs on.
        per_item: For each agent, calls and prompt tokens of a dry run on one item; `None` where it was not
            run dry: it is taken to be like the others, or, where there are none, like `typical`.
        typical: What a call costs.
        prices: The price table in use.
        judging: What a judge of answers will ask.
    """
    known = [u for u in per_item if u is not None]
    calls = statistics.fmean(u.calls for u in known) if known else typical.calls
    prompt = statistics.fmean(u.prompt_tokens for u in known) if known else typical.calls * typical.prompt
    total_calls = sum(u.calls if u else calls for u in per_item) * items
    total_prompt = sum(u.prompt_tokens if u else prompt for u in per_item) * items
    task = Usage(round(total_calls), round(total_prompt), round(total_calls * typical.completion))
    agents = "1 agent" if len(per_item) == 1 else f"{len(per_item)} agents"
    basis = f"{agents} × {items} items"
    if known:
        counted = "calls counted" if len(known) == len(per_item) else f"calls of {len(known)} agents counted"
        basis += f", {counted} in a free dry run"
    else:
        basis += f", {typical.basis}"
    tokens = [u.prompt_tokens + u.calls * typical.completion for u in known]
    each = max(tokens, default=prompt + calls * typical.completion)
    judged = judging.usage(len(per_item) * items)
    return _bounded(config, task, Usage(), basis, prices, each, judged, judging.notes)


def _bounded(
    config: Config,
    task: Usage,
    meta: Usage,
    basis: str,
    prices: Prices,
    each: float,
    judge: Usage,
    told: Sequence[str],
) -> Estimate:
    """Priced, and cut where the budget ends the run before; `each` is what an item of an agent may take."""
    models = {"task": config.llm.task.model, "meta": config.llm.meta.model}
    models["judge"] = config.llm.judge.model or models["meta"]
    writers = [model.model for model in config.llm.meta_models.values()]
    usage = Usage()
    for used, asked in ((task, [models["task"]]), (meta, writers), (judge, [models["judge"]])):
        usd = statistics.fmean(_usd(used, prices.get(model, {})) for model in asked)  # each as often
        usage += replace(used, cost_usd=usd)
    notes = list(told)
    budget = config.budget
    limits = (("calls", usage.calls), ("tokens", usage.tokens), ("usd", usage.cost_usd))
    shares = {
        name: limit / need
        for name, need in limits
        if (limit := getattr(budget, name)) is not None and need > limit
    }
    if shares:
        first = min(shares, key=lambda name: shares[name])
        usage = _scaled(usage, shares[first])
        notes.append(f"budget.{first}={_plain(getattr(budget, first))} is likely to stop the run early")
    if (most := config.sandbox.tokens) is not None and each > most:
        notes.append(
            f"an agent uses about {_round(round(each)):,} tokens an item; sandbox.tokens={most} ends it"
        )
    if budget.wall_s is not None:
        notes.append(f"it stops after {budget.wall_s:.0f} s at the latest (budget.wall_s)")
    if config.llm.provider != "local":
        used_models = [models["task"], *(writers if meta.calls else ())]
        used_models += [models["judge"]] if judge.calls else []
        unpriced = [m for m in dict.fromkeys(used_models) if not _price_known(config, m, prices)]
        notes += [f"no price is known for {model}: name it, as {_price(model)}" for model in unpriced]
    return Estimate(usage, basis, tuple(notes))


def _usd(used: Usage, price: Mapping[str, float]) -> float:
    usd = used.prompt_tokens * price.get("input", 0.0) + used.completion_tokens * price.get("output", 0.0)
    return usd / 1e6


def _price(model: str) -> str:
    return override("llm.prices", {model: {"input": 0.15, "output": 0.6}})


def _price_known(config: Config, model: str, prices: Prices) -> bool:
    return model in config.llm.prices or any(prices.get(model, {}).values())


def _scaled(usage: Usage, share: float) -> Usage:
    return Usage(
        int(usage.calls * share),
        int(usage.prompt_tokens * share),
        int(usage.completion_tokens * share),
        usage.cost_usd * share,
    )


def before_search(run: Run) -> None:
    """Tell what a search will need, and ask where money would be spent without a limit.

    Args:
        run: The run at work; its members are the seeds.

    Raises:
        Declined: The answer was no.
    """
    config = run.config
    if config.llm.mode == "replay":  # nothing is sent
        return
    planned = {split: run.runner.planned(split) for split in SPLITS}
    items = run.runner.items("train")
    question = statistics.fmean(len(item.question) for item in items) / 4 if items else 0.0
    typical = typical_usage_of(config, run.session.folder, question)
    judging, prices = _judging(run, SPLITS), _prices(run.session)
    _tell(run, estimate_search(config, planned, len(run.members), typical, prices, judging), judging)


def before_evaluation(run: Run, chosen: Sequence[Candidate]) -> None:
    """Tell what an evaluation will need, its calls counted by free dry runs, and ask as `before_search`.

    Args:
        run: The run at work.
        chosen: The agents to evaluate.

    Raises:
        Declined: The answer was no.
    """
    config, runner, split = run.config, run.runner, run.config.evaluate.split
    agents, items = list({c.agent.id: c for c in chosen}.values()), runner.items(split)
    stride = max(1, math.ceil(len(agents) / MOST_DRY))
    jobs: list[ItemJob | None] = [
        runner.job(c.agent, items[0], split) if items and number % stride == 0 else None
        for number, c in enumerate(agents)
    ]
    typical = typical_usage_of(config, run.session.folder)
    counted = _dry(run.session, jobs)
    names = config.domain.perturb
    planned = runner.planned(split) * (1 + len(names))  # at the most: some items cannot be perturbed
    judging = _judging(run, (split,))
    prices = _prices(run.session)
    _tell(run, estimate_evaluation(config, counted, planned, typical, prices, judging), judging)
    if asking := [name for name in names if PERTURBATIONS[name].asks]:
        most = 2 * config.domain.perturb_tries
        run.progress.print_line(
            f"estimate: up to {most} calls an item to write and judge perturbed ones come on top "
            f"({', '.join(asking)})"
        )


def _prices(session: Session) -> Prices:
    """The price table in use: stored with the run when its gateway started."""
    with Archive(session.folder) as archive:
        return archive.meta("prices") or {}


def _dry(session: Session, jobs: Sequence[ItemJob | None]) -> list[Usage | None]:
    """Calls and prompt tokens of agents on one item, against a scripted model; `None` where it failed."""
    futures: list[Future[ItemResult] | None] = [
        None if job is None else session.evaluator.submit(replace(job, dry=True)) for job in jobs
    ]
    wait([f for f in futures if f is not None], timeout=DRY_S)
    counted: list[Usage | None] = []
    for future in futures:
        done = future is not None and future.done() and not future.cancelled() and not future.exception()
        result = future.result() if future is not None and done else None
        if future is not None and not done:
            future.cancel()
        if result is None or not result.trace:
            counted.append(None if result is None or result.kind != "ok" else Usage())
            continue
        prompt = sum(TOKENS_AROUND + len(call.prompt) // 4 for call in result.trace)
        counted.append(Usage(len(result.trace), prompt))
    return counted


def _judging(run: Run, splits: Sequence[Split]) -> Judging:
    """What the matcher `judge` will ask; nothing where there is none."""
    domain, scorer = run.session.domain, run.session.scorer
    checks, share = planned_calls(domain, scorer, splits, run.config.budget.calls)
    item = next((i for split in splits for i in domain.items(split) if scorer.judges(i)), None)
    return Judging(share, checks, scorer.judge_tokens(item)) if item is not None else Judging()


def _tell(run: Run, found: Estimate, judging: Judging) -> None:
    """Print it; ask where somebody can answer, the model costs money, and no budget was given."""
    unknown = run.session.scorer.asks and not judging.share
    judged = ("estimate: the judge's calls come on top, one or more an answer",) * unknown
    for line in (*found.lines(), *judged):
        run.progress.print_line(line)
    config = run.config
    if config.budget.amounts or not found.usage.cost_usd or not config.run.confirm:
        return
    if run.progress.ask(f"no budget is given: spend about {usd_text(found.usage.cost_usd)}?") is False:
        raise Declined("not started, nothing was spent: set a limit with budget.usd=…, or answer y")
