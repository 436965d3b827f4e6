"""Debate

Three solvers with different roles answer, read each other, and answer again; a judge decides
(Du et al. 2023, arXiv 2305.14325).
"""

ROLES = ("careful mathematician", "practical programmer", "sceptical proof-reader")
ROUNDS = 2


def forward(self, taskInfo):
    debaters = [LLMAgentBase(["thinking", "answer"], "Debater", role=role, temperature=0.8) for role in ROLES]
    judge = LLMAgentBase(["thinking", "answer"], "Judge", temperature=0.1)

    replies = [debater([taskInfo], "Think step by step, then give the answer.", 0) for debater in debaters]
    for round_ in range(1, ROUNDS):
        before = replies
        replies = []
        for i, debater in enumerate(debaters):
            others = [info for j, reply in enumerate(before) if j != i for info in reply]
            replies.append(
                debater(
                    [taskInfo, *before[i], *others],
                    "Weigh what the others say against your own answer, then answer again.",
                    round_,
                )
            )
    arguments = [info for reply in replies for info in reply]
    thinking, answer = judge([taskInfo, *arguments], "Decide which answer is right and give it.")
    return answer
