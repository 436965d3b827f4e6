"""Chain of thought

Reasoning before the answer (Wei et al. 2022, arXiv 2201.11903).
"""


def forward(self, taskInfo):
    solver = LLMAgentBase(["thinking", "answer"], "Chain-of-Thought Solver")
    thinking, answer = solver([taskInfo], "Think step by step, then give the answer.")
    return answer
