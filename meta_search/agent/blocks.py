"""The composer's building blocks: small functions that compiled agents carry in their own source.

They are written for the sandbox's scope (`LLMAgentBase`, `Team`, `Counter` come without import), take the
agent's `self`, and are copied whole into an agent by `authors.plan.compile_plan`, so that an agent reads
alone.
A way of working *starts* its calls and returns a function that finishes them: so votes overlap. It honours
all that it is given.
"""

__all__ = [
    "TEAM_ROLES",
    "examples_for",
    "pick",
    "sorted_by_nearness",
    "start_direct",
    "start_program",
    "start_team",
    "start_think",
    "vote",
]

TEAM_ROLES = [
    ("Mathematician", "careful mathematician"),
    ("Programmer", "programmer who works through the task as an algorithm"),
    ("Checker", "careful examiner who verifies every step and every number before answering"),
    ("Reader", "exact reader who first restates what is asked and what is given"),
    ("Scholar", "scholar with wide knowledge who recalls the facts first"),
    ("Sceptic", "sceptic who looks for the mistake that everybody else makes"),
    ("Planner", "expert who breaks a task into small steps before solving it"),
]


def pick(question, routes, default):
    """The way of working of the first route whose words all stand in the question."""
    text = question.lower()
    for words, way in routes:
        if all(word in text for word in words.split()):
            return way
    return default


def start_direct(self, infos, role, instruction, shown, temperature):
    """Ask for the answer alone; worked items of the domain are shown as earlier turns."""
    examples = sorted_by_nearness(infos[0].content, examples_for(self, "direct"))[:shown]
    solver = LLMAgentBase(
        ["answer"], "Solver", role=role, temperature=temperature, demonstrations=examples[::-1]
    )
    [answer] = solver(infos, instruction)
    return lambda: answer.content.strip()


def start_program(self, infos, role, instruction, shown, temperature):
    """Have a program written and run it; a program that fails or prints nothing is mended once."""
    examples = sorted_by_nearness(infos[0].content, examples_for(self, "program"))[:shown]
    coder = LLMAgentBase(["code"], "Coder", role=role, temperature=temperature, demonstrations=examples[::-1])
    [code] = coder(infos, instruction)

    def finish():
        printed = self.run_python(code.content)
        if printed and not printed.startswith("Error:"):
            return printed
        complaint = Info("result", "Python", printed or "It printed nothing.", 0)
        [mended] = coder([*infos, code, complaint], "The program failed. Write it anew, short and right.", 1)
        return self.run_python(mended.content)

    return finish


def start_think(self, infos, role, instruction, shown, temperature):
    """Ask for brief reasoning before the answer."""
    examples = sorted_by_nearness(infos[0].content, examples_for(self, "think"))[:shown]
    solver = LLMAgentBase(
        ["thinking", "answer"], "Thinker", role=role, temperature=temperature, demonstrations=examples[::-1]
    )
    thinking, answer = solver(infos, instruction)
    return lambda: answer.content.strip()


def start_team(self, infos, role, instruction, shown, temperature):
    """Have a team answer in rounds, read and rate one another, until most of it agrees (DyLAN)."""
    members = TEAM_ROLES[: self.tune.int("roles", 2, 7, 4)]
    rounds = self.tune.int("rounds", 1, 4, 2)
    examples = sorted_by_nearness(infos[0].content, examples_for(self, "team"))[:shown]
    team = Team(
        members, rounds, instruction=instruction, temperature=temperature, demonstrations=examples[::-1]
    )
    answer = team(infos)
    return lambda: answer.content.strip()


def vote(finishers):
    """The most frequent answer that is no error; the first of equals."""
    answers = [finish() for finish in finishers]
    usable = [a for a in answers if a and not a.startswith("Error:")]
    return Counter(usable or answers).most_common(1)[0][0]


def examples_for(self, way):
    """Worked examples with replies as a way of working asks for them."""
    if way == "direct":
        return self.examples
    form = "```" if way == "program" else '"thinking"'
    return [d for d in self.demonstrations if form in d.reply]


def sorted_by_nearness(question, pairs):
    """Worked examples, nearest first, by the words they share with the question."""
    words = set(re.findall(r"[^\W\d_]+", question.lower()))

    def distance(pair):
        there = set(re.findall(r"[^\W\d_]+", pair[0].lower()))
        return 1 - len(words & there) / (len(words | there) or 1)

    return sorted(pairs, key=distance)
