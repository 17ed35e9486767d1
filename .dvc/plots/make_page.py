"""Make page.html, the page of `dvc plots` with vega in it, so that its plots need no network.

    python .dvc/plots/make_page.py        from anywhere; needs npm, which downloads the packages

Writes page.html and LICENSES.txt to this folder, the same bytes every time. DVC's own page loads
vega from a server on the internet; .dvc/config names this page instead. The templates in this
folder are Vega-Lite 5, and these are the last versions that read it.
"""

import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
SCRIPTS = {
    "vega@5.33.0": "build/vega.min.js",
    "vega-lite@5.23.0": "build/vega-lite.min.js",
    "vega-embed@6.29.0": "build/vega-embed.min.js",
}
BUNDLED = (
    "d3-array@3.2.4",
    "delaunator@5.0.1",
    "fast-json-patch@3.1.1",
    "json-stringify-pretty-compact@4.0.0",
    "semver@7.6.3",
    "topojson-client@3.1.0",
)
"""Packages within those scripts whose licences must be included; d3-array stands for all of d3."""
SHA256 = {
    "d3-array@3.2.4": "6dbf3f2be39e48f86775be6e166a5d3e5a585ca7144453cd6ad1912f5ae4417f",
    "delaunator@5.0.1": "6b30e6cf0aa49bf7882a3fb6dd2b5d3c33478d3693356d8a74a88f65df411f55",
    "fast-json-patch@3.1.1": "928a1fc52f0ab766ab8406bf9798afebb5c4d24eb1bc8652c36a6850831e6dee",
    "json-stringify-pretty-compact@4.0.0": (
        "f15336163c9de2e2d9b820516be061235f4eed93a0a4d5bc9593700799c25f4f"
    ),
    "semver@7.6.3": "376d2ca2c941fc5a37e9ac3ec65302e5e421e2cc1ee3dee57a854d2bd9bee125",
    "topojson-client@3.1.0": "889fadb422f6236d0f8337a236ce6499f258b75e44b81733b13bd971067322bf",
    "vega@5.33.0": "7b61f992d1a1e196e7f2eeb3d6176e5694949d0d4bbfea237a842d523dd6e1f3",
    "vega-embed@6.29.0": "ecf1ee709c2bac9e0a4ead6908114b05b62c71493e10a8a4308109bb070f8eb1",
    "vega-lite@5.23.0": "e4cbfdd8f6f1abe381c59cd558fd6a559c12b1496bfdf2e0c3295263a40fe4da",
}
PAGE = """<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
{refresh_tag}
<title>Plots</title>
<!-- Made by make_page.py from VERSIONS; their licences are in LICENSES.txt. -->
SCRIPTS
<style>
body { margin: 24px; font-family: system-ui, sans-serif; }
body { display: flex; flex-wrap: wrap; gap: 32px; }
table { border-spacing: 15px; }
</style>
</head>
<body>
{plot_divs}
</body>
</html>
"""


def main() -> None:
    """Download the packages, check them, and write the two files."""
    with tempfile.TemporaryDirectory() as folder:
        packages = {name: _package(name, Path(folder)) for name in SHA256}
        scripts = [
            f"<script>{_text(packages[name], file)}</script>" for name, file in SCRIPTS.items()
        ]
        licences = [f"{name}\n\n{_licence(packages[name])}" for name in (*SCRIPTS, *BUNDLED)]
    for script in scripts:
        # The browser ends a script at the first mark, and DVC replaces the others.
        inside = script[len("<script>") : -len("</script>")]
        for mark in ("</script", "{scripts}", "{plot_divs}", "{refresh_tag}"):
            assert mark not in inside, mark
    page = PAGE.replace("VERSIONS", ", ".join(SCRIPTS)).replace("SCRIPTS", "\n".join(scripts))
    (HERE / "page.html").write_text(page, encoding="utf-8", newline="\n")
    (HERE / "LICENSES.txt").write_text(
        f"\n{'=' * 100}\n\n".join(licences), encoding="utf-8", newline="\n"
    )


def _package(name: str, folder: Path) -> Path:
    done = subprocess.run(
        ["npm", "pack", name], cwd=folder, capture_output=True, text=True, check=True
    )
    file = folder / done.stdout.split()[-1]
    if hashlib.sha256(file.read_bytes()).hexdigest() != SHA256[name]:
        raise SystemExit(f"{name}: has another SHA-256 than expected")
    return file


def _text(package: Path, path: str) -> str:
    with tarfile.open(package) as archive:
        file = archive.extractfile(f"package/{path}")
        assert file is not None
        lines = file.read().decode().replace("\r\n", "\n").rstrip("\n").split("\n")
    return "\n".join(line for line in lines if not line.startswith("//# sourceMappingURL"))


def _licence(package: Path) -> str:
    with tarfile.open(package) as archive:
        names = [name for name in archive.getnames() if name.lower().startswith("package/licen")]
    return _text(package, names[0].removeprefix("package/")) + "\n"


if __name__ == "__main__":
    main()
