"""What the meta model is asked for where no rule can perturb an item, what is made of its reply, and what a
judge is asked then.

The model writes as little as it may: for `context` only what is added, for `order` only the numbers of the
parts. So the rest of a question stays word for word. What a rule can see to be wrong is refused before a
judge is asked: an answer that was given away, a number or an option that is gone.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from domains.domain import Item
from domains.matching.options import options_of
from domains.perturb.mentions import mentions
from domains.perturb.order import parts_of
from domains.perturb.outcome import LeftOut
from domains.perturb.registry import perturbed_id

__all__ = ["Asked", "applied", "asked", "judge", "judged"]

Messages = tuple[tuple[str, str], ...]

LONGEST = 12_000  # characters of a question that is perturbed by a model
MOST_ADDED = 600
MOST_PARTS = 40
LEAST_GIVEN_AWAY = 2  # characters of an answer that is looked for
TOO_LONG = "its question is too long for the meta model"
UNUSABLE = "the meta model wrote nothing that could be used"

SYSTEM = "You prepare variants of test questions for measuring how robust question answering is."
TASKS: Mapping[str, str] = {
    "paraphrase": (
        "Write the question above in other words, in its own language. Keep its meaning, every number, name, "
        "unit and condition, all options with their letters, and what is asked for. Do not answer it."
    ),
    "context": (
        "Write one or two sentences, in its language, that could stand in the text above but have nothing to "
        "do with what is asked. They must not change the right answer, ask anything, or contradict the text. "
        "Write only the new sentences."
    ),
    "order": (
        "Give the parts above in another order in which the text still means the same and has the same right "
        "answer. Name the numbers of all parts in their new order. What is asked stays last."
    ),
}
JUDGE = (
    "Question A was changed into question B. Say whether the right answer to A is certainly also the right "
    "answer to B, and whether B can be answered from what it says as well as A."
)


@dataclass(frozen=True, slots=True)
class Asked:
    """A request for JSON.

    Attributes:
        messages: Role and content.
        schema: JSON schema of the reply.
    """

    messages: Messages
    schema: Mapping[str, Any]


def asked(name: str, item: Item) -> Asked:
    """What the meta model is asked for.

    Raises:
        LeftOut: The item is too long, or has too few parts.
    """
    if len(item.question) > LONGEST:
        raise LeftOut(TOO_LONG)
    if name == "order":
        parts, _ = parts_of(item.question)
        if not 3 <= len(parts) <= MOST_PARTS:
            raise LeftOut("it has too few sentences, or too many, for another order")
        shown = "\n".join(f"[{n}] {part}" for n, part in enumerate(parts, 1))
        kind: dict[str, Any] = {"type": "array", "items": {"type": "integer"}}
        return Asked(_messages(TASKS[name], shown), _schema(order=kind))
    key = "question" if name == "paraphrase" else "sentences"
    return Asked(_messages(TASKS[name], item.question), _schema(**{key: {"type": "string"}}))


def applied(name: str, item: Item, reply: str, seed: int) -> Item:
    """The perturbed item that a reply makes, under its own id.

    Raises:
        LeftOut: The reply is of no use; says why.
    """
    said = _object(reply)
    if name == "order":
        question = _reordered(item.question, said.get("order"))
    elif name == "context":
        question = _with_context(item, str(said.get("sentences") or "").strip(), seed)
    else:
        question = str(said.get("question") or "").strip()
        _check_paraphrase(item, question)
    if question.split() == item.question.split():
        raise LeftOut(UNUSABLE)
    return replace(item, id=perturbed_id(item.id, name), question=question)


def judge(item: Item, made: Item) -> Asked:
    """What a judge is asked of a perturbed item."""
    shown = (
        f"Question A:\n{item.question}\n\nRight answer to A: {item.target}\n\nQuestion B:\n{made.question}"
    )
    schema = _schema(reason={"type": "string"}, same={"type": "boolean"})
    return Asked(_messages(JUDGE, shown), schema)


def judged(reply: str) -> bool:
    """Whether a judge says that the answer stays the same; what cannot be read says no."""
    try:
        said = _object(reply).get("same")
    except LeftOut:
        return False
    return said is True or str(said).strip().lower() in ("true", "yes")


def _messages(task: str, text: str) -> Messages:
    return ("system", SYSTEM), ("user", f"{text}\n\n{task}")  # small models heed best what comes last


def _schema(**properties: Mapping[str, Any]) -> dict[str, Any]:
    required = list(properties)
    return {"type": "object", "properties": properties, "required": required, "additionalProperties": False}


def _object(reply: str) -> Mapping[str, Any]:
    try:
        said = json.loads(reply)
    except (ValueError, RecursionError) as error:
        raise LeftOut(UNUSABLE) from error
    if not isinstance(said, dict):
        raise LeftOut(UNUSABLE)
    return said


def _reordered(question: str, order: Any) -> str:
    parts, gaps = parts_of(question)
    if not isinstance(order, list) or not all(type(n) is int for n in order):
        raise LeftOut(UNUSABLE)
    if sorted(order) != list(range(1, len(parts) + 1)):
        raise LeftOut("the meta model lost a sentence")
    return "".join(parts[n - 1] + gap for n, gap in zip(order, [*gaps, ""], strict=True))


def _with_context(item: Item, added: str, seed: int) -> str:
    """A question with sentences between two of its own, or in front."""
    if not added or "?" in added or len(added) > MOST_ADDED or added in item.question:
        raise LeftOut(UNUSABLE)
    _check_given_away(item, item.question + " " + added)
    parts, gaps = parts_of(item.question)
    plain = [k for k, gap in enumerate(gaps) if not gap.strip(" ")]
    places = [-1, *plain]  # behind which part
    rng = random.Random(hashlib.sha256(f"{seed}/context/{item.id}".encode()).digest())
    place = rng.choice(places)
    if place < 0:
        between = gaps[0] if gaps and not gaps[0].strip() else " "
        return f"{added}{between}{item.question}"
    before = "".join(p + g for p, g in zip(parts[: place + 1], gaps[: place + 1], strict=True))
    return before + added + gaps[place] + item.question[len(before) :]


def _check_paraphrase(item: Item, question: str) -> None:
    if not question or len(question) > 3 * len(item.question) + 400:
        raise LeftOut(UNUSABLE)
    if _numbers(item.question) != _numbers(question):
        raise LeftOut("the meta model changed a number")
    if any(text not in question for text in options_of(item).values()):
        raise LeftOut("the meta model changed an option")
    _check_given_away(item, question)


def _numbers(text: str) -> Sequence[Any]:
    """Amounts of a text; ones, which come and go with articles, aside."""
    return sorted({mention.value for mention in mentions(text) if mention.value != 1})


def _check_given_away(item: Item, question: str) -> None:
    """Refuse a question that says its answer more often than it did."""
    target = item.target.strip().casefold()
    if len(target) < LEAST_GIVEN_AWAY:
        return
    if question.casefold().count(target) > item.question.casefold().count(target):
        raise LeftOut("the meta model gave the answer away")
