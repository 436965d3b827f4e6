"""What a meta model writes: an agent that crashes outside dry runs, and the same agent mended."""

from __future__ import annotations

BROKEN = """Name: Broken {n}
Thought: works only where the answer is 42, as in a dry run.
```python
def forward(self, taskInfo):
    [answer] = LLMAgentBase(["answer"], "Solver {n}")([taskInfo], "Reply with only the number.")
    assert answer.content == "42", "what is this"
    return answer
```"""
MENDED = BROKEN.replace("Broken", "Mended").replace('    assert answer.content == "42", "what is this"\n', "")
