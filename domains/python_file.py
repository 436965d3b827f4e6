'''Domain `python`: a Python file of the user's own.

    meta-search run domain=python domain.path=my_domain.py

The whole of a domain in one file:

    """Sums of two numbers."""                      # the brief for the meta agent
    import random

    wording = {"answer": "only the number"}         # optional

    def items(split):                               # examples, train, validation, test
        draw = random.Random(split)
        pairs = [(draw.randint(10, 999), draw.randint(10, 999)) for _ in range(60)]
        return [{"question": f"{a} + {b} = ?", "answer": str(a + b)} for a, b in pairs]

    def score(item, answer):                        # optional
        return answer.strip() == item.target

`items` returns dicts (`question` and `answer`, optionally `id`, `kind` and whatever the scorer needs, which
it finds in `item.data`), pairs (question, answer), or `domains.domain.Item`s. Without a `score`, answers are
matched as `domain.matcher` says; `domain.matcher=judge` has a model judge them by a rubric. `score` returns a
bool, a number in 0..1, or a number with feedback:

    def score(item, answer):
        wrong = [name for name in item.data["fields"] if name not in answer]
        return 1 - len(wrong) / len(item.data["fields"]), f"missing fields: {', '.join(wrong)}"

Feedback is free text for whoever writes the next agent: the failing test, the missing field, the judge's
reason. The meta agent reads it beside wrong answers to train items, `archive show` and the report print it;
of validation and test items no author sees it, and no agent sees any. `domains.domain.Score(number,
feedback)`, `{"score": …, "feedback": …}` and objects with these attributes, as `dspy.Prediction`, do as well.
Where a scorer says nothing, what its last program printed, or its judge said, is the feedback.

`brief` may be a variable instead of the docstring; a variable `instruction`, or `domain.instruction`, is
what every agent is told in every call. A class `Domain` with the same members, built without arguments, does
as well.

The file is the user's own, trusted code; answers are not: they come from agents. So the engine has `score`
run in a confined child of a process of its own, which loads the file once more (with an empty environment)
and has no network, no programs, and no files but the packages that the file imports: read data at the top of
the file or in `Domain.__init__`, not in `score`. What an answer does to it costs the answer its score, and
nothing else. The child is told one item; `items` is not called there, so keep targets inside of `items`, or
an answer that gets hold of the child can read those of others.

Confinement does not keep an answer from lying. A scorer that runs one by itself, as in `eval(answer)`, can
be told by it that it is right. To score code, take a third parameter:

    def score(item, answer, run):
        ok, printed = run(answer + "\\nprint(solve(*map(int, input().split())))", stdin=item.data["case"])
        return ok and printed.strip() == item.target

`run(code, stdin="", timeout=5)` runs it in a sandbox that knows neither item nor scorer, and returns whether
it ended well and what it printed. Both are the code's own word: compare what it printed here, and leave out
of the code what it should print. A Markdown fence around an answer is left out, with the text around it.

`helpers = ["run_examples_and_get_feedback", "get_test_output_from_code"]` in the file gives agents those of
`meta_search.agent.helpers`, as methods of `self`; what they need of an item is its `public`, as in ARC: the
examples and the test's input.

To have a model judge answers, take a parameter `ask` (beside `run`, if you like):

    def score(item, answer, ask):
        reply = ask(f"Is this polite? Reply yes or no.\n\n{answer}", max_tokens=5)
        return "yes" in reply.lower()

`ask(prompt, model="judge", max_tokens=None, temperature=0)` takes a text or chat messages (a system's
first, if any, then a user's and an assistant's by turns, a user's last) and returns the reply. It asks
`llm.judge.model` (the meta model where none is named) as every other call is asked: it counts against the
budget, is in the ledger, and is not sent again on `resume`. A judge that cannot be reached costs no answer
its score: the item is left out (`llm`), and the search stops where that goes on.

`confined = False` in the file has `score` run in the engine's process, with its environment: for one that
needs the network in another way. It must not parse or run an answer. Two answers are scored at a time, or
as many as the file's `concurrency = N` says.

An exception in `score` is tried again twice. If it persists, and `score` does score the item's own answer, it
is the answer's doing: a score of 0. Else it is the scorer's: the item is left out (`scorer`), the line is
told, and the search stops where more than 5 % of the answers end so; see `meta_search.run.domain_scorer`.
'''

from __future__ import annotations

import hashlib
import json
import pickle
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from domains.domain import Confined, Item, Score
from domains.fallible import Fallible
from domains.matching.labelled import judged_by_people, rubrics_of
from domains.matching.registry import AUTO, make, whole_lists
from domains.matching.scoring import ANY_OF, MATCHER, Entry, Scoring, accepted, without_working
from domains.settings import Settings, matcher_of, named_sizes
from domains.splits import disjoint
from domains.table_file import text_of_parts
from domains.user_file import Ask, UserScorer, guarded, load
from domains.wording import WORDING, instructed, with_instruction
from meta_search.errors import DomainError
from meta_search.text import one_line
from meta_search.types import SPLITS, Split

