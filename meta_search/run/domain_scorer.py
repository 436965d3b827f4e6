"""Scores answers where their domain wants it, here or confined, and decides whose fault a fault is.

A scorer that fails has given no score: a 0 in its place would be a lie. But an answer can make a scorer fail
(one that parses it, above all), and an agent must not choose which items count. So where `score` raises, or
its process dies:

1. It is tried again twice: a judge's endpoint fails now and then.
2. Else it is tried with the item's own answer, or another one. If that is scored, the failure is the answer's
   doing: a score of 0, with the line as its feedback. So it is where a judge refuses to read it, or does not
   come to an end over it. What may pass (a network, a judge's model) has to happen several times, in turns.
3. If the scorer fails on that too, the item is left out: as `llm` where a judge's model failed, else as
   `scorer`. An item whose own answer makes the scorer fail is left out for every agent from then on, so that
   none gains by it.
4. Only the end of the run's budget says nothing of any answer.

How many were left out is counted where results are delivered (`run.scorer_health`): the search stops where it
persists.
"""

from __future__ import annotations

import http.client
import re
import ssl
import threading
import urllib.error
from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from typing import Any

from domains.domain import Confined, Domain, Item, JudgeUnread, Score
from domains.matching.scoring import Scoring, accepted
from domains.user_file import as_score
from meta_search.config import SandboxConfig
from meta_search.errors import DomainError
from meta_search.sandbox.trusted.judging import JudgeFault, reply_text
from meta_search.sandbox.trusted.scorer import CONCURRENCY, ConfinedScorer, Scored
from meta_search.types import SPLITS, CallReply, CallRequest, ItemResult, OutcomeKind

__all__ = ["OWN_DOING", "Scorer", "ScorerFault"]

HINT = (
    "a scorer runs in a confined child, without network, programs, or files but its imports: read data at "
    "the top of the file, run an answer's code with score(item, answer, run), ask a judge with "
    "score(item, answer, ask), or set confined = False"
)
TRIED = 8  # items of a split, until one is scored
ASKING = 8  # answers that are scored at a time where a model judges them: it is waited for
PAUSES_S = (0.2, 1.0)  # before an answer is scored again
AGAIN = 9  # the first attempt of those beside another answer
ROUNDS = 3  # how often another answer is scored and this one is not, until that is no chance
NETWORK_S = 4.0  # and once more, where a network failed
TYPICAL = 400  # characters of an answer of which nothing is known
MOST_KEPT = 10_000  # characters of an answer that is kept to try the scorer with

# Roots of packages whose errors come from a network; and what others say of one.
NETWORK = frozenset("aiohttp anthropic botocore google httpx litellm openai requests urllib3".split())
SAYS_NETWORK = re.compile(
    r"\b(408|409|425|429|50[0-9]|52[0-9])\b|rate.?limit|too many requests|time[d ]? ?out|overloaded|"
    r"connection|temporarily",
    re.IGNORECASE,
)

OWN_DOING = ("raised", "")  # a scorer that fails by itself: it raised, or hung, died, broke its limits
JUDGES = ("llm", "declined")  # a judge's model gave no answer
PASSING = (*JUDGES, "network", "cut")  # what may have passed once another answer is scored
OTHER = "0"  # an answer to try the scorer with, where the item has none of its own and none was scored yet

FAILED = (ConnectionError, TimeoutError, urllib.error.URLError, http.client.HTTPException, ssl.SSLError)

Ask = Callable[[CallRequest], "Future[CallReply]"]


class ScorerFault(Exception):
    """An answer has no score, and not by its own doing.

    Args:
        kind: The outcome of the item: `scorer`, `llm` or `budget`.
        detail: One line that names the line of the scorer, or says what the endpoint did.
    """

    def __init__(self, kind: OutcomeKind, detail: str) -> None:
        super().__init__(detail)
        self.kind, self.detail = kind, detail


