r"""The final answer of a text: what is left of it without the thinking, the working and the wrapping.

It is the last LaTeX `\boxed{…}`, else what stands in `<answer>`, else what follows the last `####` (as in
GSM8K), else what follows a phrase like "the answer is" or "Answer:", else the whole text. An answer that is a
JSON object with the answer in it, `{"answer": 7}`, is what stands there.
"""

from __future__ import annotations

import json
import re
from typing import Any, NamedTuple

from domains.json_match import relaxed
from domains.matching.characters import MAX_TEXT

__all__ = ["Final", "bare", "final", "final_answer"]

KEYS = frozenset(
    "answer final_answer finalanswer final result output response solution choice option label prediction "
    "value category class".split()
)
MOST_JSON = 20_000  # characters of an answer that may be one JSON object

_THOUGHTS = ("think", "thinking", "reasoning", "scratchpad")
_STRUCK = re.compile(r"~~[^~]{1,400}~~")
_TAG = re.compile(r"<(?:final_?)?answer>(.*?)(?:</(?:final_?)?answer>|\Z)", re.DOTALL | re.IGNORECASE)
_BOX = re.compile(r"\\(?:boxed|fbox)\s*(?:\{|(?=\w))")
_PHRASE = re.compile(
    r"\b(?:answer|ans|result|solution|response|réponse|antwort|lösung|ergebnis|respuesta|resposta|risposta|jibu|"
    r"ответ)\b(?:\s*\([^()\n]{0,40}\)|\s(?:correct[aeo]?|corrett?[ao]|finale?|exacte?))?[*_`]{0,3}\s*"
    r"(?:(?:is|ist|est|es|è|é|ni|would be|should be|must be)\b"
    r"(?:\s+(?:thus|therefore|then|simply|approximately))?(?:[*_`\s]*:)?|[:=])[*_`]{0,3}"
    r"|(?:答案|答え|答|正解|正确选项|正確選項|정답)\s*(?:(?:应该|應該)?[是为為选選]|は|:|은|는)+(?!不)",
    re.IGNORECASE,
)
_COPULA = re.compile(r"(?:です|でした|だ|입니다|이다|예요|이에요)[。.!]?$")  # behind what the answer is
_FENCED = re.compile(r"```(?:[\w+-]*[ \t\r]*\n)?(.*?)\n?```", re.DOTALL)
_WRAPPERS = (
    *(("**", "**"), ("__", "__"), ("$$", "$$"), ("$", "$"), ("`", "`"), ('"', '"'), ("'", "'")),
    *(("\\(", "\\)"), ("\\[", "\\]"), ("\\text{", "}"), ("\\textbf{", "}"), ("<b>", "</b>")),
    *(("*", "*"), ("_", "_"), ("<p>", "</p>"), ("<strong>", "</strong>"), ("“", "”"), ("‘", "’")),
    *(("«", "»"), ("「", "」"), ("„", "“"), ("\\mathrm{", "}")),
)
_ENDS = ".!,;:。!?、,"


class Final(NamedTuple):
    """A final answer.

    Attributes:
        text: Without space around it.
        marked: Whether something marked it as the answer, as a box or a phrase does.
    """

    text: str
    marked: bool


def final_answer(text: str) -> str:
    """The part of a text that is its final answer, without space around it; see the module's docstring."""
    return final(text).text


def final(text: str) -> Final:
    """The final answer of a text, and whether it is marked as such."""
    text = _said(text)
    inner = _of_json(text)
    if inner is not None:
        return Final(inner.strip(), True)
    text = text[-MAX_TEXT:]
    boxes = list(_BOX.finditer(text))
    if boxes:
        rest = text[boxes[-1].end() :]
        inside = _braced(rest) if boxes[-1][0].endswith("{") else re.match(r"\w+", rest)[0]  # type: ignore[index]
        return Final(inside.strip(), True)
    tags = _TAG.findall(text)
    if tags and tags[-1].strip():
        return Final(tags[-1].strip(), True)
    if "####" in text:
        return Final(text.rpartition("####")[2].strip(), True)
    ends = [phrase.end() for phrase in _PHRASE.finditer(text)]
    rest = _COPULA.sub("", text[ends[-1] :].strip()) if ends else ""
    return Final(rest, True) if rest else Final(text.strip(), False)


def bare(text: str) -> str:
    """A text without a fence, quotes or markdown around it, and without the stops after it."""
    text = text.strip()
    fenced = _FENCED.fullmatch(text)
    text = fenced[1].strip() if fenced is not None and "```" not in fenced[1] else text
    for _ in range(8):  # wrappers may be nested, as in **"Paris."**
        before = text
        for opening, closing in _WRAPPERS:
            if (
                len(text) > len(opening + closing)
                and text.startswith(opening)
                and text.endswith(closing)
                and closing not in text[len(opening) : -len(closing)]
            ):
                text = text[len(opening) : len(text) - len(closing)].strip()
        if len(text) > 1:
            text = text.rstrip(_ENDS).strip() or text
        if text == before:
            break
    return text


def _said(text: str) -> str:
    """Without thinking that was left in, and without what is struck out."""
    text = text[-4 * MAX_TEXT :]
    lowered = text.lower()
    if "<" in text and len(lowered) == len(text):
        ends = [at + len(name) + 3 for name in _THOUGHTS if (at := lowered.rfind(f"</{name}>")) >= 0]
        text = text[max(ends) :] if ends and text[max(ends) :].strip() else text
        begins = [at for name in _THOUGHTS if (at := text.lower().find(f"<{name}>")) >= 0]
        text = text[: min(begins)] if begins and text[: min(begins)].strip() else text
    return _STRUCK.sub("", text) if "~~" in text else text


def _of_json(text: str) -> str | None:
    """What a JSON object gives as the answer; `None` where the text is none, or has none."""
    text = text.strip()
    fenced = _FENCED.fullmatch(text) if text.startswith("```") else None
    text = (fenced[1] if fenced is not None else text).strip()
    if not (text.startswith("{") and text.endswith("}") and len(text) <= MOST_JSON):
        return None
    value = relaxed(text)
    if not isinstance(value, dict):
        return None
    named = [v for k, v in value.items() if str(k).strip().casefold().replace(" ", "_") in KEYS]
    if len(value) == 1 and not named:
        named = list(value.values())
    return _text(named[0]) if len(named) == 1 else None


def _text(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return str(value)
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _braced(text: str) -> str:
    """Up to the brace that closes what was opened before the text."""
    depth = 1
    for index, character in enumerate(text):
        depth += (character == "{") - (character == "}")
        if depth == 0:
            return text[:index]
    return text
