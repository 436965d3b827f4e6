"""Writes the snapshots of prompts anew: `python -m tests.data.record_prompts`; then read what changed."""

from __future__ import annotations

from tests.kits.rich_prompts import SNAPSHOTS, prompts


def main() -> None:
    """Write one file a prompt, and take away those of prompts that there are no more."""
    SNAPSHOTS.mkdir(exist_ok=True)
    made = {f"{name}.txt": text for name, text in prompts().items()}
    for path in SNAPSHOTS.glob("*.txt"):
        if path.name not in made:
            path.unlink()
    for name, text in made.items():
        (SNAPSHOTS / name).write_text(text + "\n", encoding="utf-8")
    print(f"{len(made)} prompts are in {SNAPSHOTS}")


if __name__ == "__main__":
    main()