class Scorer:
    """A domain's scorer. Starts the process of one that is confined, and tries it.

    Args:
        domain: Its items and scorer.
        sandbox: Limits of a confined scorer.
        ask: Makes the calls of a scorer that takes `ask`.

    Attributes:
        concurrency: Answers that may be scored at a time.
        pool: Threads for that many; `close` ends them.
        asks: Whether the scorer asks a model.
        paid: Whether scoring an answer may cost money: it asks a model, or may use the network.

    Raises:
        DomainError: A confined scorer cannot be loaded, or fails on the answers of its own items.
        SandboxError: Its sandbox cannot be set up.
    """

    def __init__(self, domain: Domain, sandbox: SandboxConfig, ask: Ask | None = None) -> None:
        self._domain, self._ask = domain, ask
        self._confined: ConfinedScorer | None = None
        self._closing = threading.Event()
        self._broken: dict[str, str] = {}
        self._scored: dict[str, str] = {}  # item -> an answer that was scored
        confined: Confined | None = getattr(domain, "confined", None)
        self._scoring: Scoring | None = getattr(domain, "scoring", None)
        self.asks = bool(getattr(domain, "asks", False))
        wanted = int(getattr(domain, "concurrency", 0))
        self.concurrency = wanted or (ASKING if self.asks else CONCURRENCY if confined else 1)
        self.paid = self.asks or (confined is None and wanted > 0)
        self.pool = ThreadPoolExecutor(self.concurrency, thread_name_prefix="scorer")
        if confined is not None:
            most = max(CONCURRENCY, self.concurrency)
            self._confined = ConfinedScorer(confined.factory, confined.arguments, sandbox, concurrency=most)
            try:
                if not self.asks:
                    self._try()
            except BaseException:
                self.close()
                raise

    def score(self, item: Item, answer: str, result: ItemResult | None = None) -> Score:
        """Score a plain-text answer, on any thread. What the answer does to the scorer is a 0, with a line
        on it as feedback.

        Args:
            item: The item.
            answer: The answer.
            result: Whose answer it is, for the calls of a judge.

        Raises:
            ScorerFault: There is no score, and the answer is not to blame; see the module's docstring.
            SandboxError: No process can be started for a confined scorer.
        """
        if self._confined is not None and not answer.strip():
            return Score(0.0, "no answer")
        if item.id in self._broken:
            raise ScorerFault("scorer", self._broken[item.id])
        scored = self._insist(item, answer, result)
        if not scored.failed:
            if len(answer) <= MOST_KEPT and answer.strip():
                self._scored[item.id] = answer
            return Score(scored.value, scored.feedback)
        for n in range(ROUNDS if scored.kind in PASSING else 1):
            if scored.kind == "budget":
                raise ScorerFault("budget", scored.feedback)
            if not self._works(item, answer, result, AGAIN + 2 * n):
                raise ScorerFault("llm" if scored.kind in JUDGES else "scorer", scored.feedback)
            if scored.kind in PASSING:
                scored = self._once(item, answer, result, AGAIN + 2 * n + 1)
            if not scored.failed:
                break
        return Score(scored.value, scored.feedback)

    def try_target(self, item: Item) -> Scored:
        """Score an item's own answer. Where the scorer fails, the item is left out from now on."""
        scored = self._insist(item, item.target, None)
        if scored.failed and scored.kind in OWN_DOING:
            self._leave_out(item, scored.feedback)
        return scored

    def judges(self, item: Item) -> bool:
        """Whether the matcher `judge` scores an item's answers: one call each, from this process."""
        return self._scoring is not None and self._scoring.judge(item) is not None

    def judge_tokens(self, item: Item) -> float:
        """About how many tokens the judge of an item reads, where an answer is as long as the right one."""
        judge = self._scoring.judge(item) if self._scoring is not None else None
        if judge is None:
            return 0.0
        answer = item.target or TYPICAL * "x"
        return sum(map(len, judge.prompt(answer, accepted(item), item.question))) / 4

    def try_judge(self, item: Item, answer: str, swapped: bool = False) -> Scored:
        """What the judge of an item says of an answer, which no agent gave; asked once.

        Args:
            item: The item, which has a judge.
            answer: The answer.
            swapped: Whether the judge is shown it before the right one.
        """
        assert self._scoring is not None
        try:
            score = self._scoring.judged(item, answer, _blocking(self._asker(item, None, 0)), swapped)
        except Exception as error:  # noqa: BLE001 (as in `_once`)
            return _failed(error, answer)
        return Scored(score.value, score.feedback)

    def close(self) -> None:
        """End the threads, and the process of a confined scorer. May be called twice."""
        self._closing.set()
        self.pool.shutdown(wait=False, cancel_futures=True)
        if self._confined is not None:
            self._confined.close()

    # -- inside

    def _insist(self, item: Item, answer: str, result: ItemResult | None) -> Scored:
        """Score an answer; where the scorer fails, again after a pause: twice, or thrice after a network."""
        scored = self._once(item, answer, result, 0)
        for attempt, pause in enumerate((*PAUSES_S, NETWORK_S), start=1):
            again = ("raised", "network") if attempt <= len(PAUSES_S) else ("network",)
            if scored.kind not in again:
                break
            if self._confined is None and self._closing.wait(pause):  # a confined one waits for nothing
                break
            scored = self._once(item, answer, result, attempt)
        return scored

    def _once(self, item: Item, answer: str, result: ItemResult | None, attempt: int) -> Scored:
        ask = self._asker(item, result, attempt) if self.asks else None
        if self._confined is not None and not self.judges(item):
            return self._confined.score(item, answer, ask)
        try:
            more = {"ask": _blocking(ask)} if ask else {}
            score = getattr(self._domain, "try_score", self._domain.score)(item, answer, **more)
            score = score if isinstance(score, Score) else as_score(score)
        except (Exception, SystemExit) as error:  # noqa: BLE001 (the scorer may be a user's own code)
            return _failed(error, answer)
        return Scored(score.value, score.feedback)

    def _asker(self, item: Item, result: ItemResult | None, attempt: int) -> Ask:
        """Names a judge's calls: whose answer they are about, and which attempt at it."""
        ask = self._ask
        if ask is None:
            raise DomainError("a scorer with a judge needs an opened run")

        def named(request: CallRequest) -> Future[CallReply]:
            occurrence = request.occurrence + (f"-again-{attempt}" if attempt else "")
            if result is None:
                return ask(replace(request, item=item.id, occurrence=occurrence))
            about: dict[str, Any] = {"agent": result.agent, "split": result.split, "repeat": result.repeat}
            return ask(replace(request, item=item.id, occurrence=occurrence, **about))

        return named

    def _works(self, item: Item, answer: str, result: ItemResult | None, attempt: int) -> bool:
        """Whether the scorer scores another answer to this item: then a failure is the answer's doing."""
        own = item.target.strip()
        other = item.target if own else self._scored.get(item.id, OTHER)
        if not own and other == answer:
            return False
        tried = self._once(item, other, result, attempt)  # not an earlier answer of a judge, from the ledger
        if own and tried.failed and tried.kind in OWN_DOING:
            self._leave_out(item, tried.feedback)
        return not tried.failed and own != answer.strip()

    def _leave_out(self, item: Item, line: str) -> None:
        """No agent is scored on an item whose own answer makes the scorer raise; a judge may be fickle."""
        if not self.paid:
            self._broken[item.id] = line

    def _try(self) -> None:
        """A few items of each split with their own answers, until one is scored.

        A broken scorer must not cost a night's budget. One that fails on some only is told by `target_check`.
        """
        assert self._confined is not None
        failed = []
        for item in [item for split in SPLITS for item in self._domain.items(split)[:TRIED]]:
            scored = self._confined.score(item, item.target or "0")
            if not scored.failed:
                return
            failed.append(scored.feedback)
        if failed:
            raise DomainError(f"{failed[0]}; {HINT}")


