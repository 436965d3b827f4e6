"""Which agents a brief that tunes starts from."""

from __future__ import annotations

from meta_search.engine.to_tune import MOST_SETTINGS, to_tune
from meta_search.run.members import Member, Members
from meta_search.types import Agent, Brief, Candidate, ItemResult, Parameter, Scalar, Usage

CHOICE = Parameter("told", "choice", "a", choices=("a", "b", "c"))
NUMBER = Parameter("n", "int", 1, 1, 5)


def member(
    source: str, space: tuple[Parameter, ...] = (), values: dict[str, Scalar] | None = None, **more: object
) -> Member:
    agent = Agent.of(source, f"def forward(self, taskInfo):\n    return {source!r}\n", values)
    made = Member(Candidate(agent, Brief(0, "novel", "llm"), space=space), done=True)
    score = float(more.pop("score", 0.5))  # type: ignore[arg-type]
    made.add(ItemResult(agent.id, "train", "i1", 0, "ok", score=score, used=Usage(1, 5, 5)))
    for name, value in more.items():
        setattr(made, name, value)
    return made


def chosen(*members: Member) -> set[str]:
    known = Members()
    for one in members:
        known.add(one)
    return {known[s.agent].agent.name for s in to_tune(known).members}


def test_choices_that_nobody_tried_come_first() -> None:
    plain, numbers, choices = (
        member("plain"),
        member("numbers", (NUMBER,)),
        member("choices", (CHOICE, NUMBER)),
    )
    assert chosen(plain, numbers, choices) == {"choices"}
    assert chosen(plain, numbers) == {"plain", "numbers"}
    assert chosen(plain) == {"plain"}
    assert chosen() == set()


def test_choices_that_were_tried_are_left() -> None:
    tried = [member("choices", (CHOICE,), {"told": v} if v else None) for v in ("", "b")]
    assert chosen(member("numbers", (NUMBER,)), *tried) == {"choices"}
    tried.append(member("choices", (CHOICE,), {"told": "c"}))
    assert chosen(member("numbers", (NUMBER,)), *tried) == {"numbers", "choices"}
    many = Parameter("told", "choice", 0, choices=tuple(range(60)))
    settings = [member("many", (many,), {"told": n} if n else None) for n in range(MOST_SETTINGS)]
    assert chosen(member("plain"), *settings[:-1]) == {"many"}
    assert chosen(member("other", (CHOICE,)), *settings) == {"other"}


def test_an_agent_that_was_stopped_is_one_setting_of_its_source() -> None:
    stopped = member("choices", (CHOICE,), {"told": "b"}, stopped="3 items behind", score=0.0)
    assert chosen(member("plain"), stopped) == {"choices"}
    alike = member("choices", (CHOICE,), {"told": "b"}, stopped="as plain", same_as="x")
    assert chosen(member("plain"), alike) == {"plain"}
    running = member("choices", (CHOICE,))
    running.done = False
    assert chosen(member("plain"), running) == {"plain"}
