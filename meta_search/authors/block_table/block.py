"""What the table says of a block."""

from __future__ import annotations

from dataclasses import dataclass

__all__ = ["EXAMPLES", "NEAREST", "NONE", "STAGES", "Block"]

STAGES = ("prepare", "solve", "check", "failed", "combine", "choice", "hint")
NONE = "none"  # of the stages that a plan can do without: prepare and check
NEAREST = "sorted_by_nearness"  # the order of examples that ways of working are written with
EXAMPLES = ("examples_for", NEAREST)  # what a block needs that shows worked examples


@dataclass(frozen=True, slots=True)
class Block:
    """One choice at a stage of a plan.

    Attributes:
        name: As plans have it; no other block has it, of whatever stage.
        stage: One of `STAGES`.
        function: Of `agent.blocks`, that the compiled agent calls.
        does: One line for people and meta models, without a full stop.
        calls: Least and most LLM calls for an answer (solve, check, failed), or for an item (prepare,
            combine), beside those of the blocks that it calls in turn; retries are in the most.
        needs: Further functions and constants of `agent.blocks` that its function names.
        parameters: That its function declares by `self.tune`.
        role: Who the model is told to be (solve).
        instruction: Of its first call (solve).
        takes: Names of what the compiled `forward` calls it with (combine).
        other: Whether it starts the item in its second way (check, failed, combine).
        text: The sentence that is added to the instruction (hint).
        shows: What `examples_for` is asked for to show (solve), `""` where it shows no worked examples.
        form: Of the replies that it shows, as `Demonstration.form` (solve).
        second: The way that an item takes where a check or a doubt asks for another one (solve).
        lively: Whether it compares answers of equal models itself, so that they must not be the same (solve).
        source: Paper or system that it is taken from.
        by_default: Whether plans are drawn with it unless `author.ways` or `author.blocks` say otherwise.
    """

    name: str
    stage: str
    function: str
    does: str
    calls: tuple[int, int]
    needs: tuple[str, ...] = ()
    parameters: tuple[str, ...] = ()
    role: str = ""
    instruction: str = ""
    shows: str = ""
    form: str = ""
    second: str = "program"
    lively: bool = False
    takes: tuple[str, ...] = ()
    other: bool = False
    text: str = ""
    source: str = ""
    by_default: bool = False
