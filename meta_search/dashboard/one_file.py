"""report.html: the page in one file with its run inside, for mail and archive. It opens from disk."""

from __future__ import annotations

import base64
import hashlib
import html
import re
import secrets
import time
from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Any

from archive.records import Archive
from meta_search import __version__
from meta_search.dashboard.contents import ROOM, escaped, packed
from meta_search.dashboard.views.overview import overview
from meta_search.report.files import write_whole
from meta_search.report.verdict import Verdict
from meta_search.text import one_line, printable

__all__ = ["write_report"]

STATIC = "static"
POLICY = (
    "default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}' 'nonce-{nonce}'; "
    "img-src data:; font-src data:; base-uri 'none'; form-action 'none'"
)
# Where the page's build is not there: its numbers in plain HTML.
BARE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="csp-nonce" content="__NONCE__">
<title>meta-search</title>
<link rel="stylesheet" href="app.css">
</head>
<body>
<noscript></noscript>
<script src="app.js"></script>
</body>
</html>
"""


def write_report(
    archive: Archive, verdict: Verdict | None, path: Path | str, title: str = "", room: int = ROOM
) -> Path:
    """Write `report.html` of a run.

    What models and users wrote is packed data, which the page shows as text, or escaped in the plain part for
    readers without JavaScript. A content security policy with hashes keeps it from running any script but its
    own, or loading anything.

    Args:
        archive: The run's archive; may still grow.
        verdict: What the final evaluation found; `None` takes what the archive says.
        path: File to write; replaced at once, never half-written.
        title: Heading, such as the run folder's name; by default that.
        room: Bytes that the run may take, packed: what has no room is named in the file.

    Returns:
        The path.
    """
    path, folder = Path(path), archive.path.parent
    name = one_line(title or folder.resolve().name or "run", 120)
    written = time.strftime("%Y-%m-%d %H:%M")
    found = overview(folder, archive)
    row = {**found["run"], "id": name, "name": name}

    def more(left_out: Sequence[str]) -> dict[str, Any]:
        notes = [*found["notes"], *left_out]
        told = {**found, "run": row, "notes": notes, "written_at": time.time()}
        runs = {"folder": "", "version": __version__, "steer": False, "runs": [row]}
        return {"/api/runs": runs, f"/api/run/{escaped(name)}/overview": told}

    data = packed(folder, archive, name, more, room)
    plain = _plain(name, written, {**found, "run": row}, verdict, data.left_out)
    write_whole(path, _page(name, plain, data.text))
    return path


def _built(name: str) -> str:
    """A file of the page's build; `""` where there is none."""
    file = resources.files(__package__).joinpath(STATIC, name)
    return file.read_text(encoding="utf-8") if file.is_file() else ""


def _page(title: str, plain: str, data: str) -> str:
    """The build's index with script, style and data inside, and the plain part for who has no JavaScript."""
    script = re.sub(r"</(script)", r"<\\/\1", _built("app.js"), flags=re.IGNORECASE)
    style = re.sub(r"</(style)", r"<\\/\1", _built("app.css"), flags=re.IGNORECASE)
    nonce = secrets.token_urlsafe(16)
    policy = POLICY.format(script=_hash(script), style=_hash(style), nonce=nonce)
    inside = f'<script type="application/octet-stream" id="run-data">{data}</script>\n'
    told = f"<noscript>{plain}</noscript>" if script else plain
    parts = {
        r"<head>": f'<head>\n<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">',
        r"<title>.*?</title>": f"<title>{html.escape(title)} · meta-search</title>",
        r"__NONCE__": nonce,
        r'<link rel="stylesheet" href="app\.css">': f"<style>{style}</style>",
        r"<noscript>.*?</noscript>": told,
        r'<script src="app\.js"></script>': f"{inside}<script>{script}</script>",
    }
    index = _built("index.html") if script else BARE
    return re.sub("|".join(f"({part})" for part in parts), _replacer(parts), index, flags=re.DOTALL)


def _replacer(parts: Mapping[str, str]) -> Any:
    """Each part once, in one pass: what was put in is not looked at again."""
    values = list(parts.values())

    def replaced(match: re.Match[str]) -> str:
        return values[(match.lastindex or 1) - 1]

    return replaced


def _hash(text: str) -> str:
    return base64.b64encode(hashlib.sha256(text.encode("utf-8", "replace")).digest()).decode()


def _plain(
    title: str,
    written: str,
    found: Mapping[str, Any],
    verdict: Verdict | None,
    left_out: tuple[str, ...],
) -> str:
    """The verdict and the tested table as plain HTML."""
    row = found["run"]
    lines = list(verdict.lines) if verdict else found["lines"]
    end = f"The search ended: {found['end']}" if found["end"] else ""
    said = [row["state_text"], *(lines or [found["verdict"] or ""]), end]
    said += [f"Alarm: {alarm['line']}" for alarm in found["alarms"]]
    paragraphs = "".join(f"<p>{_text(line)}</p>\n" for line in said if line)
    rest = "".join(f"<p>{_text(line)}</p>\n" for line in left_out)
    return (
        f"<main>\n<h1>{_text(title)}</h1>\n{paragraphs}{_table(found['tested'])}{rest}"
        f"<p>Written by meta-search {__version__}, {written}. The rest needs JavaScript.</p>\n</main>"
    )


def _table(tested: list[Mapping[str, Any]]) -> str:
    if not tested:
        return "<p>Nothing has been evaluated on the test items yet.</p>\n"
    heads = ("agent", "role", "score, % [95 %]", "items", "tokens per item", "points [95 %]", "p")
    rows = "".join(f"<tr>{''.join(f'<td>{_text(c)}</td>' for c in _cells(row))}</tr>\n" for row in tested)
    head = "".join(f"<th scope='col'>{h}</th>" for h in heads)
    caption = "<caption>Finalists and baselines on fresh test items</caption>"
    return f"<table>{caption}\n<thead><tr>{head}</tr></thead>\n<tbody>\n{rows}</tbody></table>\n"


def _cells(row: Mapping[str, Any]) -> list[str]:
    def percent(share: float, sign: str = "") -> str:
        return f"{100 * share:{sign}.1f}"

    points = ""
    if row["points"] is not None:
        ends = f"[{percent(row['points_low'], '+')}, {percent(row['points_high'], '+')}]"
        points = f"{percent(row['points'], '+')} {ends}"
    return [
        row["name"],
        row["notes"][0] if row["role"] == "baseline" and row["notes"] else row["role"],
        f"{percent(row['score'])} [{percent(row['low'])}, {percent(row['high'])}]",
        f"{row['items']}",
        f"{row['tokens_per_item']:,.0f}",
        points,
        "" if row["p"] is None else f"{row['p']:.2g}",
    ]


def _text(text: object) -> str:
    return html.escape(printable(str(text)))
