"""What a meta model writes: an agent that crashes outside dry runs, and the same agent mended.

It tells a dry run by what no script can know: the models of these tests do not think.
"""

from __future__ import annotations

BROKEN = """Name: Broken {n}
Thought: works only where the model thinks, as in a dry run.
```python
def forward(self, taskInfo):
    w, answer = LLMAgentBase(["thinking", "answer"], "Solver {n}")([taskInfo], "Reply with only the number.")
    assert answer.content != w.content, "what is this"
    return answer
```"""
MENDED = BROKEN.replace("Broken", "Mended").replace(
    '    assert answer.content != w.content, "what is this"\n', ""
)
