"""What a reply of an endpoint says: the one place that reads them, for both wires and for exported agents.

Endpoints differ: thinking comes in a field of its own or within the text, content as a list of parts,
failures with status 200, answers as streams that nobody asked for. What is no answer is an error; what was
cut says so.

Needs the standard library only: exported agents carry this file.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from meta_search.llm.bodies import value_of
from meta_search.llm.faults import READ, BadAnswer, Refused, one_line
from meta_search.llm.streams import joined
from meta_search.llm.thinking import object_at_end, without_thinking

__all__ = ["Answer", "read", "read_object", "refused"]

MOST_CALLS = 32  # of tools that one answer may make
MOST_TOKENS = 10**8  # that one call can read or write: what counts more does not count
SHOWN = 400  # characters of an answer that cannot be read which a message shows
LONGEST = 2**21  # characters of an answer with its thinking
LEAST_HIDDEN = 16  # tokens that tell thinking from a limit that leaves room for nothing
CUT = frozenset({"length", "max_tokens", "max_output_tokens", "model_length", "max_completion_tokens"})
WITHHELD = frozenset({"content_filter", "safety", "prohibited_content", "recitation", "blocklist", "refusal"})
DAILY = re.compile(r"\bdaily\b|per day", re.IGNORECASE)
LIMITED = re.compile(r"rate.?limit|too.?many|quota|throttl", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Answer:
    """What an endpoint answered.

    Attributes:
        text: The model's words, without its thinking.
        finish: `stop`, `length` (it was cut), ….
        prompt_tokens: As the endpoint counts; `None` where it does not say.
        completion_tokens: Likewise, thinking included.
        reasoning_tokens: Of these, thinking.
        thinks: Whether the model thought before it answered.
        calls: What it called: id, name and arguments as JSON text, each as it came.
    """

    text: str
    finish: str
    prompt_tokens: int | None
    completion_tokens: int | None
    reasoning_tokens: int = 0
    thinks: bool = False
    calls: tuple[tuple[str, str, str], ...] = ()

    @property
    def words(self) -> str:
        """What it says beside its calls; `text` has the arguments of a call where it says nothing else."""
        return "" if any(self.text == arguments for *_, arguments in self.calls) else self.text

    @property
    def is_cut(self) -> bool:
        """Whether the model was stopped at its limit of tokens."""
        return self.finish == "length"


def read(received: bytes, headers: Mapping[str, Any] | None = None) -> Answer:
    """Read a body with status 200, JSON or a stream of events.

    Raises:
        BadAnswer: It holds no usable answer.
        Refused: It tells of a failure.
    """
    text = _text(received)
    if re.match(r"(data|event|id|retry)?: ?", text):
        return read_object(joined(text), headers)
    try:
        reply = value_of(text)
    except (ValueError, RecursionError):
        if re.match(r"(?i)<(!doctype|html|head|\?xml)", text):
            raise BadAnswer(f"the answer is a web page, not JSON{_title(text)}") from None
        what = f"the answer is not JSON: {one_line(text[:SHOWN])}" if text else "the reply is empty"
        raise BadAnswer(what) from None
    return read_object(reply, headers)


def _text(received: bytes) -> str:
    """A body as text, without a byte order mark and the comments (`: OPENROUTER PROCESSING`) with which some
    keep a connection alive before they answer."""
    text = received.decode(errors="replace").strip().removeprefix("\ufeff").lstrip()
    return re.sub(r"\A(?::[^\n]*\n\s*)+(?=\{)", "", text)


def _title(page: str) -> str:
    found = re.search(r"(?is)<title[^>]*>(.*?)</title>", page[:SHOWN])
    return f" («{one_line(found[1], length=80)}»)" if found and found[1].strip() else ""


def read_object(reply: Any, headers: Mapping[str, Any] | None = None) -> Answer:
    """Read the JSON of a reply; raises as `read`."""
    if isinstance(reply, list) and reply:  # as Gemini has its errors
        reply = reply[0]
    if not isinstance(reply, Mapping):
        raise BadAnswer("the answer is not a JSON object")
    choices = reply.get("choices")
    if not choices:
        raise _no_choices(reply, headers)
    try:
        choice = _first(choices)
        finish = str(choice.get("finish_reason") or "").lower()
        if choice.get("error") or finish == "error":
            raise _failed(choice.get("error") or reply.get("error") or {}, headers)
        message = choice.get("message") or choice.get("delta") or {"content": choice.get("text")}
        text, thinking = _words(message if isinstance(message, Mapping) else {"content": message})
        if (length := len(text) + len(thinking)) > LONGEST:
            raise BadAnswer(f"the answer has {length:,} characters, more than any limit allows")
        answer = _answer(text, thinking, finish, reply.get("usage"))
        if calls := _calls(message) if isinstance(message, Mapping) else ():
            answer = replace(answer, calls=calls)
    except (AttributeError, LookupError, TypeError, ValueError, ArithmeticError, RecursionError) as error:
        raise BadAnswer(f"the answer has an unknown form: {one_line(str(error))}") from error
    if finish in WITHHELD and not (answer.text and finish == "refusal"):  # what is there is its beginning
        raise BadAnswer("the answer was withheld by a content filter", withheld=True)
    if not (answer.text or answer.calls or thinking or answer.finish == "length" or reply.get("usage")):
        raise BadAnswer("the answer is empty and counts no tokens: the model's server seems to have failed")
    return answer


def _first(choices: Any) -> Any:
    """The choice that answers: of several, the first by their own count."""
    several = all(isinstance(c, Mapping) and isinstance(c.get("index"), int) for c in choices)
    return min(choices, key=lambda c: c["index"]) if several else choices[0]


def _answer(text: str, thinking: str, finish: str, usage: Any) -> Answer:
    """Text and counts, with the thinking taken out of both."""
    finish = "length" if finish in CUT else finish
    said, inside = without_thinking(text)
    thinking += inside
    if not said and finish != "length" and thinking.rstrip().endswith("}"):
        said = object_at_end(thinking)  # an answer by schema that was taken for thinking
    prompt, completion, reasoning = _counts(usage if isinstance(usage, Mapping) else {})
    if thinking and not reasoning and completion:  # not told: by the share of the text
        reasoning = round(completion * len(thinking) / (len(thinking) + len(said)))
    # What was cut and says nothing at all has thought, also where the endpoint does not tell.
    hidden = finish == "length" and not text and (completion or LEAST_HIDDEN) >= LEAST_HIDDEN
    reasoning = completion or 0 if hidden else reasoning
    said = said if said.isascii() else said.encode("utf-8", "replace").decode()  # no lone surrogates
    return Answer(said, finish, prompt, completion, reasoning, bool(thinking.strip() or reasoning or hidden))


def _words(message: Mapping[str, Any]) -> tuple[str, str]:
    """What a message says, and what was thought before."""
    text, thinking = "", ""
    content = message.get("content")
    if isinstance(content, Mapping):  # one part, or an object by schema that nobody made text of
        is_part = isinstance(content.get("text"), str)
        content = [content] if is_part else json.dumps(content, ensure_ascii=False)
    if isinstance(content, str | int | float):
        text = content if isinstance(content, str) else json.dumps(content)
    for part in content if isinstance(content, list) else ():
        if isinstance(part, str):
            text += part
        elif str(part.get("type")) in ("thinking", "reasoning"):
            thinking += _flat(part.get("thinking") or part.get("text") or part.get("reasoning"))
        else:
            text += _flat(part.get("text") or part.get("content") or part.get("refusal"))
    for name in ("reasoning_content", "reasoning", "thinking"):
        if isinstance(message.get(name), str):
            thinking = thinking or message[name]
    details = message.get("reasoning_details")
    for part in details if isinstance(details, list) and not thinking else ():
        thinking += _flat(part.get("text") or part.get("summary"))
    if not text and message.get("refusal"):
        text = str(message["refusal"])
    return text or _called(message), thinking


def _flat(value: Any) -> str:
    """Text of a part, which may be a list of parts itself."""
    if isinstance(value, list):
        return "".join(_flat(v.get("text") if isinstance(v, Mapping) else v) for v in value)
    if isinstance(value, Mapping):
        return _flat(value.get("value") or value.get("text"))
    return "" if value is None else str(value)


def _calls(message: Mapping[str, Any]) -> tuple[tuple[str, str, str], ...]:
    """What a message calls: id, name and arguments of each."""
    calls = message.get("tool_calls") or ([{"function": f}] if (f := message.get("function_call")) else [])
    found, length = [], 0
    for call in calls[:MOST_CALLS]:
        what = call.get("function") or {}
        given = what.get("arguments")
        text = given if isinstance(given, str) else json.dumps(given or {}, ensure_ascii=False)
        texts = [
            part if part.isascii() else part.encode("utf-8", "replace").decode()
            for part in (str(call.get("id") or ""), str(what.get("name") or ""), text)
        ]
        length += sum(map(len, texts))
        if length > LONGEST:
            raise BadAnswer(f"the answer's calls have more than {LONGEST:,} characters")
        found.append((texts[0], texts[1], texts[2]))
    return tuple(found)


def _called(message: Mapping[str, Any]) -> str:
    """The arguments of a call of a tool that nobody offered: some models answer by schema in this way."""
    calls = message.get("tool_calls") or ([{"function": f}] if (f := message.get("function_call")) else [])
    for call in calls:
        given = (call.get("function") or {}).get("arguments")
        if given:
            return given if isinstance(given, str) else json.dumps(given, ensure_ascii=False)
    return ""


def _counts(usage: Mapping[str, Any]) -> tuple[int | None, int | None, int]:
    """Tokens read, written (with thinking) and thought.

    OpenAI counts thinking among what was written; some others beside it, and then only the total tells.
    """
    prompt = _count(usage.get("prompt_tokens", usage.get("input_tokens")))
    completion = _count(usage.get("completion_tokens", usage.get("output_tokens")))
    details = usage.get("completion_tokens_details") or usage.get("output_tokens_details") or {}
    stated = details.get("reasoning_tokens") if isinstance(details, Mapping) else None
    reasoning = _count(stated) or _count(usage.get("reasoning_tokens")) or 0
    total = _count(usage.get("total_tokens"))
    if prompt is not None and completion is not None:
        beside = (total or 0) - prompt - completion
        if beside > 0:
            completion, reasoning = completion + beside, max(reasoning, beside)
        elif reasoning > completion:
            completion += reasoning
    return prompt, completion, min(reasoning, completion or 0)


def _count(value: Any) -> int | None:
    """A number of tokens, rounded up; `None` where it is none, or none that can be."""
    if isinstance(value, str) and re.fullmatch(r"\s*\d{1,12}(\.\d+)?\s*", value):
        value = float(value)
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return math.ceil(value) if 0 <= value <= MOST_TOKENS else None


def _no_choices(reply: Mapping[str, Any], headers: Mapping[str, Any] | None) -> Exception:
    """What a reply without choices is: a failure that a gateway passes on with status 200, or nothing."""
    if reply.get("error"):
        return _failed(reply["error"], headers)
    words = reply.get("message") or reply.get("detail") or reply.get("msg")
    if not words:
        said = one_line(json.dumps(reply, ensure_ascii=False)[:SHOWN])
        return BadAnswer(f"the answer holds no choices: {said}")
    said = words if isinstance(words, str) else json.dumps(words, ensure_ascii=False)
    flat = {"code": reply.get("code") or reply.get("status"), "message": f"an answer without choices: {said}"}
    return _failed(flat, headers)


def _failed(error: Any, headers: Mapping[str, Any] | None) -> Refused:
    """A failure within a reply of status 200."""
    fields = error if isinstance(error, Mapping) else {"message": str(error)}
    code = fields.get("code") or fields.get("type")
    message = str(fields.get("message") or fields or "the model's server failed")
    if isinstance(code, str) and re.fullmatch(r"[0-9]{3}", code):
        code = int(code)
    if isinstance(code, int) and 400 <= code < 600:
        return Refused(code, message[:READ], headers or {})
    if code and str(code) not in message:
        message = f"{message} ({code})"
    message = message[:READ]
    if DAILY.search(message):  # no waiting helps: as where the credit is used up
        return Refused(402, message, headers or {})
    return Refused(429 if LIMITED.search(message) else 500, message, headers or {})


def _metadata(error: Mapping[str, Any]) -> tuple[str, Mapping[str, Any]]:
    """What OpenRouter passes on of the provider behind it: its words, and its headers."""
    about = error.get("metadata")
    if not isinstance(about, Mapping):
        return "", {}
    raw, reasons = about.get("raw"), about.get("reasons")
    words = raw if isinstance(raw, str) else json.dumps(raw or reasons, ensure_ascii=False)
    told = f": {about.get('provider_name') or 'its provider'} says {words}" if raw or reasons else ""
    headers = about.get("headers")
    return told, headers if isinstance(headers, Mapping) else {}


def refused(status: int, received: bytes, headers: Mapping[str, Any]) -> Refused:
    """A reply with an error status as an error: the endpoint's words, and its code, which says more."""
    text = _text(received)
    try:
        return _refused(status, text, headers)
    except (AttributeError, TypeError, ValueError, RecursionError):
        return Refused(status, text[:SHOWN] or f"HTTP status {status}", headers, text[:READ])


def _refused(status: int, text: str, headers: Mapping[str, Any]) -> Refused:
    try:
        told = value_of(text)
    except (ValueError, RecursionError):
        told = None
    if isinstance(told, list) and told and isinstance(told[0], Mapping):  # as Gemini has it
        told = told[0]
    error = (told.get("error") or told.get("errors") or told) if isinstance(told, Mapping) else None
    if isinstance(error, list) and error and isinstance(error[0], Mapping):
        error = error[0]
    if isinstance(error, Mapping):
        code = error.get("code") or error.get("type")
        message = str(error.get("message") or error.get("detail") or dict(error))
        if isinstance(code, str) and not code.isdigit() and code not in message:
            message = f"{message} ({code})"
        more, passed_on = _metadata(error)
        message, headers = message + more, {**passed_on, **headers}
    elif re.match(r"(?is)\s*<(!doctype|html)", text):
        message = f"HTTP status {status} and a web page{_title(text)}"
    else:
        message = str(error or text[:SHOWN])
    if 300 <= status < 400:
        message = f"redirects to {headers.get('Location', 'nowhere')}: name that in llm.base_url"
    return Refused(status, message[:READ] or f"HTTP status {status}", headers, text[:READ])
