"""Recorded calls of the third landscape, and the model that makes those that are missing."""

from __future__ import annotations

import json
import threading
import urllib.request
from pathlib import Path
from typing import Any

from tests.bench.landscape.stages import Asked, Said
from tests.bench.peers.ledger import mend

__all__ = ["Calls", "Model"]

TIMEOUT_S = 900.0


class Model:
    """An OpenAI-compatible endpoint.

    Args:
        base_url: Root of its API. name: of the model; key: of the endpoint.
    """

    def __init__(self, base_url: str, name: str, key: str = "") -> None:
        self._url, self._name, self._key = f"{base_url}/chat/completions", name, key

    def ask(self, asked: Asked) -> Said:
        """Make a call.

        Raises:
            OSError: The endpoint failed.
        """
        headers = {"Content-Type": "application/json", "Authorization": f"Bearer {self._key or 'none'}"}
        body = json.dumps({"model": self._name, **asked.body}).encode()
        request = urllib.request.Request(self._url, body, headers)
        with urllib.request.urlopen(request, timeout=TIMEOUT_S) as reply:
            found: dict[str, Any] = json.load(reply)
        used = found["usage"]
        text = found["choices"][0]["message"]["content"] or ""
        return Said(text, used["prompt_tokens"], used["completion_tokens"])


class Calls:
    """Calls by key: those in a file, and new ones, which are appended to it as they come.

    Args:
        path: A .jsonl.
        model: Makes what is missing.
    """

    def __init__(self, path: Path, model: Model) -> None:
        self._path, self._model, self._known = path, model, dict[str, Said]()
        self._lock, self._making = threading.Lock(), dict[str, threading.Lock]()
        mend(path)
        for line in path.read_text().split("\n") if path.exists() else ():
            if line:
                key, *said = json.loads(line)
                self._known[key] = Said(*said)

    def __len__(self) -> int:
        return len(self._known)

    def recorded(self, asked: Asked) -> Said:
        """A call that was made.

        Raises:
            KeyError: It was not.
        """
        return self._known[asked.key]

    def ask(self, asked: Asked) -> Said:
        """A call as it was made, or made now; what several ask for at a time is made once."""
        with self._lock:
            own = self._making.setdefault(asked.key, threading.Lock())
        with own:
            if asked.key not in self._known:
                said = self._model.ask(asked)
                with self._lock:
                    line = json.dumps(
                        [asked.key, said.text, said.prompt, said.completion], ensure_ascii=False
                    )
                    with self._path.open("a") as file:
                        file.write(line + "\n")
                    self._known[asked.key] = said
            return self._known[asked.key]
