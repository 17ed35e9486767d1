"""Draw docs/pictures/report.png: the upper part of the default report, in a real browser.

    dvc repro                         first: makes models/evaluation/report.html
    python -m docs.report_picture     from the repository's root; needs chromium on the PATH

The page is the same bytes everywhere, but its look depends on the fonts of the machine. So this
picture, unlike those of docs/pictures.py, is not compared with anything.
"""

import io
import shutil
from pathlib import Path

from PIL import Image
from playwright.sync_api import sync_playwright

from linreg.errors import UserError, one_line_errors
from linreg.files import new_file

REPORT = Path("models/evaluation/report.html")
PICTURE = Path("docs/pictures/report.png")
WIDTH = 1100
LAST_SHOWN = "figure:has(svg) >> nth=3"
"""The last figure in the picture."""
COLORS = 128


@one_line_errors
def main() -> None:
    """Write the picture."""
    chromium = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )
    if not chromium:
        raise UserError("chromium", "is not on the PATH", todo="install it")
    if not REPORT.is_file():
        raise UserError(REPORT, "there is no report", todo="run `dvc repro`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": 800}, color_scheme="light")
        page.goto(REPORT.resolve().as_uri())
        last = page.locator(LAST_SHOWN).bounding_box()
        assert last is not None
        height = last["y"] + last["height"] + 24
        shot = page.screenshot(
            full_page=True, clip={"x": 0, "y": 0, "width": WIDTH, "height": height}
        )
        browser.close()
    with new_file(PICTURE) as partial:
        few = (
            Image.open(io.BytesIO(shot)).convert("RGB").quantize(COLORS, Image.Quantize.MAXCOVERAGE)
        )
        few.save(partial, "PNG", optimize=True)
    print(f"picture: {PICTURE}")


if __name__ == "__main__":
    main()
