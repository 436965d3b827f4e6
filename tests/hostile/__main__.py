"""`python -m tests.hostile`: let every hostile agent loose, and print what came of it.

python -m tests.hostile                                             as this account, inline
python -m tests.hostile --as root nobody --on inline ray --markdown table.md
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from tests.hostile import nobody
from tests.hostile.catalogue import ATTACKS, PLAIN, within
from tests.hostile.modes import here, house
from tests.hostile.table import Line, line_of, markdown, summary

SECONDS = 1800.0


def main() -> int:
    options = parsed()
    columns: dict[str, list[Line]] = {}
    for account in options.accounts:
        for place in options.places:
            mode = f"{account}, {place}"
            columns[mode] = run_as_nobody(place, options) if account == "nobody" else run(place, options)
            print(f"{mode}: {summary(columns[mode])}", flush=True)
            for line in columns[mode]:
                if line.escaped or line.odd or options.verbose:
                    print(f"  {line}", file=sys.stderr)
    if options.markdown:
        Path(options.markdown).write_text(markdown(columns))
    if options.json:
        lines = {mode: [line._asdict() for line in column] for mode, column in columns.items()}
        Path(options.json).write_text(json.dumps(lines, indent=1))
    return int(any(line.escaped or line.odd for column in columns.values() for line in column))


def run(place: str, options: argparse.Namespace) -> list[Line]:
    """Run the attacks in this process."""
    layers = options.layers.split(",") if options.layers else None
    possible = within(PLAIN if options.plain else ATTACKS, layers or here())
    chosen = [attack for attack in possible if options.only in f"{attack.subject}: {attack.name}"]
    if place == "inline":
        with house(layers=layers) as inline:
            return [line_of(verdict) for verdict in inline.run_all(chosen, options.together)]
    from meta_search.config import RayConfig
    from meta_search.evaluators.ray_pool import start_ray, stop_ray

    start_ray(RayConfig())
    try:
        with house(on_ray=True) as on_ray:
            return [line_of(verdict) for verdict in on_ray.run_all(chosen, options.together)]
    finally:
        stop_ray()


def run_as_nobody(place: str, options: argparse.Namespace) -> list[Line]:
    """Run the attacks from an account without privileges, in a copy of this checkout."""
    with nobody.checkout() as copy:
        found = copy / "home" / "lines.json"
        more = (
            ["--together"] * options.together
            + ["--plain"] * options.plain
            + [f"--layers={options.layers}"] * bool(options.layers)
        )
        arguments = ["--on", place, f"--only={options.only}", "--json", str(found), *more]
        done = nobody.run_as_nobody(copy, ["-m", "tests.hostile", *arguments], SECONDS)
        if not found.exists():
            raise SystemExit(f"nothing was run as nobody: {done.stderr.strip()[-2000:] or done.returncode}")
        (lines,) = json.loads(found.read_text()).values()
    return [Line(**line) for line in lines]


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m tests.hostile",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        description=__doc__,
    )
    add = parser.add_argument
    add(
        "--as",
        dest="accounts",
        nargs="+",
        choices=("root", "nobody"),
        default=["root"],
        help="root: whoever asks",
    )
    add("--on", dest="places", nargs="+", choices=("inline", "ray"), default=["inline"])
    add("--only", default="", metavar="TEXT", help="attacks whose subject and name hold this text")
    add("--layers", default="", help="layers of the sandbox to use, with commas; default: all. Inline only")
    add("--plain", action="store_true", help="without those again in programs and maps")
    add("--together", action="store_true", help="eight at a time; one honest agent after each eight")
    add("--markdown", metavar="FILE", help="write the table there")
    add("--json", metavar="FILE", help="write the table there")
    add("--verbose", action="store_true")
    return parser.parse_args()


if __name__ == "__main__":
    raise SystemExit(main())
