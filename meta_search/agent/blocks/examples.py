"""Blocks that choose the worked examples that a way of working shows.

One that orders them takes a question and pairs, and returns the pairs, the first ones to be shown.
"""

__all__ = [
    "as_given",
    "examples_for",
    "sorted_by_diversity",
    "sorted_by_nearness",
]


def examples_for(self, way):
    """Worked examples with replies as a way of working asks for them."""
    if way == "direct":
        return self.examples
    if way in ("program", "reader"):
        programs = [d for d in self.demonstrations if "```" in d.reply]
        reading = [d for d in programs if "QUESTION" in d.reply and "QUESTION =" not in d.reply]
        return reading if way == "reader" else [d for d in programs if d not in reading]
    return [d for d in self.demonstrations if '"thinking"' in d.reply]


def sorted_by_nearness(question, pairs):
    """Worked examples, nearest first, by the words they share with the question."""
    words = set(re.findall(r"[^\W\d_]+", question.lower()))

    def distance(pair):
        there = set(re.findall(r"[^\W\d_]+", pair[0].lower()))
        return 1 - len(words & there) / (len(words | there) or 1)

    return sorted(pairs, key=distance)


def sorted_by_diversity(question, pairs):
    """Worked examples, the nearest first, then each the one that is near and unlike those before it (maximal
    marginal relevance: Carbonell and Goldstein 1998; Ye et al. 2022, arXiv 2211.13892)."""

    def words_of(text):
        return set(re.findall(r"[^\W\d_]+", text.lower()))

    def likeness(a, b):
        return len(a & b) / (len(a | b) or 1)

    here, left, ordered = words_of(question), list(pairs), []
    while left and len(ordered) < 8:
        taken = [words_of(pair[0]) for pair in ordered]

        def worth(pair, taken=taken):
            there = words_of(pair[0])
            return likeness(here, there) - max((likeness(there, other) for other in taken), default=0)

        best = max(left, key=worth)
        left.remove(best)
        ordered.append(best)
    return ordered + left


def as_given(question, pairs):
    """Worked examples in the order in which the agent carries them: always the same ones."""
    return list(pairs)
