"""Blocks of the stage *solve*: ways of working.

A way *starts* its calls and returns a function that finishes them: so votes overlap. It honours all that it
is given: `infos` (the task first, then what was prepared), the `role` and `instruction` of its first call,
how many worked examples are `shown`, and the `temperature`.
"""

__all__ = [
    "TEAM_ROLES",
    "start_direct",
    "start_program",
    "start_team",
    "start_think",
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
