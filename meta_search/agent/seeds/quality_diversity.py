"""Quality-diversity

Several answers, each asked to go another way than those before, and a final choice among them
(after Lehman and Stanley 2011; the form is that of ADAS).
"""

ATTEMPTS = 3


def forward(self, taskInfo):
    solver = LLMAgentBase(["thinking", "answer"], "Explorer", temperature=0.7)
    judge = LLMAgentBase(["thinking", "answer"], "Judge", temperature=0.1)

    seen = []
    for attempt in range(ATTEMPTS):
        instruction = (
            "Think step by step, then give the answer."
            if attempt == 0
            else "Solve the task in another way than the attempts above, then give the answer."
        )
        seen += solver([taskInfo, *seen], instruction, attempt)
    thinking, answer = judge([taskInfo, *seen], "Decide which attempt is right and give its answer.")
    return answer
