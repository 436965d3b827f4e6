"""Dynamic assignment of roles

A router picks the expert that suits the task, and that expert answers (Xu et al. 2023, arXiv 2305.14688).
"""

ROLES = {
    "arithmetic": "careful mathematician",
    "text": "proof-reader who looks at every letter",
    "logic": "logician who checks every statement",
}


def forward(self, taskInfo):
    router = LLMAgentBase(["choice"], "Router", temperature=0.0)
    [choice] = router(
        [taskInfo], "What does this task need most? Reply with one word: " + ", ".join(ROLES) + "."
    )
    chosen = choice.content.lower()
    role = next((role for word, role in ROLES.items() if word in chosen), "helpful assistant")
    expert = LLMAgentBase(["thinking", "answer"], "Expert", role=role)
    thinking, answer = expert([taskInfo], "Think step by step, then give the answer.")
    return answer
