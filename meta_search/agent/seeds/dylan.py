"""Dynamic team

Experts with different roles answer, read and rate one another, and stop as soon as more than two thirds agree
(DyLAN, Liu et al. 2023, arXiv 2310.02170).
"""

ROLES = [
    ("Mathematician", "careful mathematician"),
    ("Programmer", "programmer who works through the task as an algorithm"),
    ("Checker", "careful examiner who verifies every step and every number before answering"),
    ("Reader", "exact reader who first restates what is asked and what is given"),
    ("Scholar", "scholar with wide knowledge who recalls the facts first"),
    ("Sceptic", "sceptic who looks for the mistake that everybody else makes"),
    ("Planner", "expert who breaks a task into small steps before solving it"),
]


def forward(self, taskInfo):
    size = self.tune.int("roles", 2, 7, 4)
    rounds = self.tune.int("rounds", 1, 4, 2)
    return Team(ROLES[:size], rounds=rounds)(taskInfo)
