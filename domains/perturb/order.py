"""Facts of a question in another order, where a rule can know that they do not hang on one another.

Paragraphs of a collection (each with a title, as HotpotQA's) and numbered facts do not. Sentences do not
where each of them says how something is, by a verb of state and without a word that points elsewhere: "Ann
has 3 cats." What happens, happens in an order, so that all other texts are left to the meta model and its
judge.
"""

from __future__ import annotations

import hashlib
import random
import re
from dataclasses import replace

from domains.domain import Item
from domains.perturb.choices import permuted_options
from domains.perturb.outcome import LeftOut

__all__ = ["other_order", "parts_of", "sentences"]

LEAST = 2
TITLED = re.compile(r"[^\n:.?!]{2,80}(?::|\n)\s*\S")  # "Title: text"
STATE = r"(?:has|have|had|is|are|was|were|costs?|weighs?|contains?|holds?|owns?|measures?|earns?|charges?)"
FACT = re.compile(rf"(?:Each|Every|An?|One|There)?\s*(?:[A-Z]?[\w'’-]+\s+){{0,4}}{STATE}\s+[^.?!;:]*\.")
# Words by which a sentence hangs on what stands before it.
POINTS = re.compile(
    r"\b(?:he|she|it|they|him|her|hers|his|its|their|theirs|them|this|that|these|those|then|now|next|later|after|"
    r"before|first|second|third|last|finally|also|too|another|others?|rest|remaining|more|less|fewer|else|again|"
    r"still|so|such|same|both|former|latter|instead|however|but|and then|left|who|which|where|when|while|if|"
    r"as many|as much|twice|half|times|today|yesterday|tomorrow|so far|the)\b",
    re.IGNORECASE,
)
BREAK = re.compile(
    r"(?<=[.?!])(?<!\bMr\.)(?<!\bMrs\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)\s+(?=[\"“(]?[A-Z0-9$])"
)


def sentences(text: str) -> tuple[list[str], list[str]]:
    """The sentences of a text, and what stands between them: one less."""
    breaks = list(BREAK.finditer(text))
    starts = [0, *(b.end() for b in breaks)]
    ends = [*(b.start() for b in breaks), len(text)]
    return [text[a:b] for a, b in zip(starts, ends, strict=True)], [b[0] for b in breaks]


def parts_of(text: str) -> tuple[list[str], list[str]]:
    """The paragraphs of a text where it has several, else its sentences; and what stands between them."""
    paragraphs = re.split(r"(\n\s*\n)", text)
    if len(paragraphs) > 2 * LEAST:
        return paragraphs[::2], paragraphs[1::2]
    return sentences(text)


def other_order(item: Item, seed: int) -> Item:
    """An item with its options, or its independent facts, in another order.

    Raises:
        LeftOut: No rule knows that this keeps the answer; says why.
    """
    try:
        return permuted_options(item, seed)
    except LeftOut:
        pass
    rng = random.Random(hashlib.sha256(f"{seed}/order/{item.id}".encode()).digest())
    for parts, gaps, free in (_paragraphs(item.question), _facts(item.question)):
        if len(free) >= LEAST and len({parts[k] for k in free}) >= LEAST:
            return replace(item, question=_moved(parts, gaps, free, rng))
    raise LeftOut("no rule knows whether its sentences hang on one another")


def _paragraphs(text: str) -> tuple[list[str], list[str], list[int]]:
    """Paragraphs, what stands between them, and which have a title of their own and so may move."""
    parts = re.split(r"(\n\s*\n)", text)
    blocks, gaps = parts[::2], parts[1::2]
    free = [k for k, block in enumerate(blocks[:-1]) if TITLED.match(block) and "?" not in block]
    return blocks, gaps, free if len(free) >= 3 else []


def _facts(text: str) -> tuple[list[str], list[str], list[int]]:
    """Sentences, what stands between them, and the run of facts at the beginning that may move."""
    found, gaps = sentences(text)
    free: list[int] = []
    for k, sentence in enumerate(found[:-1]):
        if not FACT.fullmatch(sentence) or POINTS.search(sentence):
            break
        free.append(k)
    return found, gaps, free


def _moved(parts: list[str], gaps: list[str], free: list[int], rng: random.Random) -> str:
    """A text with the parts that may move in another order."""
    order = list(free)
    while [parts[k] for k in order] == [parts[k] for k in free]:
        rng.shuffle(order)
    new = list(parts)
    for place, k in zip(free, order, strict=True):
        new[place] = parts[k]
    return "".join(part + gap for part, gap in zip(new, [*gaps, ""], strict=True))
