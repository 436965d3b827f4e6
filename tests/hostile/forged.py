"""A call as the runtime sends it, and with something else in it."""

__all__ = ["CALL", "forged"]

CALL = """
call = {'op': 'call', 'id': 500, 'author': 'a', 'role': 'r', 'messages': [['user', 'x']], 'temperature': 0.5,
        'max_tokens': None, 'fields': ['answer'], 'occurrence': '0', 'inputs': []}
send = self._scheduler.channel.send
wait = self._scheduler.channel.recv"""


def forged(name: str, tries: str, change: str, kinds: str = "refused") -> tuple[str, str, str, str]:
    return name, tries, kinds, f"{CALL}\nsend({{**call, {change}}})\nwait()\nreturn 'done'"
