"""Blocks of the stage *prepare*: notes on an item before it is solved, made once for all votes.

A block takes what is known, the task first, and returns the notes that are handed on beside it.
"""

__all__ = [
    "prepare_decompose",
    "prepare_extract",
    "prepare_least_to_most",
    "prepare_ledger",
    "prepare_restate",
    "prepare_step_back",
]


def prepare_restate(self, infos):
    """Say in other words what is asked and what is given (Deng et al. 2023, arXiv 2311.04205)."""
    words = self.tune.int("notes_words", 10, 80, 30)
    reader = LLMAgentBase(["restatement"], "Reader", role="exact reader", temperature=0.1)
    return reader(
        infos, f"Restate what is asked and what is given in at most {words} words. Do not answer it yet."
    )


def prepare_extract(self, infos):
    """Quote what the answer needs, and leave out the rest (Weston and Sukhbaatar 2023, arXiv 2311.11829)."""
    words = self.tune.int("notes_words", 10, 80, 30)
    reader = LLMAgentBase(["quotes"], "Reader", role="exact reader", temperature=0.1)
    return reader(
        infos,
        f"Copy the parts of the task that the answer needs, word for word and at most {words} words. "
        "Do not answer it yet.",
    )


def prepare_step_back(self, infos):
    """Name the principle that the task rests on (Zheng et al. 2023, arXiv 2310.06117)."""
    words = self.tune.int("notes_words", 10, 80, 30)
    scholar = LLMAgentBase(["principle"], "Scholar", role="scholar", temperature=0.1)
    return scholar(
        infos,
        "Which general rule, definition or method does this task rest on? "
        f"State it in at most {words} words. Do not answer the task yet.",
    )


def prepare_decompose(self, infos):
    """List the steps that lead to the answer, in one call (Wang et al. 2023, arXiv 2305.04091)."""
    words = self.tune.int("notes_words", 10, 80, 30)
    planner = LLMAgentBase(["steps"], "Planner", role="planner", temperature=0.1)
    return planner(
        infos,
        f"List the few small steps that lead to the answer, one a line, in at most {words} words. "
        "Do not carry them out yet.",
    )


def prepare_least_to_most(self, infos):
    """Ask for smaller questions, and answer one after the other (Zhou et al. 2022, arXiv 2205.10625)."""
    parts = self.tune.int("parts", 1, 4, 2)
    planner = LLMAgentBase(["questions"], "Planner", role="planner", temperature=0.1)
    [asked] = planner(
        infos, f"Which smaller questions have to be answered first? List at most {parts}, one a line."
    )
    questions = [line.strip(" -*\t") for line in asked.content.splitlines() if line.strip(" -*\t")]
    notes = []
    for number, question in enumerate(questions[:parts]):
        solver = LLMAgentBase(["part"], "Solver of parts", role="careful expert", temperature=0.1)
        [found] = solver([*infos, *notes], f"Answer only this, in one line: {question}", number)
        notes.append(Info("part", "Solver of parts", f"{question} {found.content.strip()}", number))
    return notes


def prepare_ledger(self, infos):
    """Write down what is known, then a plan from it (Magentic-One, Fourney et al. 2024, arXiv 2411.04468)."""
    words = self.tune.int("notes_words", 10, 80, 30)
    keeper = LLMAgentBase(["facts"], "Keeper of the ledger", role="careful analyst", temperature=0.1)
    facts = keeper(
        infos,
        "List the facts that the task gives, those that have to be recalled, and those that have to be "
        f"worked out, in at most {words} words. Do not answer it yet.",
    )
    planner = LLMAgentBase(["plan"], "Planner", role="planner", temperature=0.1)
    plan = planner(
        [*infos, *facts],
        f"Plan how these facts lead to the answer, one step a line, in at most {words} words. "
        "Do not carry the plan out yet.",
    )
    return [*facts, *plan]
