"""Make stand-ins for the CUDA libraries that a build of PyTorch for aarch64 needs to be imported.

    python cuda_stubs.py site/torch/lib

PyPI's torch for aarch64 is linked with CUDA's libraries, which take gigabytes and are not needed to
compute on the CPU. Each stand-in has the names that torch looks up; a call returns the error code
for "no device". A build without CUDA needs none. Needs aarch64-linux-gnu-as, -ld, -nm and -readelf.
"""

import re
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

TOOLS = "aarch64-linux-gnu-"
OF_CUDA = re.compile(r"(__cuda|cu|nv|nccl)")
RETURNS_TEXT = re.compile(r".*Error(String|Name)$|__cudaRegisterFatBinary$")
NO_DEVICE = 100
BODIES = f"""\
.text
fail: mov w0, #{NO_DEVICE}
    ret
text: adr x0, message
    ret
message: .asciz "CUDA is not installed"
"""


def missing_libraries(folder: Path) -> dict[str, dict[str, set[str]]]:
    """Return what the libraries in a folder need of CUDA's libraries and do not find in it.

    By file name, then by symbol version, the names of the symbols. A symbol without a version is
    found in any library; those are among the ones of the first.
    """
    needed: set[str] = set()
    library_of: dict[str, str] = {}
    undefined: set[str] = set()
    defined: set[str] = set()
    for file in sorted(folder.glob("lib*.so*")):
        needed |= set(re.findall(r"\(NEEDED\).*\[(.*)\]", _output("readelf", "-d", file)))
        library = ""
        for line in _output("readelf", "-V", file).splitlines():
            if found := re.search(r"File: (\S+)", line):
                library = found[1]
            elif found := re.search(r"Name: (\S+)  Flags", line):
                library_of[found[1]] = library
        undefined |= _symbols(file, "--undefined-only", " U ")
        defined |= _symbols(file, "--defined-only", " ")
    names = sorted(name for name in needed if OF_CUDA.match(name.removeprefix("lib")))
    missing: dict[str, dict[str, set[str]]] = {
        name: defaultdict(set) for name in names if not (folder / name).exists()
    }
    for version, library in library_of.items():
        if library in missing:
            missing[library][version] = set()
    for symbol in undefined - defined:
        name, _, version = symbol.partition("@")
        library = library_of.get(version, "")
        if library in missing:
            missing[library][version].add(name)
        elif not version and missing and OF_CUDA.match(name):
            missing[names[0]][""].add(name)
    return missing


def make_library(path: Path, symbols: dict[str, set[str]]) -> None:
    """Write a library whose functions, by symbol version, do nothing."""
    lines = [BODIES]
    for name in sorted(set().union(*symbols.values())):
        body = "text" if RETURNS_TEXT.match(name) else "fail"
        lines.append(f".globl {name}\n.type {name}, %function\n.set {name}, {body}\n")
    versions = [
        f"{version} {{ {' '.join(f'{name};' for name in sorted(names))} }};\n"
        for version, names in symbols.items()
        if version
    ]
    source, script, compiled = (path.with_suffix(suffix) for suffix in (".s", ".map", ".o"))
    source.write_text("".join(lines))
    script.write_text("".join(versions))
    _output("as", "-o", compiled, source)
    with_versions = [f"--version-script={script}"] if versions else []
    _output("ld", "-shared", "-soname", path.name, *with_versions, "-o", path, compiled)
    for file in (source, script, compiled):
        file.unlink()


def _symbols(file: Path, which: str, kind: str) -> set[str]:
    lines = _output("nm", "-D", which, file).splitlines()
    return {line.split()[-1] for line in lines if kind in line}


def _output(tool: str, *arguments: object) -> str:
    command = [TOOLS + tool, *map(str, arguments)]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


if __name__ == "__main__":
    for library, symbols in missing_libraries(Path(sys.argv[1])).items():
        make_library(Path(sys.argv[1], library), symbols)
