"""DSPy's optimisers on a task (DSPy 3.4). Run in a venv of their own; see common.py."""

import math
import re
import sys
import traceback
from concurrent.futures import ThreadPoolExecutor

import common
import dspy
import numpy as np

PROBED = (
    3  # items by which the tokens of an evaluation are found, so that the optimiser is sized by the budget
)
DEMOS = 4  # bootstrapped ones at the most; DSPy's default
NEAREST = 3  # as in the documentation of KNNFewShot
DIMENSIONS = 1024


def main(work):
    task, meta = language_model(work, work.task_model, 0.1), language_model(work, work.meta_model, None)
    # Refused calls are errors, and one too many would end an optimiser without its best program so far.
    dspy.configure(lm=task, max_errors=10**9, num_threads=work.threads)
    dspy.configure_cache(enable_disk_cache=False, enable_memory_cache=True)
    tool = Tool(work, meta)
    try:
        found, note = getattr(
            tool, work.arm.removeprefix("dspy-").removesuffix("-answers").replace("-", "_")
        )()
    except Exception as error:
        traceback.print_exc()
        found, note = (
            tool.student,
            f"the optimiser failed, its start was tested: {type(error).__name__}: {error}"[:300],
        )
    work.begin_test()
    answers = answered(work, found)
    return state_of(found), note, answers


def language_model(work, name, temperature):
    more = {} if temperature is None else {"temperature": temperature}
    most = work.max_tokens if name == work.task_model and temperature is not None else work.meta_tokens
    return dspy.LM(
        f"openai/{name}", api_base=work.url + "/v1", api_key="none", max_tokens=most, num_retries=0, **more
    )


