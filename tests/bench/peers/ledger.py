"""The ledger of a comparison: every call, every test answer and every arm, one line of JSON each.

It is what is published: `--replay LEDGER` scores the answers anew, tests and prints, without a model or key.
Kinds of lines (`line`):

- `plan`: what was compared: models, sizes, versions.
- `call`: account, phase, key of the request, request, status, reply, tokens.
- `answer`: account, test item, form and text of the answer that an arm gave, tokens of the item where known.
- `arm`: account and what the arm came to (`Arm`).
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import lzma
import os
import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

__all__ = ["Answer", "Arm", "Call", "Ledger", "account_of", "key_of", "mend", "publish"]


def account_of(task: str, seed: int, arm: str) -> str:
    """The account of an arm on a task with a seed: the part of the proxy's address that is its own."""
    return f"{task}/{seed}/{arm}"


def key_of(body: Mapping[str, Any]) -> str:
    """What tells a request from others: its whole body."""
    text = json.dumps(body, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True)
class Call:
    """One call that passed the proxy, or was refused there.

    Attributes:
        account: See `account_of`. phase: `search` or `test`; key: See `key_of`.
        status: HTTP status; 402 where the budget had no room for it.
        request: Its body. reply: What the endpoint said.
        prompt: Tokens of the prompt as the endpoint reports them, and completion: of the answer.
        seconds: Until the reply.
    """

    account: str
    phase: str
    key: str
    status: int
    request: Mapping[str, Any]
    reply: Any
    prompt: int = 0
    completion: int = 0
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What an arm answered to one test item: `form` is `answer` (text) or `program` (run by us, its text)."""

    account: str
    item: str
    form: str
    text: str


@dataclass(frozen=True, slots=True)
class Arm:
    """What one arm came to on a task with a seed.

    Attributes:
        account: See `account_of`. budget: Tokens that its search had.
        paid: Tokens that its search used; refused: calls that it was refused; calls: that it made.
        test_tokens: Tokens that answering the test items took, for all of them together.
        items: Test items. right: Of them, by our scorer.
        seconds: Of search and test. note: What is to be known of it, as a fault of the optimiser.
        state: What it found, in the tool's own form; for reading, not for replay.
    """

    account: str
    budget: int
    paid: int
    refused: int
    calls: int
    test_tokens: int
    items: int
    right: float
    seconds: float
    note: str = ""
    state: Any = None

    @property
    def names(self) -> tuple[str, int, str]:
        """Task, seed and name of the arm."""
        task, seed, arm = self.account.split("/")
        return task, int(seed), arm

    @property
    def item_tokens(self) -> float:
        """Tokens that it takes to answer one test item."""
        return self.test_tokens / max(1, self.items)


@dataclass
class Ledger:
    """Lines in a file, and what they say; `append` writes through. One writer.

    Args:
        path: A .jsonl that is appended to, or a .jsonl.xz that is only read.
    """

    path: Path
    plan: dict[str, Any] = field(default_factory=dict)
    arms: dict[str, Arm] = field(default_factory=dict)
    calls: dict[str, list[Call]] = field(default_factory=lambda: defaultdict(list))
    answers: dict[str, dict[str, Answer]] = field(default_factory=lambda: defaultdict(dict))

    def __post_init__(self) -> None:
        self._lock = threading.Lock()
        if self.path.suffix != ".xz":
            mend(self.path)
        for line in _lines(self.path):
            self._take(line)

    def append(self, what: Call | Answer | Arm | Mapping[str, Any]) -> None:
        """Write one line; a mapping is the plan."""
        kind = {Call: "call", Answer: "answer", Arm: "arm"}.get(type(what), "plan")
        values = dict(what) if isinstance(what, Mapping) else dataclasses.asdict(what)
        line = {"line": kind, **values}
        with self._lock:
            self._take(dict(line))
            with self.path.open("a") as file:
                file.write(json.dumps(line, ensure_ascii=False) + "\n")

    def _take(self, line: dict[str, Any]) -> None:
        kind = line.pop("line")
        if kind == "plan":
            self.plan = line
        elif kind == "call":
            call = Call(**line)
            self.calls[call.account].append(call)
        elif kind == "answer":
            answer = Answer(**line)
            self.answers[answer.account][answer.item] = answer
        else:
            arm = Arm(**line)
            self.arms[arm.account] = arm


def mend(path: Path) -> None:
    """Cut off a last line that a kill has torn: what is appended must begin a line of its own."""
    if path.exists() and not (whole := path.read_bytes()).endswith(b"\n"):
        os.truncate(path, whole.rfind(b"\n") + 1)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    if not path.exists():
        return
    whole = lzma.decompress(path.read_bytes()) if path.suffix == ".xz" else path.read_bytes()
    for row in whole.split(b"\n"):
        if row.strip():
            yield json.loads(row)


def publish(ledger: Ledger, accounts: Iterable[str], to: Path) -> int:
    """Write what is known of some arms as a .jsonl.xz; returns its bytes."""
    lines: list[dict[str, Any]] = [{"line": "plan", **ledger.plan}]
    for account in accounts:
        lines += [{"line": "call", **dataclasses.asdict(c)} for c in ledger.calls[account]]
        lines += [{"line": "answer", **dataclasses.asdict(a)} for a in ledger.answers[account].values()]
        lines.append({"line": "arm", **dataclasses.asdict(ledger.arms[account])})
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    to.write_bytes(lzma.compress(text.encode(), preset=6))
    return to.stat().st_size
