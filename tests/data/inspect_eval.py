"""Inspect AI's own evaluation of the tasks beside this file, with recorded answers.

Run as a program: `inspect_eval.py TASK…`. Prints JSON: task -> sample -> `system`, `question`, `value`.
"""

import hashlib
import json
import re
import sys
import tempfile
from pathlib import Path

FILE = Path(__file__).parent / "inspect_tasks.py"
GRADES = ("GRADE: C", "It fits.\nGRADE: C", "GRADE: I", "No.\nGRADE: I", "I cannot say.", "GRADE: P")


def grade(prompt):
    """What a grader says, which depends on every character of its prompt."""
    return GRADES[hashlib.sha256(prompt.encode()).digest()[0] % len(GRADES)]


def evaluate(names):
    """Each task's samples in the order of its dataset."""
    from inspect_ai import eval as run
    from inspect_ai.model import ModelOutput, ModelUsage, get_model
    from inspect_ai.scorer import value_to_float

    recorded = json.loads((FILE.parent / "inspect_answers.json").read_text(encoding="utf-8"))
    shown = {}

    def said(text):
        output = ModelOutput.from_content("mockllm/model", text)
        output.usage = ModelUsage()  # else its tokens are counted with a file that is downloaded
        return output

    def answer(messages, *_):
        name, number = re.search(r"\[(\w+) (\d+)\]", messages[-1].text).groups()
        system = "\n\n".join(m.text for m in messages if m.role == "system")
        shown[name, int(number)] = system, messages[-1].text
        return said(recorded[name][int(number)]["answer"])

    def judge(messages, *_):
        return said(grade(messages[-1].text))

    found = {}
    with tempfile.TemporaryDirectory() as logs:
        for name in names:
            model = get_model("mockllm/model", custom_outputs=answer)
            grader = get_model("mockllm/model", custom_outputs=judge)
            roles = {"grader": grader}
            (log,) = run(f"{FILE}@{name}", model=model, model_roles=roles, log_dir=logs, display="none")
            assert log.status == "success", str(log.error)[:500]
            rows = []
            for sample in sorted(log.samples, key=lambda s: s.metadata["n"]):
                scores = {}
                for scorer, score in sample.scores.items():
                    values = score.value if isinstance(score.value, dict) else {"": score.value}
                    scores |= {
                        ".".join(filter(None, (scorer, key))): value_to_float()(value)
                        for key, value in values.items()
                    }
                system, question = shown[name, sample.metadata["n"]]
                rows.append({"system": system, "question": question, "value": scores})
            found[name] = rows
    return found


if __name__ == "__main__":
    told = evaluate(sys.argv[1:])
    print(json.dumps(told))
