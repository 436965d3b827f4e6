"""What a report.html holds: its plain part, and the answers that are packed in it."""

from __future__ import annotations

import base64
import html
import json
import re
import zlib
from pathlib import Path
from typing import Any

DATA = re.compile(r'<script type="application/octet-stream" id="run-data">([A-Za-z0-9+/=]*)</script>')


def page_answers(page: Path | str) -> dict[str, Any]:
    """Path -> answer, as the page unpacks them."""
    (packed,) = DATA.findall(Path(page).read_text(encoding="utf-8"))
    found: dict[str, Any] = json.loads(zlib.decompress(base64.b64decode(packed)))
    return found


def page_view(page: Path | str, view: str) -> Any:
    """The answer to `view`, without a query."""
    (found,) = [a for path, a in page_answers(page).items() if re.fullmatch(rf"/api/run/[^/]+/{view}", path)]
    return found


def page_text(page: Path | str) -> str:
    """All that a reader finds in it: the plain part, and every text of the answers, a line each."""
    plain = DATA.sub("", Path(page).read_text(encoding="utf-8"))
    body = re.sub(r"<script>.*?</script>|<style>.*?</style>", "", plain, flags=re.DOTALL)
    lines = [html.unescape(re.sub(r"<[^>]+>", " ", body))]
    _texts(page_answers(page), lines)
    return "\n".join(lines)


def _texts(value: Any, found: list[str]) -> None:
    if isinstance(value, str):
        found.append(value)
    elif isinstance(value, dict):
        for key, inner in value.items():
            found.append(key)
            _texts(inner, found)
    elif isinstance(value, list):
        for inner in value:
            _texts(inner, found)
