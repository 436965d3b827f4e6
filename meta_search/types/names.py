"""Names that stand in the archive and in messages, with what they mean."""

from __future__ import annotations

from typing import Literal, get_args

__all__ = [
    "OUTCOME_KINDS",
    "PERTURBED",
    "SCORED",
    "SEARCHED",
    "SPLITS",
    "UNSCORED",
    "FaultKind",
    "MetaName",
    "OutcomeKind",
    "Split",
]

# The last holds perturbed test items: no domain deals rows to it; see `run.perturbing`.
Split = Literal["examples", "train", "validation", "test", "perturbed"]
PERTURBED: Split = "perturbed"
SPLITS: tuple[Split, ...] = ("examples", "train", "validation", "test")  # of a domain, as a search meets them
SEARCHED: tuple[Split, ...] = ("train", "validation")  # what a search evaluates candidates on
SCORED: tuple[Split, ...] = (*SEARCHED, "test")
OutcomeKind = Literal[
    "ok",  # returned an answer, right or wrong
    "timeout",  # wall clock of the agent's own work
    "cpu",
    "memory",
    "disk",
    "output",
    "calls",  # more LLM calls than an item may make
    "tokens",  # more tokens than an item may use
    "crash",  # an exception, a signal, a death
    "refused",  # did what the sandbox forbids
    "bad_answer",  # returned something that is neither Info nor str
    "unasked",  # answered without an LLM call, where `domain.model_free=refuse`
    "llm",  # the endpoint failed, and others' calls as well: no fault of the agent
    "declined",  # the endpoint would not answer this agent's call, though it answers others
    "context",  # a prompt longer than the model's context
    "cut",  # the model was stopped at its limit of tokens before its answer was whole
    "scorer",  # the domain's scorer failed: no fault of the agent
    "budget",  # the run's budget ended before the item did
]
OUTCOME_KINDS: tuple[OutcomeKind, ...] = get_args(OutcomeKind)
# Without a verdict, as others fail on the item as well. All other kinds are the agent's own, and score 0.
UNSCORED: frozenset[OutcomeKind] = frozenset({"llm", "scorer", "budget"})
FaultKind = Literal["llm", "declined", "context", "cut", "budget"]  # what a call can fail as

# Names in the archive's table `meta`, with what they hold.
MetaName = Literal[
    "kind",  # "evaluate" for the archive of an evaluation; absent in that of a search
    "config",  # the configuration, as nested mappings
    "overrides",  # list of the overrides as they were typed
    "version",  # of meta-search, when the run began
    "fork",  # where a fork comes from, and what came along; see `run.fork`. Absent in other runs
    "domain",  # what an exported agent needs of it, and kinds of items; see `run.recording.domain_facts`
    "items",  # digest of the domain's items; see `run.recording.items_digest`
    "fingerprint",  # digests of what the run measures with; see `run.fingerprint`
    "prices",  # price table in use: model -> {input, output}, US dollars per million tokens
    "takes",  # what endpoints were found to take: model and place -> what differs; see `llm.takes.Takes`
    "amended",  # for each resume: key -> before, after, of keys that decide what the search does next
    "salt",  # what agents' seeds are hashed with, never seen by one; see `run.salt`. Absent in older runs
    "elapsed_s",  # seconds of the run so far, over all sessions
    "status",  # running: absent; stopped, cut short, reporting, done
    "end",  # why the search ended, {why, text}; see `engine.ends`. Absent or null while it runs
    "steered",  # how a person has steered the search: {paused: {who, at} or null}; see `run.steering`
    "unpaid",  # briefs since no meta model could be paid, and why: {briefs, why}; null where there are none
    "outlooks",  # what the guide expects of operators and authors at the end; see `report.guidance`
    "targets",  # what the scorer says of items' own answers; see `run.target_check`
    "judge",  # how far the judge of answers agrees with people, what sways it; see `run.judge_check`
    "perturbed",  # which test items could not be perturbed, and why; see `run.perturbing`
    "pool",  # worked examples: digest of the question, kind, form, teacher; see `report.taught`
    "best",  # id of the agent that the final report puts first
    "final",  # finalists, baselines, notes and costs; see `report.verdict.archive_verdict`
    "verdict",  # the verdict as text
]
