"""Blocks of the stage *combine*: which way an item takes, and one answer of several.

`begin` starts one answer and returns a function that finishes it; `other` does so in the second way.
"""

__all__ = [
    "cascade",
    "judge",
    "pick",
    "vote",
    "vote_until_decided",
]


def pick(question, routes, default):
    """The way of working of the first route whose words all stand in the question."""
    text = question.lower()
    for words, way in routes:
        if all(word in text for word in words.split()):
            return way
    return default


def vote(finishers):
    """The most frequent answer that is no error; the first of equals."""
    answers = [finish() for finish in finishers]
    usable = [a for a in answers if a and not a.startswith("Error:")]
    return Counter(usable or answers).most_common(1)[0][0]


def vote_until_decided(begin, samples):
    """The most frequent answer; no more are asked for once they could not change it (Aggarwal et al. 2023,
    arXiv 2305.11860)."""
    answers, lead = [], 0
    while len(answers) < samples and lead <= samples - len(answers):
        left = samples - len(answers)
        group = [begin() for _ in range(min(left, (left - lead) // 2 + 1))]
        answers += [finish() for finish in group]
        counts = [n for _, n in Counter(filter(is_usable, answers)).most_common(2)]
        lead = counts[0] - sum(counts[1:]) if counts else 0
    return vote([lambda answer=answer: answer for answer in answers])


def judge(self, infos, begin, samples):
    """Of several answers the one that a judge chooses (Chen et al. 2023, arXiv 2311.17311); asked only where
    they differ."""
    answers = [finish() for finish in [begin() for _ in range(samples)]]
    ranked = [answer for answer, _ in Counter(filter(is_usable, answers)).most_common()]
    if len(ranked) < 2:
        return (ranked or answers)[0]
    numbered = "\n".join(f"{number}. {answer}" for number, answer in enumerate(ranked, 1))
    chooser = LLMAgentBase(["number"], "Judge", role="fair judge", temperature=0.1)
    [chosen] = chooser(
        [*infos, Info("answers", "Solvers", numbered)],
        "Which of the numbered answers is right? Reply with its number only.",
    )
    found = re.search(r"\d+", chosen.content)
    number = int(found[0]) if found else 1
    return ranked[number - 1] if 1 <= number <= len(ranked) else ranked[0]


def cascade(begin, other, samples):
    """The cheap way as often as it agrees with itself, and the second way on doubt (Yue et al. 2023,
    arXiv 2310.03094)."""
    answers = [finish() for finish in [begin() for _ in range(min(2, samples))]]

    def is_sure():
        return len(set(answers)) == 1 and is_usable(answers[0])

    while is_sure() and len(answers) < samples:
        answers.append(begin()())
    if is_sure():
        return answers[0]
    return vote([other(), *(lambda answer=answer: answer for answer in answers)])
