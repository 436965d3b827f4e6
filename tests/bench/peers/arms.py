"""The arms: what is compared, and how each is run."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["ARMS", "Arm", "CHEAP", "OURS"]

OURS = "default"  # whom the others are compared with


@dataclass(frozen=True, slots=True)
class Arm:
    """One arm.

    Attributes:
        about: What it is, for the table and the docs.
        script: Child that runs it, in `children/`.
        form: What it is asked for where the task allows programs: `program` or `answer`; else `answer`.
        search: Overrides of our search.
        old: Whether it runs in the tree of an older commit.
        after: Arm whose result it needs.
        peer: Whether it needs the peers' venv.
    """

    about: str
    script: str
    form: str = "program"
    search: tuple[str, ...] = ()
    old: bool = False
    after: str = ""

    @property
    def peer(self) -> bool:
        return self.script != "ours_child.py"


def _ours(about: str, *search: str, old: bool = False, after: str = "") -> Arm:
    return Arm(about, "ours_child.py", "answer", search, old, after)


def _dspy(about: str, form: str = "program") -> Arm:
    return Arm(about, "dspy_child.py", form)


ARMS: dict[str, Arm] = {
    OURS: _ours("our default search"),
    "old": _ours("the default search of an older commit", old=True),
    "random": _ours("ours with uniform briefs and designs", "search=random"),
    "adas": _ours("Meta Agent Search as published, in our engine", "search=adas"),
    "seed": _ours("the best of our hand-made seeds", "search.candidates=0"),
    "cot-sc": _ours("chain of thought with votes at the cost of the default's agent", after=OURS),
    "dspy-plain": _dspy("DSPy: the signature alone, as all its optimisers start"),
    "dspy-labelled-few": _dspy("DSPy LabeledFewShot on answers", "answer"),
    "dspy-knn": _dspy("DSPy KNNFewShot"),
    "dspy-knn-answers": _dspy("DSPy KNNFewShot on answers", "answer"),
    "dspy-bootstrap": _dspy("DSPy BootstrapFewShotWithRandomSearch"),
    "dspy-mipro": _dspy("DSPy MIPROv2"),
    "dspy-gepa": _dspy("DSPy GEPA"),
    "dspy-flex": _dspy("DSPy GEPA on a Flex module, on answers", "answer"),
    "gepa": Arm("gepa.optimize on a system prompt", "gepa_child.py"),
}
CHEAP = (OURS, "seed", "cot-sc", "dspy-plain", "dspy-knn", "dspy-bootstrap", "gepa")