def _failed(error: BaseException, answer: str) -> Scored:
    """How a scorer in this process failed: a model did not answer, a network failed, or it raised."""
    line = str(error) if isinstance(error, DomainError) else f"{type(error).__name__}: {error}"
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, JudgeFault):
            return Scored(0.0, cause.message, failed=True, kind=cause.kind)
        if isinstance(cause, JudgeUnread):
            return Scored(0.0, str(cause), failed=True, kind="llm")
        if _of_network(cause, answer):
            return Scored(0.0, line, failed=True, kind="network")
        cause = cause.__cause__ or cause.__context__
    return Scored(0.0, line, failed=True, kind="raised")


def _of_network(error: BaseException, answer: str) -> bool:
    """Whether a network failed. Words that stand in the answer say nothing: it could have put them there."""
    if isinstance(error, urllib.error.HTTPError):
        return error.code in (408, 409, 425, 429) or error.code >= 500
    if isinstance(error, FAILED):
        return True
    said = SAYS_NETWORK.search(str(error))
    if said is None or said[0].lower() in answer.lower():
        return False
    roots = {cls.__module__.partition(".")[0] for cls in type(error).__mro__}
    return bool(roots & NETWORK) or isinstance(error, OSError | RuntimeError)


def _blocking(ask: Ask) -> Callable[..., str]:
    """`ask` for a scorer in this process; the reply is by the JSON schema, if one is given."""
    asked: Counter[CallRequest] = Counter()

    def blocking(
        messages: Any,
        model: str,
        max_tokens: int | None,
        temperature: float,
        schema: Mapping[str, Any] | None = None,
    ) -> str:
        request = CallRequest(
            model, tuple(messages), temperature, max_tokens, purpose="judge", author="judge"
        )
        asked[request] += 1
        occurrence = f"judge-{asked[request] - 1}"
        return reply_text(ask(replace(request, occurrence=occurrence, schema=schema)).result())

    return blocking
