"""Ways of working by several models that hand on, discuss or rate what they have."""

__all__ = ["ratings_in", "start_debate", "start_roles", "start_tree"]


def start_roles(self, infos, role, instruction, shown, temperature):
    """Have an analyst, a solver and a reviewer work one after the other, each with all that came before
    (MetaGPT: roles in a fixed order that hand documents on)."""
    examples = sorted_by_nearness(infos[0].content, examples_for(self, "think"))[:shown]
    fields = ["thinking", "answer"]
    analyst = LLMAgentBase(["analysis"], "Analyst", role="analyst", temperature=temperature)
    solver = LLMAgentBase(
        fields, "Engineer", role=role, temperature=temperature, demonstrations=examples[::-1]
    )
    reviewer = LLMAgentBase(fields, "Reviewer", role="strict reviewer", temperature=temperature)
    asked = (
        "Say in a few short lines what is given, what is asked and how the answer must look. Do not solve it."
    )
    analysis = analyst(infos, asked)
    replies = [solver([*infos, *analysis], instruction, 0)]
    asked = f"Check the answer above against the task, to the letter; mend it if it is wrong. {instruction}"
    for number in range(self.tune.int("reviews", 0, 2, 1)):
        replies.append(reviewer([*infos, *analysis, *replies[-1]], asked, number + 1))

    def finish():
        found = [answer.content.strip() for _, answer in replies]
        return next((text for text in reversed(found) if text), "")

    return finish


def start_debate(self, infos, role, instruction, shown, temperature):
    """Have several answer, then each anew with all answers before it, until all agree or the rounds end; the
    most frequent answer of the last round counts (multiagent debate)."""
    rounds = self.tune.int("debate_rounds", 1, 3, 2)
    examples = sorted_by_nearness(infos[0].content, examples_for(self, "think"))[:shown]
    more = {"role": role, "temperature": temperature, "demonstrations": examples[::-1]}
    names = [f"Debater {number}" for number in range(1, self.tune.int("debaters", 2, 4, 2) + 1)]
    debaters = [LLMAgentBase(["thinking", "answer"], name, **more) for name in names]
    first = [debater(infos, instruction, 0) for debater in debaters]
    asked = f"Above are your answer and those of others. Weigh them, then answer the task anew. {instruction}"

    def finish():
        replies, found = first, []
        for number in range(1, rounds + 1):
            answers = [answer.content.strip() for _, answer in replies]
            found = [text for text in answers if text] or found
            if number == rounds or (all(answers) and len(set(answers)) == 1):
                break
            seen = [info for reply in replies for info in reply]
            replies = [debater([*infos, *seen], asked, number) for debater in debaters]
        return Counter(found).most_common(1)[0][0] if found else ""

    return finish


def start_tree(self, infos, role, instruction, shown, temperature):
    """Search a tree of steps best first: the line that a value model rates highest is gone on with, a line
    left before if need be, and answered from at the end (SWE-Search and R-MCTS in small)."""
    width, expansions = self.tune.int("width", 2, 4, 2), self.tune.int("expansions", 1, 4, 2)
    examples = sorted_by_nearness(infos[0].content, examples_for(self, "think"))[:shown]
    stepper = LLMAgentBase(["step"], "Stepper", role=role, temperature=temperature)
    rater = LLMAgentBase(["values"], "Value model", role="fair and careful judge", temperature=0.0)
    solver = LLMAgentBase(
        ["thinking", "answer"], "Concluder", role=role, temperature=temperature, demonstrations=examples[::-1]
    )
    step = "Write the next step towards the answer in one or two short lines. Repeat nothing."
    rate = f"The last {width} steps are proposals. Rate how likely each leads to the right answer, 0 to 10, "
    rate += f"as a list of {width} numbers such as {[7, 3, 5, 8][:width]}."
    first = [stepper(infos, step, 0)[0] for _ in range(width)]

    def finish():
        path, leaves = [], []
        for number in range(expansions):
            steps = first if not number else [stepper([*infos, *path], step, number)[0] for _ in first]
            [values] = rater([*infos, *path, *steps], rate, number)
            rated = zip(ratings_in(values.content, width), steps, strict=True)
            leaves += [(value, [*path, proposed]) for value, proposed in rated]
            place = max(range(len(leaves)), key=lambda at: (leaves[at][0], len(leaves[at][1]), -at))
            path = leaves.pop(place)[1]
        return solver([*infos, *path], instruction, expansions)[1].content.strip()

    return finish


def ratings_in(text, count):
    """The first `count` numbers in a text, at most 10 each; 5 for all where there are fewer."""
    found = [min(10.0, float(number)) for number in re.findall(r"\d+(?:\.\d+)?", text)]
    return found[:count] if len(found) >= count else [5.0] * count
