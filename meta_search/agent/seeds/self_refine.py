"""Self-refine with a critic

A critic looks for faults and the solver mends them, until the critic is content (Madaan et al. 2023,
arXiv 2303.17651; Shinn et al. 2023, arXiv 2303.11366).
"""

ROUNDS = 3


def forward(self, taskInfo):
    solver = LLMAgentBase(["thinking", "answer"], "Solver")
    critic = LLMAgentBase(["feedback", "correct"], "Critic", role="strict examiner", temperature=0.3)

    history = [taskInfo]
    thinking, answer = solver(history, "Think step by step, then give the answer.", 0)
    for round_ in range(ROUNDS):
        feedback, correct = critic(
            [taskInfo, thinking, answer],
            "Check the answer above. Say what is wrong with it; if it is surely right, "
            "set 'correct' to True.",
            round_,
        )
        if correct.content.strip().lower() == "true":
            break
        history += [thinking, answer, feedback]
        thinking, answer = solver(
            history, "Earlier answers were criticised. Use the feedback and answer anew.", round_ + 1
        )
    return answer
