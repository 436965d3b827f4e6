"""The wording of output fields that domains share, and what a user's instruction and labels make of it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

__all__ = ["WORDING", "Labels", "find_labels", "instructed", "with_instruction"]

# Few words: the smallest models follow short ones best, and every call pays for them.
WORDING: Mapping[str, str] = MappingProxyType(
    {
        "": "Answer in exactly the form that the question asks for.",
        "answer": "only the final answer, nothing else",
        "thinking": "a few short steps",
        "program": "a short Python program that computes and prints only the final answer",
        "code": "a short Python program that computes and prints only the final answer",
        "feedback": "what is wrong, in one short sentence",
        "correct": "True or False",
        "principle": "the rule that solves it, in one short sentence",
        "choice": "one of the given names, nothing else",
    }
)

MOST_LABELS = 12
MOST_CHARACTERS = 60  # of a label: longer ones are answers of their own
LEAST_EACH = 2  # answers a label, on average
LEAST_EACH_NUMBER = 5  # sums have few values by chance, ratings by design


@dataclass(frozen=True, slots=True)
class Labels:
    """The values that answers have.

    Attributes:
        names: In alphabetical order, or as the user named them.
        whole: Whether there are no others.
    """

    names: tuple[str, ...]
    whole: bool = True

    def sentence(self) -> str:
        """What agents are told of them."""
        listed = ", ".join(self.names)
        return (
            f"The answer is one of: {listed}." if self.whole else f"The answer is a label such as: {listed}."
        )


def find_labels(seen: Sequence[str], unseen: Sequence[str], numbers: bool) -> Labels | None:
    """The labels of a table of few different answers; `None` where they are many.

    Args:
        seen: Answers that the search may know: all but those of test items.
        unseen: Those of test items. No label is learned from them, only whether there are few labels, and
            whether the known ones are all there are.
        numbers: Whether the answers are numbers.
    """
    counted, total = _spelled(seen), _spelled([*seen, *unseen])
    least = LEAST_EACH_NUMBER if numbers else LEAST_EACH
    if not (len(counted) >= 2 and len(total) <= MOST_LABELS and total.total() >= least * len(total)):
        return None
    if any(len(label) > MOST_CHARACTERS or "\n" in label for label in counted):
        return None
    known = {label.casefold() for label in counted}
    whole = all(label.casefold() in known for label in unseen)
    # Of numbers that go on beyond the known ones, these are samples and no labels.
    return Labels(tuple(sorted(counted)), whole) if whole or not numbers else None


def _spelled(answers: Sequence[str]) -> Counter[str]:
    """How often each label is there: Yes and yes are one, in the spelling that is the most common."""
    spellings: dict[str, Counter[str]] = {}
    for answer in answers:
        spellings.setdefault(" ".join(answer.split()).casefold(), Counter())[answer] += 1
    return Counter(
        {max(sorted(each), key=lambda text: each[text]): each.total() for each in spellings.values()}
    )


def instructed(
    wording: Mapping[str, str], instruction: str | None, labels: Labels | None = None
) -> Mapping[str, str]:
    """A wording that says in every call what to do, and which answers there are.

    What the user says takes the place of the shared line on the form of answers; a line of the domain's own
    stands behind it.
    """
    line = wording.get("", "")
    told = (instruction or "").strip()
    if labels is not None and not all(label.casefold() in told.casefold() for label in labels.names):
        told = f"{told} {labels.sentence()}".strip()
    if not told and labels is None:
        return wording
    parts = [told, "" if line == WORDING[""] else line]
    made = {**wording, "": " ".join(part for part in parts if part)}
    if labels is not None and made.get("answer") == WORDING["answer"]:
        made["answer"] = "only the label, nothing else"
    return made


def with_instruction(brief: str, instruction: str | None, labels: Labels | None = None) -> str:
    """A brief that tells the meta agent what every agent is told anyway."""
    if labels is not None:
        brief = f"{brief} {labels.sentence()}"
    if instruction and instruction.strip():
        brief = f"{brief} Every call of an agent begins with this instruction: «{instruction.strip()}»"
    return brief
