"""Step-back abstraction

First the principle behind the task, then the task (Zheng et al. 2023, arXiv 2310.06117).
"""


def forward(self, taskInfo):
    thinker = LLMAgentBase(["principle"], "Principle Finder", temperature=0.3)
    solver = LLMAgentBase(["thinking", "answer"], "Principled Solver")
    [principle] = thinker(
        [taskInfo], "Do not solve it. Name the rule or method that this kind of task needs, in one sentence."
    )
    thinking, answer = solver([taskInfo, principle], "Apply the method step by step, then give the answer.")
    return answer
