"""Self-consistency

Several lines of reasoning are sampled and the most frequent answer wins (Wang et al. 2022, arXiv 2203.11171).
"""

SAMPLES = 5


def forward(self, taskInfo):
    solver = LLMAgentBase(["thinking", "answer"], "Chain-of-Thought Solver", temperature=0.8)
    replies = [solver([taskInfo], "Think step by step, then give the answer.") for _ in range(SAMPLES)]
    votes = Counter(answer.content.strip() for thinking, answer in replies)
    return votes.most_common(1)[0][0]
