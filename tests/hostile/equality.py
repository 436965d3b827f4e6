"""Agents that ask whether two answers are the same, of those who parse answers."""

from tests.hostile.attack import attacks

__all__ = ["ATTACKS"]

BODY = """
told = [self._scheduler.ask({{'op': 'equal', 'kind': kind, 'a': {text!r}, 'b': '7', 'threshold': 0.9}})
        for kind in ('math', 'text')]
return 'ESCAPED' if any(answer.get('equal') for answer in told) else 'unequal'"""

# What a parser of mathematics or of text would run, compute, or recurse into.
TEXTS = {
    "code": "__import__('os').system('touch @OPEN@/equal')",
    "code without names": "(lambda: open('@OPEN@/equal', 'w'))()",
    "attributes": "pi.__class__.__mro__[1].__subclasses__()",
    "a power tower": "9^9^9^9 + 1",
    "a factorial": "factorial(10^9) + 2",
    "a factorial in LaTeX": "\\frac{(10^9)!}{3}",
    "an integral": "\\int_0^1 x^{x^{x^{\\sin(x)}}} dx + 7",
    "brackets": "(" * 1500 + "x" + ")" * 1499,
    "LaTeX that includes": "\\input{/etc/passwd}\\write18{touch @OPEN@/equal}",
    "a long sum": "+".join(f"x^{n}" for n in range(500)),
}
QUESTION = "'op': 'equal', 'id': 9, 'kind': 'math', 'a': '1', 'b': '2', 'threshold': 0.5"
FORGED = f"self._scheduler.channel.send({{{{{QUESTION}, {{0}}}}}})\nwhile True: pass"

ATTACKS = attacks("equality", [
    *((name, "have a parser run or compute it", "ok cpu", BODY.format(text=t)) for name, t in TEXTS.items()),
    ("a thousand questions at once", "keep the parsers busy", "refused", f"""
for i in range(1000): self._scheduler.channel.send({{{QUESTION}, 'id': 1000 + i}})
while True: pass""", {"lingers": True}),
    ("texts of a megabyte", "fill the parsers' memory", "refused",
     FORGED.format("'a': 'x' * 10**6")),
    ("a kind of its own", "have another function called", "refused",
     FORGED.format("'kind': '__import__'")),
])  # fmt: skip
