"""Agents whose answer is the attack: objects in place of text, and text that is code for a scorer."""

from tests.hostile.attack import attacks

__all__ = ["ATTACKS", "CODE"]

# Text that would do something if a scorer evaluated, parsed, formatted, loaded or believed it.
CODE = {
    "code that writes": "__import__('os').system('touch @OPEN@/scored')",
    "code that opens": "open('@OPEN@/scored', 'w')",
    "code behind a number": "42 if open('@OPEN@/scored', 'w') else 0",
    "code in a list": "[open('@OPEN@/scored', 'w')]",
    "code in a boxed answer": "\\boxed{__import__('os').system('touch @OPEN@/scored')}",
    "code for sympy": "Integer(1).__class__.__init__.__globals__['sys'].exit(1)",
    "code for a template": "{{ ''.__class__.__mro__[1].__subclasses__() }}{% include '/etc/passwd' %}",
    "code for format": "{0.__class__.__init__.__globals__}%(secret)s%n%n%n",
    "code for SQL": "'; drop table agents; --",
    "code for a page": "<script src=//x></script><img src=x onerror=alert(1)>",
    "code for YAML": "!!python/object/apply:os.system ['touch @OPEN@/scored']",
    "code for LaTeX": "\\input{/etc/passwd}\\write18{touch @OPEN@/scored}",
    "not a number": "nan",
    "infinity": "inf",
    "a number too large": "1e99999999",
    "a power tower": "9**9**9**9",
    "every number": " ".join(str(n) for n in range(-999, 1200)),
    "yes": "True",
    "digits without end": "9" * 8000,
    "brackets without end": "[" * 8000,
    "fractions without end": "1/" * 4000,
    "spaces without end": " " * 8000 + "x",
    "nothing": "",
    "zero bytes": "\0" * 100,
}

ATTACKS = attacks("answers", [
    ("a number", "be scored by an object", "bad_answer", "return 7.5"),
    ("nothing returned", "be scored by nothing", "bad_answer", "pass",
     {"detail": "NoneType; return an Info or a str"}),
    ("a list", "be scored by an object", "bad_answer", "return ['x']", {"detail": "list; return"}),
    ("a dict", "be scored by an object", "bad_answer", "return {'answer': 'x', 'score': 1}"),
    ("bytes", "be scored by an object", "bad_answer", "return b'x'"),
    ("a subclass of str", "be equal to every target", "ok bad_answer", """
class Yes(str):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = str.__hash__
    strip = lower = upper = casefold = lambda self, *_: self
return Yes('yes')"""),
    ("an object that always says yes", "be equal to every target", "bad_answer", """
class Yes:
    def __eq__(self, other): return True
    def __str__(self): return 'yes'
    def __getattr__(self, name): return lambda *_: self
return Yes()"""),
    ("an Info of an object", "hide an object in an Info", "bad_answer", """
class Yes:
    def __eq__(self, other): return True
return Info('answer', 'me', Yes(), 0)"""),
    ("an Info of its own", "be taken for an Info", "bad_answer crash ok", """
class Mine(Info):
    content = property(lambda self: type('Yes', (), {'__eq__': lambda *_: True})())
return Mine('answer', 'me', 'x', 0)"""),
    ("an answer that pickles", "run when it is loaded", "bad_answer", """
class Bomb:
    def __reduce__(self): return (eval, ("__import__('os').system('touch @OPEN@/pickled')",))
return Bomb()"""),
    ("half of a pair of code units in the answer", "break whoever stores it", "ok bad_answer",
     "return '\\ud800'"),
    *((name, "be more than text to a scorer", "ok", f"return {text!r}") for name, text in CODE.items()),
    ("the question", "be right by repeating", "ok", "return taskInfo.content"),
    ("an answer that is a model's", "have the model's words taken for code", "ok", """
asker = LLMAgentBase(['answer'], 'asker')
return asker([taskInfo], "Say __import__('os').system('touch @OPEN@/said')")[0]"""),
])  # fmt: skip