class Tool:
    """The optimisers, each a method: they return the program, and what is to be known of it."""

    def __init__(self, work, meta):
        self.work, self.meta = work, meta
        told = work.program_told if work.form == "program" else work.told
        self.signature = dspy.Signature(f"question -> {work.form}", told)
        self.student = dspy.Predict(self.signature)
        self.labelled = [self.example(row) for row in work.labelled]
        self.validation = [self.example(row) for row in work.validation]
        self.teacher = {"lm": meta}
        self.demos = {"max_bootstrapped_demos": DEMOS, "max_labeled_demos": 0}
        if work.form == "answer" and any(row["target"] for row in work.labelled):
            self.demos["max_labeled_demos"] = DEMOS

    def example(self, row):
        values = {"question": row["question"], "item": row["id"], "target": row["target"]}
        if self.work.form == "answer" and row["target"]:
            values["answer"] = row["target"]
        return dspy.Example(**values).with_inputs("question")

    def metric(self, example, prediction, trace=None):
        return self.work.told_of(example.item, getattr(prediction, self.work.form, ""))["score"] >= 1

    def evaluations(self, dearer):
        """Evaluations of one item that the budget has room for, of prompts `dearer` times the plain one."""
        before = self.work.spent()
        for example in self.validation[:PROBED]:
            tried(self.student, example.question)
        each = max(1.0, (self.work.spent() - before) / PROBED)
        return (self.work.tokens - self.work.spent()) / (dearer * each)

    # -- the optimisers

    def plain(self):
        return self.student, ""

    def labelled_few(self):
        return dspy.LabeledFewShot(k=DEMOS).compile(self.student, trainset=self.labelled), ""

    def knn(self):
        """All labelled items may be neighbours. Its demonstrations come about when it is asked; so that they
        are charged to the search, each is bootstrapped before, and comes out of DSPy's cache then."""
        everything = self.labelled + self.validation
        settings = {**self.demos, "metric": self.metric, "teacher_settings": self.teacher}
        with ThreadPoolExecutor(max(1, self.work.threads)) as pool:
            list(pool.map(lambda e: quietly(self.bootstrapped, settings, e), everything))
        embedder = dspy.Embedder(words_of, caching=False)
        tool = dspy.KNNFewShot(min(NEAREST, len(everything)), everything, embedder, **settings)
        return tool.compile(self.student), f"k={NEAREST}"

    def bootstrapped(self, settings, example):
        dspy.BootstrapFewShot(**settings).compile(self.student, trainset=[example])

    def bootstrap(self):
        rounds = self.evaluations(2.5) / max(1, len(self.validation)) - 3
        candidates = max(1, min(16, math.floor(rounds)))
        tool = dspy.BootstrapFewShotWithRandomSearch(
            metric=self.metric,
            teacher_settings=self.teacher,
            num_candidate_programs=candidates,
            num_threads=self.work.threads,
            **self.demos,
        )
        found = tool.compile(self.student, trainset=self.labelled, valset=self.validation)
        return found, f"num_candidate_programs={candidates}"

    def mipro(self):
        trials = max(2, min(40, math.floor(0.8 * self.evaluations(2.5) / max(1, len(self.validation)))))
        candidates = max(2, min(8, trials // 2))
        tool = dspy.MIPROv2(
            metric=self.metric,
            prompt_model=self.meta,
            teacher_settings=self.teacher,
            auto=None,
            num_candidates=candidates,
            num_threads=self.work.threads,
            seed=self.work.seed,
            **self.demos,
        )
        found = tool.compile(
            self.student, trainset=self.labelled, valset=self.validation, num_trials=trials, minibatch=False
        )
        return found, f"num_candidates={candidates}, num_trials={trials}"

    def gepa(self):
        return self.evolved(self.student)

    def flex(self):
        """dspy.Flex: GEPA rewrites the module's source, which runs in Deno."""
        try:
            with dspy.PythonInterpreter() as interpreter:
                interpreter.execute("print(1)")
        except Exception as error:  # without it all would count as wrong
            raise SystemExit(f"Flex needs Deno, Pyodide of npm and modules of deno.land: {error}") from error
        return self.evolved(dspy.Flex(self.signature))

    def evolved(self, student):
        most = max(2 * len(self.validation), math.floor(0.6 * self.evaluations(1.5)))
        tool = dspy.GEPA(
            metric=self.explained,
            max_metric_calls=most,
            reflection_lm=self.meta,
            seed=self.work.seed,
            num_threads=self.work.threads,
            track_stats=True,
        )
        found = tool.compile(student, trainset=self.labelled, valset=self.validation)
        proposed = len(getattr(getattr(found, "detailed_results", None), "candidates", [None])) - 1
        return found, f"max_metric_calls={most}; {proposed} proposals accepted"

    def explained(self, gold, pred, trace=None, pred_name=None, pred_trace=None):
        told = self.work.told_of(gold.item, getattr(pred, self.work.form, ""))
        said = f"Right answer: {gold.target}. Got: {told['answer'][:300]} {told['feedback'][:300]}"
        return dspy.Prediction(score=told["score"], feedback="Right." if told["score"] >= 1 else said)


def words_of(texts):
    """Bags of words as unit vectors: nearness is the share of words in common."""
    rows = np.zeros((len(texts), DIMENSIONS), dtype=np.float32)
    for row, text in zip(rows, texts):
        for word in set(re.findall(r"[^\W\d_]+", text.lower())):
            row[sum(ord(c) * 31**i for i, c in enumerate(word)) % DIMENSIONS] = 1.0
        row /= max(1e-6, float(np.linalg.norm(row)))
    return rows


def tried(program, question):
    """A prediction; None where the call was refused or the reply cannot be read."""
    try:
        return program(question=question)
    except Exception as error:
        print(f"no prediction: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)
        return None


def quietly(work, *arguments):
    try:
        work(*arguments)
    except Exception as error:
        print(f"no demonstration: {type(error).__name__}: {str(error)[:200]}", file=sys.stderr)


def answered(work, program):
    """Answers to the test items, as many at a time as the others have."""
    with ThreadPoolExecutor(max(1, work.threads)) as pool:
        predictions = pool.map(lambda row: tried(program, row["question"]), work.test)
        found = {row["id"]: getattr(p, work.form, "") for row, p in zip(work.test, predictions)}
    return {item: str(text or "") for item, text in found.items()}


def state_of(program):
    """What was found, as far as the tool can write it down (KNNFewShot loses its examples)."""
    try:
        return program.dump_state()
    except Exception as error:
        return f"cannot be written down: {error}"


common.main(main)
