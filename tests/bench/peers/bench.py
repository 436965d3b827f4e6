"""Runs arms one after the other, each in a process of its own behind the proxy, and keeps the ledger."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from tests.bench.peers.arms import ARMS
from tests.bench.peers.arms import Arm as Kind
from tests.bench.peers.ledger import Answer, Arm, Ledger, account_of
from tests.bench.peers.proxy import Account, Proxy, Upstream
from tests.bench.peers.tasks import PROGRAM, Judge, Sizes, task_of
from tests.bench.peers.venvs import python_of, versions
from tests.bench.row import NotYet

__all__ = ["Bench", "Models", "tell"]

ROOT = Path(__file__).resolve().parents[3]
CHILDREN = Path(__file__).with_name("children")
LEDGER = "ledger.jsonl"
THREADS = 8  # calls in flight, of every arm


@dataclass(frozen=True, slots=True)
class Models:
    """Names of the models as arms ask for them, and whether they are small ones that write plans only."""

    task: str
    meta: str
    embedded: bool = True


@dataclass(frozen=True, slots=True)
class Settings:
    """What all arms have alike.

    Attributes:
        tokens: Of a search; sizes: of the splits; meta_tokens: most of one answer of the meta model.
        old: Commit of the arm `old`. more: Further overrides of our own arms.
    """

    tokens: int
    sizes: Sizes
    meta_tokens: int = 1500
    old: str = ""
    more: tuple[str, ...] = ()


class Bench:
    """All arms of some tasks and seeds. Use within `with`.

    Args:
        folder: Where the ledger, the runs and the logs lie; a second start goes on.
        upstreams: Model -> endpoint.
        models: Which of them are asked.
        settings: What all arms have alike.
        venvs: Folder of the peers' venvs; cache: of data.
    """

    def __init__(
        self,
        folder: Path,
        upstreams: Mapping[str, Upstream],
        models: Models,
        settings: Settings,
        venvs: Path,
        cache: Path,
    ) -> None:
        self._folder, self._models, self._settings = folder, models, settings
        self._venvs, self._cache = venvs, cache
        self.ledger = Ledger(folder / LEDGER)
        self._judges: dict[tuple[str, int], Judge] = {}
        self._proxy = Proxy(upstreams, self.ledger, self._told)
        plan = {"models": asdict(models), "tokens": settings.tokens, "sizes": asdict(settings.sizes)}
        known = {key: self.ledger.plan.get(key) for key in plan}
        if self.ledger.plan and known != plan:
            raise NotYet(f"{folder} holds a comparison with other settings ({known}): name another --folder")
        if not self.ledger.plan:
            self.ledger.append({**plan, "commit": commit(), "old": settings.old})

    def __enter__(self) -> Bench:
        self._stack = contextlib.ExitStack()
        self._stack.enter_context(self._proxy)
        return self

    def __exit__(self, *exception: object) -> None:
        self._stack.close()
        for judge in self._judges.values():
            judge.close()

    def arms(
        self, tasks: Sequence[str], seeds: Sequence[int], arms: Sequence[str], minutes: float
    ) -> Iterator[Arm]:
        """All of them, seed by seed; those done before as they were; none is begun after so many minutes."""
        begun = time.monotonic()
        for seed in seeds:
            for task in tasks:
                for name in arms:
                    known = self.ledger.arms.get(account_of(task, seed, name))
                    if known is None and time.monotonic() - begun < 60 * minutes:
                        try:
                            known = self.run(task, seed, name)
                        except NotYet as missing:
                            tell(f"{task}, seed {seed}, {name}: left out: {missing}")
                    if known is not None:
                        yield known

    def judge(self, task: str, seed: int) -> Judge:
        """Items and scorer of a task with a seed."""
        if (task, seed) not in self._judges:
            self._judges[task, seed] = Judge(task_of(task, self._cache), seed, self._settings.sizes)
        return self._judges[task, seed]

    def run(self, task: str, seed: int, name: str) -> Arm:
        """Run one arm whole.

        Raises:
            NotYet: What it needs is not there, or its process failed; the message names its log.
        """
        kind, account = ARMS[name], account_of(task, seed, name)
        python, tree = self._where(kind)
        order = self._order(kind, task, seed, name)
        opened = self._proxy.open(account, self._settings.tokens)
        tell(f"{task}, seed {seed}, {name}: begins, {self._settings.tokens:,} tokens")
        begun = time.monotonic()
        found = self._child(account, [str(python), str(CHILDREN / kind.script)], tree, order)
        seconds = round(time.monotonic() - begun, 1)
        return self._done(account, order["form"], opened, found, seconds)

    def _told(self, task: str, seed: int, item: str, form: str, text: str) -> Mapping[str, Any]:
        return self._judges[task, seed].told(item, form, text)

    def _where(self, kind: Kind) -> tuple[Path, Path]:
        """The Python, and the tree that it imports from."""
        if kind.peer:
            python = python_of(self._venvs)
            if "versions" not in self.ledger.plan:
                self.ledger.append({**self.ledger.plan, "versions": versions(python)})
            return python, ROOT
        if not kind.old:
            return Path(sys.executable), ROOT
        if not self._settings.old:
            raise NotYet("--old COMMIT names the commit")
        return Path(sys.executable), old_tree(self._settings.old, self._cache)

    def _order(self, kind: Kind, task: str, seed: int, name: str) -> dict[str, Any]:
        judge, account = self.judge(task, seed), account_of(task, seed, name)
        rows = {
            split: [
                {"id": i.id, "question": i.question, "target": i.target, "split": split}
                for i in judge.splits[split]  # type: ignore[index]
            ]
            for split in ("examples", "train", "validation", "test")
        }
        for row in rows["test"]:
            del row["target"]
        url = self._proxy.url(account)
        order = {
            "arm": name,
            "seed": seed,
            "tokens": self._settings.tokens,
            "url": url,
            "threads": THREADS,
            "score": f"{self._proxy.root}/score/{task}/{seed}",
            "task_model": self._models.task,
            "meta_model": self._models.meta,
            "form": kind.form if judge.task.programs else "answer",
            "told": judge.task.told,
            "program_told": PROGRAM,
            "embedded": self._models.embedded,
            "max_tokens": judge.task.max_tokens,
            "meta_tokens": self._settings.meta_tokens,
            "labelled": rows["examples"] + rows["train"],
            "validation": rows["validation"],
            "test": rows["test"],
            "words": [*judge.task.words, f"domain.seed={seed}", self._settings.sizes.words()],
            "search": [*kind.search, *self._settings.more],
            "folder": str(self._folder / "runs" / account.replace("/", "-")),
        }
        if kind.after:
            needed = self.ledger.arms.get(account_of(task, seed, kind.after))
            if needed is None:
                raise NotYet(f"it needs the result of {kind.after}")
            order["matched"] = needed.item_tokens
        return order

    def _child(self, account: str, command: list[str], tree: Path, order: dict[str, Any]) -> dict[str, Any]:
        folder = self._folder / "arms"
        folder.mkdir(parents=True, exist_ok=True)
        name = account.replace("/", "-")
        task, found, log = (folder / f"{name}.{end}" for end in ("task.json", "found.json", "log"))
        task.write_text(json.dumps(order))
        found.unlink(missing_ok=True)
        kept = {k: os.environ[k] for k in ("HOME", "TMPDIR", "LANG", "XDG_CACHE_HOME") if k in os.environ}
        # Its own programs first (Deno, for Flex), no keys, and nothing that a tool kept of an earlier arm.
        path = f"{Path(command[0]).parent}:{os.environ.get('PATH', '')}"
        env = {**kept, "PATH": path, "PYTHONPATH": f"{CHILDREN}:{tree}", "PYTHONHASHSEED": "0"}
        with log.open("w") as output:
            status = subprocess.run(
                [*command, str(task), str(found)],
                cwd=folder,
                env=env,
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                check=False,
            ).returncode
        if status or not found.exists():
            raise NotYet(f"its process ended with status {status}; see {log}")
        return dict(json.loads(found.read_text()))

    def _done(
        self, account: str, form: str, opened: Account, found: Mapping[str, Any], seconds: float
    ) -> Arm:
        task, seed, name = account.split("/")
        judge, right = self.judge(task, int(seed)), 0.0
        form = form if ARMS[name].peer else "answer"
        for item in judge.splits["test"]:
            text = str(found["answers"].get(item.id, ""))
            right += judge.score(item.id, form, text)[0]
            self.ledger.append(Answer(account, item.id, form, text))
        arm = Arm(
            *(account, self._settings.tokens, opened.tokens["search"], opened.refused),
            *(opened.calls["search"], opened.tokens["test"], len(judge.splits["test"]), right, seconds),
            *(" ".join(found["note"].split()), found["state"]),
        )
        self.ledger.append(arm)
        tell(
            f"{task}, seed {seed}, {name}: {arm.right:g} of {arm.items} right, {arm.paid:,} tokens for the "
            f"search ({arm.refused} calls refused), {arm.item_tokens:.0f} an item, {seconds:.0f} s; "
            f"{arm.note}"
        )
        return arm


def old_tree(commit: str, cache: Path) -> Path:
    """The tree of an older commit: a git worktree in the cache."""
    folder = cache / f"tree-{commit}"
    if not (folder / "meta_search").exists():
        command = ["git", "-C", str(ROOT), "worktree", "add", "--detach", str(folder), commit]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise NotYet(f"no tree of {commit}: {(done.stderr.strip().splitlines() or ['?'])[-1]}")
    return folder


def commit() -> str:
    """The commit of this tree, `""` where there is none."""
    command = ["git", "-C", str(ROOT), "describe", "--always", "--dirty"]
    return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()


def tell(text: str) -> None:
    """Progress, apart from the table."""
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)
