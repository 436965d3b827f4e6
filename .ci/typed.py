"""Checks docs/python.md as a user's own program: `mypy --strict` against the installed package.

Run by `.ci/run` with the interpreter of a clean environment that holds the wheel and mypy, in an empty
folder; the first argument is the page. It fails without `py.typed` in the wheel, or with a public name that
has no type.
"""

import re
import subprocess
import sys
from pathlib import Path

BLOCK = re.compile(r"^```python[^\n]*\n(.*?)^```", re.MULTILINE | re.DOTALL)
TYPES = {  # of what the page's program has
    "summary": "meta_search.engine.summary.RunSummary",
    "summary.verdict": "meta_search.report.verdict.Verdict | None",
    "archive": "archive.records.Archive",
    "best": "archive.values.Record | None",
    'row["score"]': "float | None",
    "watch": "def (event: meta_search.run.watch.SearchEvent) -> bool",
    "folder": "pathlib.Path",
}


def main() -> None:
    program = "\n\n".join(BLOCK.findall(Path(sys.argv[1]).read_text(encoding="utf-8")))
    reveals = "\n".join(f"reveal_type({expression})" for expression in TYPES)
    Path("page.py").write_text(f"{program}\n\n{reveals}\n", encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "page.py"], capture_output=True, text=True, check=False
    )
    found = re.findall(r'note: Revealed type is "(.*)"', done.stdout)
    if done.returncode or found != list(TYPES.values()):
        sys.exit(f"docs/python.md is not typed throughout: {found}\n{done.stdout}{done.stderr}")
    print(done.stdout.splitlines()[-1])


if __name__ == "__main__":
    main()
