"""Uses an installed meta-search from a folder that holds foreign packages named conf, archive and domains.

Run by `.ci/run` with the interpreter of a clean environment, from an empty folder outside the checkout. The
endpoint is `meta_search.testing.CountingEndpoint`, a real server on loopback: no model is needed.
"""

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from meta_search.testing import CountingEndpoint

FOREIGN = ("conf", "archive", "domains")
COMMAND = str(Path(sys.executable).with_name("meta-search"))


def run(*command: str, status: int = 0, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a command, demand its exit status, and show what it printed if it fails."""
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=300, env={**os.environ, **environment}, check=False
    )
    if done.returncode != status:
        sys.exit(f"{command}: status {done.returncode}, not {status}\n{done.stdout}\n{done.stderr}")
    return done


def answer(messages: Sequence[Mapping[str, Any]], body: Mapping[str, Any]) -> str:
    """Add up the numbers of the question: right for the table below, whatever form is asked for."""
    found = re.findall(r"What is (\d+) \+ (\d+)", messages[-1]["content"])
    total = str(sum(map(int, found[-1]))) if found else "0"
    wanted = (body.get("response_format") or {}).get("json_schema")
    return json.dumps(dict.fromkeys(wanted["schema"]["properties"], total)) if wanted else total


def refused_packages() -> None:
    """A foreign package on the import path is refused with one line that names it, and never imported."""
    for command, environment in (
        ((sys.executable, "-m", "meta_search", "doctor"), {}),
        ((COMMAND, "doctor"), {"PYTHONPATH": os.getcwd()}),
    ):
        done = run(*command, status=2, **environment)
        lines = done.stderr.splitlines()
        if len(lines) != 1 or "hides meta-search's own package" not in lines[0] or "Traceback" in lines[0]:
            sys.exit(f"foreign packages: expected one clear line, got\n{done.stderr}")
        print("refused:", lines[0])


def search(endpoint: CountingEndpoint) -> None:
    """A search with Ray from this folder, and a look at what it left."""
    rows = [f"What is {a} + {b}?,{a + b}" for a in range(3, 15) for b in range(20, 28)]
    Path("sums.csv").write_text("question,answer\n" + "\n".join(rows) + "\n")
    done = run(
        COMMAND, "run", "domain=table", "domain.path=sums.csv", "llm=endpoint",
        f"llm.base_url={endpoint.base_url}", "llm.meta.model=scripted", "llm.task.model=scripted",
        "search.candidates=2", "author=composer", "evaluate.items=6", "evaluate.test_items=6",
        "evaluate.executor=ray", "budget.wall_s=200",
    )  # fmt: skip
    print(done.stdout[-1500:])
    listed = json.loads(run(COMMAND, "archive", "list", "latest", "--json").stdout)
    if not listed or not any(row["score"] for row in listed):
        sys.exit(f"no agent scored: {listed}")
    print(f"{len(listed)} agents, {len(endpoint.requests)} requests")
    run(COMMAND, "archive", "show", "latest", listed[0]["agent"])
    run(COMMAND, "report", "latest")
    run(COMMAND, "export", "latest", "--to", "exported")
    if not Path("exported/agent.py").is_file():
        sys.exit("export wrote no agent.py")


def page() -> None:
    """The wheel carries the page as it is sent, not the source it was built from."""
    from importlib import resources

    room = resources.files("meta_search.dashboard")
    missing = [
        name for name in ("index.html", "app.js", "app.css") if not room.joinpath("static", name).is_file()
    ]
    if missing or room.joinpath("page").is_dir():
        sys.exit(f"the page: the wheel misses {missing}, or carries its source")


def main() -> None:
    for name in FOREIGN:
        Path(name).mkdir()
        Path(name, "__init__.py").write_text("raise SystemExit('foreign code was run')\n")
    print(run(COMMAND, "--version").stdout.strip())
    if "wall_s: 900" not in run(COMMAND, "run", "--cfg", "job").stdout:
        sys.exit("the configuration is not in the wheel")
    page()
    run(COMMAND, "doctor")
    refused_packages()
    with CountingEndpoint(answer) as endpoint:
        search(endpoint)


if __name__ == "__main__":
    main()
