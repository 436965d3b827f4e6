"""Agents that report of themselves what breaks who reads it: parameters, networks of teams, texts."""

from tests.hostile.attack import attacks

__all__ = ["ATTACKS"]

SPACES = {  # of one parameter, as the agent puts them past `self.tune`
    "a space without bounds": "{'name': 'p', 'kind': 'float', 'default': 0.5}",
    "a space upside down": "{'name': 'p', 'kind': 'int', 'default': 1, 'low': 9, 'high': 1}",
    "a space around nothing": "{'name': 'p', 'kind': 'int', 'default': 7, 'low': 0, 'high': 5}",
    "a space of halves": "{'name': 'p', 'kind': 'int', 'default': 1, 'low': 0.5, 'high': 1.5}",
    "a space without end": "{'name': 'p', 'kind': 'float', 'default': 1, 'low': 0, 'high': float('inf')}",
    "a space of half of all": "{'name': 'p', 'kind': 'float', 'default': 0, 'low': -1e308, 'high': 1e308}",
    "a space of huge numbers": "{'name': 'p', 'kind': 'int', 'default': 0, 'low': 0, 'high': 10**30}",
    "a space of truths": "{'name': 'p', 'kind': 'int', 'default': True, 'low': False, 'high': True}",
    "no choices": "{'name': 'p', 'kind': 'choice', 'default': None, 'choices': []}",
    "choices of lists": "{'name': 'p', 'kind': 'choice', 'default': 'a', 'choices': ['a', ['b']]}",
    "choices without numbers": "{'name': 'p', 'kind': 'choice', 'default': 1, 'choices': [1, float('nan')]}",
    "a choice out of the blue": "{'name': 'p', 'kind': 'choice', 'default': 'z', 'choices': ['a']}",
    "a deep choice": "{'name': 'p', 'kind': 'choice', 'default': 'a', 'choices': 'DEEP'}",
    "a parameter of the search": "{'name': '_distributions', 'kind': 'choice', 'default': 0, 'choices': [0]}",
    "a parameter without a name": "{'kind': 'int', 'default': 0, 'low': 0, 'high': 1}",
    "a parameter that is a text": "'p'",
}
TEAM = """
team = {'roles': ['a', 'b'], 'active': [[0, 1], [0, 1]], 'answers': [['1', '2'], ['1', '1']],
        'weights': [[], [[0.5, 0.5], [0.5, 0.5]]], 'importance': [[0.5, 0.5], [0.5, 0.5]], 'final': '1',
        'calls': 4}"""
NETWORKS = {
    "a ragged network": "'importance': [[0.5, 0.5], []]",
    "a network with rows too short": "'importance': [[0.5], [0.5]]",
    "a network with rows too long": "'answers': [['1', '2', '3'], ['1', '1', '1']]",
    "a network without rounds": "'active': [], 'answers': [], 'weights': [], 'importance': []",
    "a network of nobody": "'roles': [], 'active': [[], []], 'answers': [[], []], 'importance': [[], []]",
    "a network with a round of nobody": "'active': [[0, 1], []]",
    "a network of strangers": "'active': [[0, 1], [7]]",
    "a network of one twice": "'active': [[0, 1], [0, 0]]",
    "a network of weights before": "'weights': [[[1, 0], [1, 0]], [[0.5, 0.5], []]]",
    "a network of weights in part": "'weights': [[], [[0.5, 0.5]]]",
    "a network worth more than all": "'importance': [[0.5, 0.5], [1.5, 10**30]]",
    "a network that called too often": "'calls': 10**18",
    "a network that called in part": "'calls': 0.5",
    "a deep network": "'answers': [['1', '2'], 'DEEP']",
    "a network of rooms": "'roles': ['a', ['b']]",
}


ATTACKS = attacks("reports", [
    *((name, "break who tunes it, and who reads it, for ever", "refused", f"""
deep = []
for _ in range(100): deep = [deep]
self.tune.space['p'] = {space.replace("'DEEP'", "deep")}
return 'x'""") for name, space in SPACES.items()),
    ("one parameter twice", "break who tunes it", "refused", """
for key in 'ab': self.tune.space[key] = {'name': 'p', 'kind': 'int', 'default': 0, 'low': 0, 'high': 1}
return 'x'"""),
    ("a space in a failure", "break who tunes it", "refused", """
self.tune.space['p'] = {'name': 'p', 'kind': 'float', 'default': 0.5}
raise ValueError('none')"""),
    ("a space of megabytes", "fill the archive with every item", "output", """
for n in range(20): self.tune.choice(f'p{n}', [f'{m} ' + '\U0001f600' * 900 for m in range(8)])
return 'x'"""),
    ("parameters within the limit", "fill the archive with every item", "ok", """
for n in range(8): self.tune.choice(f'p{n}', [f'{m} ' + '\U0001f600' * 20 for m in range(2)])
return 'x'"""),
    *((name, "break who draws teams, for ever", "refused", f"""{TEAM}
deep = []
for _ in range(100): deep = [deep]
self._scheduler.networks['', 0] = {{**team, {change.replace("'DEEP'", "deep")}}}
return 'x'""") for name, change in NETWORKS.items()),
    ("a network that is true", "be taken for a team that it never was", "ok", f"""{TEAM}
for i in range(4): LLMAgentBase(['answer'], 'ab'[i % 2])([taskInfo], f'Round {{i}}.')
self._scheduler.networks['', 0] = team
return 'x'"""),
    ("a network of calls that never were", "be taken for a team that it never was", "refused", f"""{TEAM}
self._scheduler.networks['', 0] = team
return 'x'"""),
    ("networks of megabytes", "fill the archive with every item", "output", f"""{TEAM}
n, rounds = 32, 16
wide = {{'roles': ['a'] * n, 'active': [[0]] * rounds, 'answers': [['\U0001f600' * 200] * n] * rounds,
        'weights': [[]] * rounds, 'importance': [[0] * n] * rounds}}
for i in range(4): LLMAgentBase(['answer'], 'a')([taskInfo], f'Round {{i}}.')
for i in range(8): self._scheduler.networks['', i] = {{**team, **wide}}
return 'x'"""),
    ("an answer of rare characters", "fill the archive with four bytes for each", "output",
     "return '\U0001f600' * 5000"),
    ("a failure of a megabyte", "fill the archive", "crash", "raise ValueError('\U0001f600' * 10**6)"),
])  # fmt: skip
