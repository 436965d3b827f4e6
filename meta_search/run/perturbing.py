"""Perturbed test items of a run: by rule, and where no rule can, by the meta model with a judge that looks at
them.

After Meta Probing Agents (DyVal 2, Zhu et al. 2024, arXiv 2402.14865): one agent paraphrases or adds to a
benchmark's question, another one judges whether the answer stays the same. Calls of both have the purpose
`perturb`, are in the ledger and count in the budget. What was made stands in the run folder,
`perturbed.jsonl`, for people to look at, and so that a run that goes on has the same items.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass, field
from typing import Any

from domains.domain import Item
from domains.perturb import writing
from domains.perturb.outcome import LeftOut
from domains.perturb.registry import PERTURBATIONS, by_rule, check, perturbed_id
from meta_search.errors import ConfigError
from meta_search.report.files import open_to_append, read_small
from meta_search.run.run import Run
from meta_search.types import PERTURBED, CallReply, CallRequest

__all__ = ["FILE", "Perturbing"]

FILE = "perturbed.jsonl"
AT_ONCE = 8  # items that are written at a time
SAY_EVERY_S = 10.0
ROOM = 1024  # tokens of a reply of writer or judge, at least
UNPAID = "the budget did not pay for it"
NO_TIME = "there was no time for it"
NO_REPLY = "the meta model did not answer"
REFUSED = "the judge found another answer, or none"
WARMTH = 0.7  # so that another try is another one
PASSING = (UNPAID, NO_TIME, NO_REPLY)  # a session with more budget tries again

Key = tuple[str, str]  # item, perturbation


@dataclass(slots=True)
class Perturbing:
    """Makes the perturbed items of one run, and knows what became of each.

    Attributes:
        run: The run at work.
        names: Perturbations, as `domain.perturb` has them.
        made: (item, perturbation) -> the perturbed item.
        left: (item, perturbation) -> why there is none.
        model: Those of `made` that the meta model wrote.
    """

    run: Run
    names: tuple[str, ...]
    made: dict[Key, Item] = field(default_factory=dict)
    left: dict[Key, str] = field(default_factory=dict)
    model: set[Key] = field(default_factory=set)

    @classmethod
    def of(cls, run: Run) -> Perturbing:
        """That of a run, with what an earlier session has made.

        Raises:
            DomainError: There is no such perturbation.
            ConfigError: The file of an earlier session cannot be read.
        """
        found = cls(run, check(run.config.domain.perturb))
        if found.names:
            found._recall()
        return found

    @property
    def times(self) -> int:
        """How often as much as without perturbations test items may cost."""
        return 1 + len(self.names)

    def extend(
        self, items: Sequence[Item], time_left: Callable[[], float] = lambda: float("inf")
    ) -> list[Item]:
        """Perturb test items; the run's split `perturbed` has them from now on.

        Args:
            items: Test items as they are.
            time_left: Seconds that there are.

        Returns:
            All perturbed items of these.
        """
        wanted = [(item, name) for item in items for name in self.names]
        new = [(item, name) for item, name in wanted if not self._is_known((item.id, name))]
        if new:
            told = self.run.journal.decide("perturbed", lambda: self._make(new, time_left))
            for item, name in new:  # a replay makes again what its recording made, from the same replies
                if not self._is_known((item.id, name)):
                    self._take((item, name), told.get(perturbed_id(item.id, name)) or None, time_left)
            self._keep(new)
        have = {item.id for item in self.run.runner.items(PERTURBED)}
        found = [self.made[i.id, name] for i, name in wanted if (i.id, name) in self.made]
        self.run.runner.extend(PERTURBED, [item for item in found if item.id not in have])
        return found

    def facts(self) -> dict[str, Any]:
        """What the archive's `perturbed` holds: see `report.robustness`."""
        left: dict[str, Counter[str]] = {name: Counter() for name in self.names}
        for (_, name), why in self.left.items():
            left[name][why] += 1
        return {
            "names": list(self.names),
            "made": {name: sum(n == name for _, n in self.made) for name in self.names},
            "by_model": {name: sum(n == name for _, n in self.model) for name in self.names},
            "left_out": {name: dict(counted.most_common()) for name, counted in left.items()},
        }

    # -- inside

    def _is_known(self, key: Key) -> bool:
        return key in self.made or key in self.left

    def _make(self, new: Sequence[tuple[Item, str]], time_left: Callable[[], float]) -> Mapping[str, str]:
        """Perturb items, several at a time. Returns id -> why not, `""` where it was made."""
        pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="perturbing")
        try:
            waiting = {pool.submit(self._take, one, None, time_left) for one in new}
            while waiting:
                done, waiting = wait(waiting, SAY_EVERY_S)
                for future in done:
                    future.result()
                if waiting:
                    self.run.progress.say(f"perturbing: {len(new) - len(waiting)} of {len(new)} are through")
        finally:  # an interrupt waits for what is in flight, and begins nothing
            pool.shutdown(cancel_futures=True)
        return {perturbed_id(i.id, name): self.left.get((i.id, name), "") for i, name in new}

    def _take(self, one: tuple[Item, str], why: str | None, time_left: Callable[[], float]) -> None:
        """Perturb one item, or note why there is none."""
        item, name = one
        key = (item.id, name)
        try:
            if why is not None:
                raise LeftOut(why)
            self.made[key] = self._by_rule(item, name)
        except LeftOut as refused:
            try:
                if why is not None or not PERTURBATIONS[name].asks:
                    raise
                self.made[key] = self._written(item, name, time_left)
                self.model.add(key)
            except LeftOut as error:
                self.left[key] = str(error) or str(refused)

    def _by_rule(self, item: Item, name: str) -> Item:
        return by_rule(self.run.session.domain, item, name, self.run.config.domain.seed)

    def _written(self, item: Item, name: str, time_left: Callable[[], float]) -> Item:
        """An item that the meta model wrote and the judge found to have the same answer."""
        asked = writing.asked(name, item)
        why = REFUSED
        for attempt in range(self.run.config.domain.perturb_tries):
            if time_left() <= 0:
                raise LeftOut(NO_TIME)
            reply = self._ask("meta", asked, item, f"{name}-{attempt}", WARMTH)
            try:
                made = writing.applied(name, item, reply, self.run.config.domain.seed)
            except LeftOut as error:
                why = str(error)
                continue
            verdict = self._ask("judge", writing.judge(item, made), item, f"{name}-judge-{attempt}", 0.0)
            if writing.judged(verdict):
                return made
            why = REFUSED
        raise LeftOut(why)

    def _ask(self, role: str, asked: writing.Asked, item: Item, occurrence: str, warmth: float) -> str:
        """One call; what it said.

        Raises:
            LeftOut: It was not paid, or not answered.
        """
        config = self.run.config
        request = CallRequest(
            model=role,
            messages=asked.messages,
            temperature=warmth,
            max_tokens=max(ROOM, config.llm.max_tokens),
            schema=asked.schema,
            seed=config.seed,
            occurrence=occurrence,
            purpose="perturb",
            split=PERTURBED,
            item=item.id,
            author="writer" if role == "meta" else "judge",
        )
        reply: CallReply = self.run.session.ask(request)
        if reply.fault == "budget":
            raise LeftOut(UNPAID)
        if reply.fault == "llm":
            raise LeftOut(NO_REPLY)
        return "" if reply.fault else reply.text  # another try may be neither cut nor declined

    def _keep(self, new: Sequence[tuple[Item, str]]) -> None:
        """Add what was made to the run folder's file, and the counts to the archive."""
        with open_to_append(self.run.session.folder / FILE) as file:
            for item, name in new:
                file.write(json.dumps(self._row(item, name), ensure_ascii=False) + "\n")
        self.run.runner.pen.set_meta("perturbed", self.facts())

    def _row(self, item: Item, name: str) -> dict[str, Any]:
        key = (item.id, name)
        row: dict[str, Any] = {"id": perturbed_id(*key), "item": item.id, "perturbation": name}
        if key in self.left:
            return {**row, "left_out": self.left[key], "plain": item.question}
        made = self.made[key]
        by = "model" if key in self.model else "rule"
        data = None if made.data is item.data else dict(made.data)  # rules know all that they change
        own = {"question": made.question, "answer": made.target, "data": data}
        return {**row, "by": by, "plain": item.question, "plain_answer": item.target, **own}

    def _recall(self) -> None:
        """Take over what an earlier session of this run has made."""
        path = self.run.session.folder / FILE
        if not path.exists():
            return
        items = {item.id: item for item in self.run.session.domain.items("test")}
        try:
            rows = [json.loads(line) for line in read_small(path).splitlines() if line.strip()]
            for row in rows:
                self._recall_row(row, items)
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ConfigError(f"{path} cannot be read: move it away to have the items made again") from error

    def _recall_row(self, row: Mapping[str, Any], items: Mapping[str, Item]) -> None:
        key = (str(row["item"]), str(row["perturbation"]))
        item = items.get(key[0])
        if item is None or key[1] not in self.names or item.question != row["plain"]:
            return
        self.left.pop(key, None)
        if "left_out" in row:
            if row["left_out"] not in PASSING:
                self.left[key] = str(row["left_out"])
            return
        data = item.data if row["data"] is None else dict(row["data"])
        made = Item(str(row["id"]), str(row["question"]), str(row["answer"]), item.kind, data, item.public)
        self.made[key] = made
        if row["by"] == "model":
            self.model.add(key)
