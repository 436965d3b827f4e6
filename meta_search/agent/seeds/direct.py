"""Direct answering

The cheapest design: one call, the answer and nothing else. What every other design has to beat.
"""


def forward(self, taskInfo):
    solver = LLMAgentBase(["answer"], "Solver", temperature=0.1)
    [answer] = solver([taskInfo], "Reply with only the final answer.")
    return answer
