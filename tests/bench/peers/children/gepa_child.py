"""`gepa.optimize` on a task (gepa 0.1): a system prompt evolves. Run in a venv of its own; see common.py."""

import sys
from concurrent.futures import ThreadPoolExecutor

import common
import gepa
from gepa.adapters.default_adapter.default_adapter import EvaluationResult

PROBED = 3
PROMPT = "system_prompt"


def main(work):
    start = {PROMPT: work.program_told + " Reply with one Python code block only."}
    if work.form == "answer":
        start = {PROMPT: work.told}
    labelled, validation = ([data(row) for row in rows] for rows in (work.labelled, work.validation))
    before = work.spent()
    for row in validation[:PROBED]:
        replied(work, start[PROMPT], row["input"])
    each = max(1.0, (work.spent() - before) / PROBED)
    most = max(2 * len(validation), int(0.6 * (work.tokens - work.spent()) / (1.5 * each)))
    note, best = f"max_metric_calls={most}", start
    try:
        found = optimised(work, start, labelled, validation, most)
        best = found.best_candidate
        note += f"; {len(found.candidates) - 1} proposals accepted"
    except Exception as error:
        note += f"; the optimiser failed, its start was tested: {type(error).__name__}: {error}"[:300]
    work.begin_test()
    with ThreadPoolExecutor(max(1, work.threads)) as pool:
        texts = pool.map(lambda row: replied(work, best[PROMPT], row["question"]), work.test)
        answers = {row["id"]: text for row, text in zip(work.test, texts)}
    return best, note, answers


def optimised(work, start, labelled, validation, most):
    def ask(messages):
        return replied(work, messages[0]["content"], messages[-1]["content"])

    def evaluate(row, response):
        told = work.told_of(row["additional_context"]["item"], response)
        said = f"Right answer: {row['answer']}. Got: {told['answer'][:300]} {told['feedback'][:300]}"
        return EvaluationResult(score=told["score"], feedback="Right." if told["score"] >= 1 else said)

    def reflect(prompt):
        messages = prompt if isinstance(prompt, list) else [{"role": "user", "content": prompt}]
        return work.chat(work.meta_model, messages, work.meta_tokens, 1.0)

    return gepa.optimize(
        seed_candidate=start,
        trainset=labelled,
        valset=validation,
        task_lm=ask,
        evaluator=evaluate,
        reflection_lm=reflect,
        max_metric_calls=most,
        seed=work.seed,
        raise_on_exception=False,
        stop_callbacks=lambda state: work.spent() >= 0.98 * work.tokens,
    )


def data(row):
    return {"input": row["question"], "answer": row["target"], "additional_context": {"item": row["id"]}}


def replied(work, system, question):
    """The task model's reply; nothing where the call was refused."""
    messages = [{"role": "system", "content": system}, {"role": "user", "content": question}]
    try:
        return work.chat(work.task_model, messages, work.max_tokens, 0.1)
    except common.Refused:
        print("refused", file=sys.stderr)
        return ""
    except Exception as error:
        print(f"no reply: {error}", file=sys.stderr)
        return ""


common.main(main)
