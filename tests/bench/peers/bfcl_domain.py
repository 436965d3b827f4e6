"""Which function is to be called, and with which arguments? Answer with one JSON object, as
{"name": "get_weather", "arguments": {"city": "Oslo"}}. All names and values must be right."""

# A file for `domain=python`, copied beside the data by tests/bench/peers/bfcl.py. It is loaded in the
# confined scorer too, which finds nothing but the standard library.
import json
import pathlib
import re

HERE = pathlib.Path(__file__).parent
SIZES = {"test": 120, "validation": 48, "train": 48, "examples": 48}  # dealt in turn, kinds mixed
wording = {"": 'Reply with one JSON object only: {"name": …, "arguments": {…}}.', "answer": "the JSON object"}


def items(split):
    rows = [json.loads(line) for line in (HERE / "bfcl.jsonl").read_text().splitlines()]
    start = 0
    for name, size in SIZES.items():
        if name == split:
            return rows[start : start + size]
        start += size
    return []


def score(item, answer):
    found = call_in(answer)
    if found is None:
        return 0.0, "no JSON object with name and arguments"
    name, arguments = found
    allowed = item.data["allowed"]
    if name not in allowed:
        return 0.0, f"another function is to be called: {', '.join(allowed)}"
    values = allowed[name]
    if unknown := [key for key in arguments if key not in values]:
        return 0.0, f"unexpected arguments: {', '.join(unknown)}"
    needed = {*item.data.get("required", ()), *(k for k, v in values.items() if "" not in v)}
    if missing := sorted(needed - set(arguments)):
        return 0.0, f"missing arguments: {', '.join(missing)}"
    floats = item.data.get("floats", ())
    wrong = [k for k, value in arguments.items() if not any(same(value, v, k in floats) for v in values[k])]
    return (0.0, f"wrong values: {', '.join(wrong)}") if wrong else 1.0


def call_in(answer):
    """Name and arguments of the first JSON object in an answer that has them."""
    decoder = json.JSONDecoder()
    for at in (match.start() for match in re.finditer(r"\{", answer[:20000])):
        try:
            found, _ = decoder.raw_decode(answer, at)
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict) and isinstance(found.get("arguments"), dict) and "name" in found:
            return found["name"], found["arguments"]
    return None


def same(value, wanted, floats=False):
    """As BFCL's own checker: text without spaces and marks, case aside; 5.0 is 5 where floats are wanted."""
    if isinstance(wanted, str) and isinstance(value, str):
        return plain(value) == plain(wanted)
    if isinstance(wanted, list) and isinstance(value, list):
        pairs = zip(value, wanted, strict=False)
        return len(value) == len(wanted) and all(same(v, w, floats) for v, w in pairs)
    if isinstance(wanted, dict) and isinstance(value, dict):  # of a dict, each value has its own list
        known = all(k in wanted and any(same(v, w, True) for w in wanted[k]) for k, v in value.items())
        return known and all(k in value or "" in w for k, w in wanted.items())
    if isinstance(wanted, bool) or isinstance(value, bool):
        return value is wanted
    if isinstance(value, float) and isinstance(wanted, int) and not floats:
        return False
    return isinstance(value, int | float) and isinstance(wanted, int | float) and value == wanted


def plain(text):
    return re.sub(r"[ ,./\-_*^]", "", text).lower().replace("'", '"')
