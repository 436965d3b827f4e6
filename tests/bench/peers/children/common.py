"""What the children of `tests.bench.peers` have in common. Standard library only: they run in other venvs.

A child is called as `python SCRIPT TASK.json FOUND.json`. TASK has: `arm`, `seed`, `tokens`, `url` (the arm's
address at the proxy), `score` (address of the scorer), `task_model`, `meta_model`, `form` (`program` or
`answer`), `told`, `program_told`, `max_tokens`, `meta_tokens`, `threads`, `labelled` and `validation` (items
with id, question, target), `test` (items with id, question). FOUND gets `state`, `note`, and `answers`, test
item -> text. The child turns to its test by `begin_test`; from then on its calls are counted apart.
"""

import json
import sys
import urllib.error
import urllib.request


class Refused(Exception):
    """The budget has no room for the call."""


def asked(url, body=None, timeout=1800):
    """POST a body, or GET; returns JSON."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, {"Content-Type": "application/json"})
    with urllib.request.urlopen(request, timeout=timeout) as reply:
        return json.load(reply)


class Work:
    """The task file, and what may be done with it."""

    def __init__(self, task):
        self.__dict__.update(task)

    def told_of(self, item, text):
        """Our scorer's word on an answer: score 0 or 1, answer, feedback."""
        if not str(text or "").strip():
            return {"score": 0.0, "answer": "", "feedback": "no answer"}
        return asked(self.score, {"item": item, "form": self.form, "text": str(text)})

    def spent(self):
        """Tokens of the search so far."""
        return asked(self.url + "/status")["tokens"].get("search", 0)

    def begin_test(self):
        asked(self.url + "/test", {})

    def chat(self, model, messages, max_tokens, temperature):
        """One call without any tool's help; raises Refused."""
        body = {"model": model, "messages": messages, "max_tokens": max_tokens, "temperature": temperature}
        try:
            reply = asked(self.url + "/v1/chat/completions", body)
        except urllib.error.HTTPError as error:
            if error.code == 402:
                raise Refused from error
            raise
        return reply["choices"][0]["message"]["content"] or ""


def main(run):
    """Call `run(work)`, which returns state, note and answers."""
    with open(sys.argv[1]) as file:
        work = Work(json.load(file))
    state, note, answers = run(work)
    with open(sys.argv[2], "w") as file:
        json.dump({"state": state, "note": note, "answers": answers}, file, default=str)
