"""Program of thought

The model writes a program and the computer does the arithmetic (Chen et al. 2022, arXiv 2211.12588).
"""


def forward(self, taskInfo):
    coder = LLMAgentBase(
        ["code"], "Coder", role="programmer who writes short Python programs", temperature=0.1
    )
    [code] = coder([taskInfo], "Write a short Python program that computes and prints only the final answer.")
    return self.run_python(code.content)
