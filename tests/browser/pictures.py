"""Draws the pictures of docs/dashboard.md from the recorded run: `python -m tests.browser.pictures`.

Needs chromium and Pillow; writes `docs/pictures/*.png`, one a view, of few colours so that they stay small.
"""

from __future__ import annotations

import io
import shutil
import tempfile
from pathlib import Path

from tests.browser.kit import chromium, looking
from tests.browser.places import places
from tests.data import record_run
from tests.kits.dashboards import serving

FOLDER = Path(__file__).resolve().parents[2] / "docs" / "pictures"
VIEWS = ("runs", "compare", "overview", "agents", "lineage", "niches", "diff", "drawer", "guide", "log")
WIDTH, HEIGHT, COLOURS = 1280, 760, 64


def main() -> None:
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "runs"
        folder.mkdir()
        record_run.unpack(folder)
        shutil.copytree(folder / "run", folder / "evening")
        with serving(folder) as client, chromium() as browser:
            where = places(client.get, others=("evening",))
            with looking(browser, f"http://127.0.0.1:{client.port}", WIDTH) as look:
                look.page.set_viewport_size({"width": WIDTH, "height": HEIGHT})
                for view in VIEWS:
                    look.go(where[view])
                    (FOLDER / f"{view}.png").write_bytes(small(look.page.screenshot()))
    sizes = [path.stat().st_size for path in FOLDER.glob("*.png")]
    print(f"{len(sizes)} pictures in {FOLDER}: {sum(sizes) / 1000:.0f} kB")


def small(png: bytes) -> bytes:
    """A picture of few colours."""
    from PIL import Image

    written = io.BytesIO()
    Image.open(io.BytesIO(png)).convert("RGB").quantize(COLOURS).save(written, "PNG", optimize=True)
    return written.getvalue()


if __name__ == "__main__":
    main()