__all__ = ["PythonDomain"]

TRIED = 8  # items of a split
JUDGES = 2  # answers that a scorer in the engine's process scores at a time: it waits for a network


class PythonDomain(Fallible):
    """Items and scorer of a user's file; see the module's docstring.

    `items` is called once a split. `domain.sizes` takes that many of the first items of a split. Of those, an
    item that says nearly the same as one of a more precious split is left out (`domains.splits`).

    Raises:
        DomainError: No such file, an exception in it (with its line), no items for a scored split, an item in
            a form that is none of the above, one content in two splits, or a scorer that fails on the answer
            of an item; one line.
    """

    def __init__(self, settings: Settings) -> None:
        if not settings.path:
            raise DomainError("domain=python needs a file: domain.path=my_domain.py")
        self._path = Path(settings.path).expanduser()
        sizes = named_sizes(settings)
        source = load(self._path)
        self.source = hashlib.sha256(self._path.read_bytes()).hexdigest()[:16]
        make_items, own = getattr(source, "items", None), getattr(source, "score", None)
        self._scores_itself, self._matcher = own is not None, matcher_of(settings)
        if not callable(make_items):
            raise DomainError(f"{self._path}: defines no items(split)")
        self._items = {split: self._split(make_items, split, sizes.get(split)) for split in SPLITS}
        self._check_disjoint()
        self._items, self.groups, found = disjoint(self._path.name, self._items, settings)
        scoring = None if own else self._matching(settings)
        told = (f"{self._path.name}: {scoring.note}",) if scoring and scoring.note else ()
        self.notes = (*found, *told)
        self._score = UserScorer(self._path, scoring.score_plainly if scoring else source.score)
        self.confined = scoring.confined if scoring else self._confinement(source)
        self.concurrency = self._concurrency(source, bool(own))
        self.scoring = scoring
        self.asks = scoring.asks if scoring else self._score.asks
        self.given_answers = judged_by_people(scoring, self._items) if scoring else ()
        if scoring and scoring.asks:
            self.source += rubrics_of(scoring, self._items)
        self.targets_answer = scoring.targets_answer if scoring else not self._score.runs_code
        self.name = str(getattr(source, "name", self._path.stem))
        instruction = settings.instruction or self._instruction(source)
        judged = f" Answers are {scoring.matcher.how}." if scoring and scoring.asks else ""
        self.brief = with_instruction(self._brief(source) + judged, instruction)
        asked = scoring.matcher.wording if scoring and scoring.asks else {}
        self.wording: Mapping[str, str] = instructed(self._wording(source, asked), instruction)
        self.helpers = self._helpers(source)
        self._try_scorer()

    def _scored(self, item: Item, answer: str, ask: Ask | None) -> Score:
        if self.scoring is not None and ask is not None and self.scoring.judge(item) is not None:
            return self.scoring.judged(item, answer, ask)
        return self._score(item, answer, ask=ask)

    def _concurrency(self, source: Any, own: bool) -> int:
        """Answers that are scored at a time; 0 leaves it to the engine."""
        wanted = getattr(source, "concurrency", 0 if not own or self.confined or self._score.asks else JUDGES)
        if isinstance(wanted, bool) or not isinstance(wanted, int) or wanted < 0:
            raise DomainError(f"{self._path}: concurrency must be a whole number, not {wanted!r:.40}")
        return wanted

    def _helpers(self, source: Any) -> tuple[str, ...]:
        names = getattr(source, "helpers", ())
        if isinstance(names, str) or not all(isinstance(name, str) for name in names):
            raise DomainError(f"{self._path}: helpers must be a list of names, not {names!r:.40}")
        return tuple(names)

    def _confinement(self, source: Any) -> Confined | None:
        wanted = getattr(source, "confined", True)
        if not isinstance(wanted, bool):
            raise DomainError(f"{self._path}: confined must be True or False, not {wanted!r:.40}")
        if not wanted:
            if self._score.runs_code:
                raise DomainError(
                    f"{self._path}: score(item, answer, run) needs confinement; drop confined = False"
                )
            return None
        for item in (item for items in self._items.values() for item in items):
            try:
                pickle.dumps(item)
            except Exception as error:
                raise DomainError(
                    f"{self._path}: item {item.id} cannot be sent to the scorer's process "
                    f"({one_line(error, 100)}); keep to plain data, or set confined = False"
                ) from error
        return Confined("domains.user_file:make_scorer", {"path": str(self._path.resolve())})

    def _split(
        self, make_items: Callable[[str], Iterable[Any]], split: Split, size: int | None
    ) -> tuple[Item, ...]:
        def collect(name: str) -> list[Any]:
            return list(make_items(name) or ())

        given = guarded(self._path, collect, f"items({split!r})", split)
        items = tuple(self._item(value, split, ordinal) for ordinal, value in enumerate(given[:size]))
        if size is not None and len(items) < size:
            raise DomainError(f"domain.sizes.{split}={size}: {self._path} has only {len(items)} items there")
        if not items and split != "examples":
            raise DomainError(
                f"{self._path}: items({split!r}) is empty; train, validation and test need items"
            )
        return items

    def _item(self, value: Any, split: Split, ordinal: int) -> Item:
        where = f"{self._path}: item {ordinal} of items({split!r})"
        if isinstance(value, Item):
            item = value
        elif isinstance(value, Mapping):
            rest = dict(value)
            if "question" not in rest:
                raise DomainError(f"{where} has no 'question'")
            question, target = rest.pop("question"), rest.pop("answer", "")
            name, kind = rest.pop("id", f"{split}-{ordinal}"), rest.pop("kind", "")
            target, others = self._answers(target)
            item = Item(str(name), question, target, str(kind), {**rest, **others})
        elif isinstance(value, tuple | list) and len(value) == 2:
            target, others = self._answers(value[1])
            item = Item(f"{split}-{ordinal}", value[0], target, data=others)
        else:
            raise DomainError(f"{where} is neither a dict, a pair nor an Item but {type(value).__name__}")
        question = text_of_parts(where, item.question)
        if question is not item.question:
            item = replace(item, question=question)
        if not isinstance(item.question, str) or not item.question.strip():
            raise DomainError(f"{where}: the question must be a text that is not empty")
        return item

    def _answers(self, value: Any) -> tuple[str, Mapping[str, Any]]:
        """The target, and what the item's data hold of further ones. A scorer of the file's own reads either
        as it likes."""
        if self._scores_itself or not isinstance(value, list | tuple | dict):
            return _text(value), {}
        several = isinstance(value, list | tuple) and all(isinstance(v, str | int | float) for v in value)
        if whole_lists(self._matcher) or not several:
            return json.dumps(value, ensure_ascii=False), {}
        first, *others = map(_text, value or [""])
        return first, {ANY_OF: others} if others else {}

    def _check_disjoint(self) -> None:
        ids: dict[str, str] = {}
        questions: dict[str, str] = {}
        for split, items in self._items.items():
            for item in items:
                if item.id in ids:
                    raise DomainError(
                        f"{self._path}: two items have the id {item.id!r} ({ids[item.id]}, {split})"
                    )
                ids[item.id] = split
                first = questions.setdefault(" ".join(item.question.split()), split)
                if first != split:
                    raise DomainError(
                        f"{self._path}: {first} and {split} share the question {item.question[:50]!r}; "
                        "a search that has seen test items cannot be judged by them"
                    )

    def _matching(self, settings: Settings) -> Scoring:
        """How answers are compared without a `score` of the file's own."""
        items = [item for items in self._items.values() for item in items]
        named = None if self._matcher == AUTO else make(self._matcher, settings.matcher_options)
        needed = named is None or named.needs_target
        if needed and not all(target for item in items for target in accepted(item)):
            raise DomainError(
                f"{self._path}: items without an answer need a score(item, answer), or "
                "domain.matcher=judge with a rubric and domain.matcher_options.reference=false"
            )
        targets = [item.target for item in items]
        short = dict(zip(targets, without_working(targets), strict=True))
        self._items = {
            split: tuple(replace(item, target=short[item.target]) for item in items)
            for split, items in self._items.items()
        }
        entries = [
            Entry(f"item {item.id}", accepted(item), item.data.get(MATCHER))
            for items in self._items.values()
            for item in items
        ]
        return Scoring.fit(self._matcher, settings.matcher_options, entries)

    def _brief(self, source: Any) -> str:
        brief = getattr(source, "brief", None) or getattr(source, "__doc__", None)
        if not isinstance(brief, str) or not brief.strip():
            raise DomainError(
                f"{self._path}: needs a brief, a few words on what the tasks are, or a docstring"
            )
        return " ".join(brief.split())

    def _wording(self, source: Any, asked: Mapping[str, str]) -> Mapping[str, str]:
        own = getattr(source, "wording", {})
        if not isinstance(own, Mapping):
            raise DomainError(f"{self._path}: wording must be a dict of field name -> text")
        return {**WORDING, **asked, **{str(key): str(value) for key, value in own.items()}}

    def _instruction(self, source: Any) -> str | None:
        own = getattr(source, "instruction", None)
        if own is not None and not isinstance(own, str):
            raise DomainError(f"{self._path}: instruction must be a text, not {type(own).__name__}")
        return own

    def _try_scorer(self) -> None:
        """A few items of each split with their own answers, until one is scored.

        A broken scorer must not cost a night's budget. One that fails on some only is told when the engine
        checks all targets.
        """
        if self._score.runs_code or self.asks:  # the engine tries those
            return
        failed, most = None, 1 if self.concurrency else TRIED  # of one that may cost money, fewer
        for item in [item for split in SPLITS for item in self._items[split][:most]]:
            try:
                self._score(item, item.target or "0")
            except DomainError as error:
                failed = failed or error
            else:
                return
        if failed is not None:
            raise failed


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "" if value is None else str(value)
