"""Ways of working by programs that read the question from a variable: alone, tested, and screened.

A program that is written for one question holds that question's data, which a small model has to copy without
a mistake. Here the question stands in `QUESTION` when the program runs, so that one program works on every
question of its kind: it can be tried on others, whose answers are known, before its own answer counts.
"""

__all__ = [
    "missed_by",
    "run_reading",
    "start_reader",
    "start_screened",
    "start_tested",
]


def start_reader(self, infos, role, instruction, shown, temperature):
    """Have a program written that reads the question from `QUESTION`, and run it; one that fails or prints
    nothing is mended once."""
    question = infos[0].content
    examples = sorted_by_nearness(question, examples_for(self, "reader"))[:shown]
    coder = LLMAgentBase(
        ["code"], "Reader", role=role, temperature=temperature, demonstrations=examples[::-1]
    )
    [code] = coder(infos, instruction)

    def finish():
        printed = run_reading(self, question, code.content)
        if is_usable(printed):
            return printed
        complaint = Info("result", "Python", printed or "It printed nothing.", 0)
        asked = "The program failed. Write it anew, short and right; QUESTION holds the question."
        [mended] = coder([*infos, code, complaint], asked, 1)
        return run_reading(self, question, mended.content)

    return finish


def start_tested(self, infos, role, instruction, shown, temperature):
    """Have a program and tests written apart from each other: one that misses any is mended once, and the
    one that misses fewer answers (CodeCoR, its agents for tests, code and repair, its ranking by tests)."""
    question = infos[0].content
    examples = sorted_by_nearness(question, examples_for(self, "reader"))[:shown]
    coder = LLMAgentBase(["code"], "Coder", role=role, temperature=temperature, demonstrations=examples[::-1])
    tester = LLMAgentBase(["tests"], "Test writer", role="exact tester", temperature=temperature)
    most = self.tune.int("tests", 1, 4, 2)
    asked = (
        f"Write {most} short questions of the same kind, each on its own line as: question => right answer"
    )
    [code] = coder(infos, instruction)
    [tests] = tester(infos, asked)

    def finish():
        lines = [line.rpartition("=>") for line in tests.content.splitlines()]
        pairs = [(told.strip(" -*\t"), answer.strip()) for told, _, answer in lines]
        pairs = [(told, answer) for told, answer in pairs if told and answer][:most]
        printed = run_reading(self, question, code.content)
        missed = missed_by(self, code.content, pairs) if is_usable(printed) else []
        if is_usable(printed) and not missed:
            return printed
        told = "\n".join(missed) or printed or "It printed nothing."
        complaint = Info("result", "Python", told, 0)
        asked = "The program may be wrong. Write it anew, short and right; QUESTION holds the question."
        [mended] = coder([*infos, code, complaint], asked, 1)
        again = run_reading(self, question, mended.content)
        if not (is_usable(printed) and is_usable(again)):
            return again if is_usable(again) else printed
        return again if len(missed_by(self, mended.content, pairs)) <= len(missed) else printed

    return finish


def start_screened(self, infos, role, instruction, shown, temperature):
    """Have several programs written and try them on the nearest worked examples: the ones that get most of
    these right answer, by majority (AlphaCode, its filter by example tests and clusters by output)."""
    question = infos[0].content
    examples = sorted_by_nearness(question, examples_for(self, "reader"))[:shown]
    coder = LLMAgentBase(
        ["code"], "Screened", role=role, temperature=temperature, demonstrations=examples[::-1]
    )
    codes = [coder(infos, instruction)[0] for _ in range(self.tune.int("programs", 1, 5, 3))]

    def finish():
        known = [pair for pair in self.examples if isinstance(pair, tuple) and pair[0] != question]
        pairs = sorted_by_nearness(question, known)[:2]
        tried = [(code.content, run_reading(self, question, code.content, 2)) for code in codes]
        scored = [
            (len(missed_by(self, code, pairs)), printed) for code, printed in tried if is_usable(printed)
        ]
        fewest = min((missed for missed, _ in scored), default=0)
        best = [printed for missed, printed in scored if missed == fewest] or [tried[0][1]]
        return Counter(best).most_common(1)[0][0]

    return finish


def run_reading(self, question, code, timeout=5):
    """What a program prints that reads the question from `QUESTION`; `Error: ` and why if it fails."""
    return self.run_python(f"import re\nQUESTION = {question!r}\n{code}", timeout)


def missed_by(self, code, pairs):
    """What a program that reads `QUESTION` got wrong of (question, answer) pairs, a line each."""
    missed = []
    for question, answer in pairs:
        if missed and "TimeoutError" in missed[-1]:  # the rest would take as long
            missed.append(f"For «{question[:300]}» it was not run after that TimeoutError.")
            continue
        printed = run_reading(self, question, code, 2)
        if not same_answer(printed, answer):
            told = printed.strip()[:200] or "nothing"
            missed.append(f"For «{question[:300]}» it printed «{told}», not «{answer[:200]}».")
    return missed
