"""What the stages read, derived from their code: modules, parameters, files."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]


def modules_of(stage: str) -> set[str]:
    """Return the source files that a stage runs: its script, and what that imports of ours, directly or not."""
    found: set[str] = set()
    waiting = [f"stages/{stage}.py", "stages/__init__.py"]
    while waiting:
        path = waiting.pop()
        if path not in found:
            found.add(path)
            waiting += _imports(ROOT / path)
    return found


def parameters_of(stage: str) -> set[str]:
    """Return the parameters that a stage's main() takes out of `params`, as dotted names."""
    tree = ast.parse((ROOT / f"stages/{stage}.py").read_text())
    inside: set[ast.AST] = set()
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            chain, base = _chain(node)
            if base == "params" and node not in inside:
                names.add(".".join(chain[:2]))
            inside.update(ast.walk(node))
            inside.discard(node)
    return names


def paths_of(stage: str) -> dict[str, str]:
    """Return the paths that a stage names as constants: NAME = Path("…")."""
    tree = ast.parse((ROOT / f"stages/{stage}.py").read_text())
    paths = {}
    for node in tree.body:
        match node:
            case ast.Assign(
                targets=[ast.Name(id=name)],
                value=ast.Call(func=ast.Name(id="Path"), args=[ast.Constant(value=str() as path)]),
            ):
                paths[name] = path
            case _:
                pass
    return paths


def _imports(path: Path) -> list[str]:
    modules: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.ImportFrom) and node.module:
            modules += [node.module, *(f"{node.module}.{alias.name}" for alias in node.names)]
        elif isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
    files = []
    for module in modules:
        parts = module.split(".")
        if parts[0] in ("linreg", "stages"):
            files += [f"{'/'.join(parts[:depth])}/__init__.py" for depth in range(1, len(parts) + 1)]
            files.append(f"{'/'.join(parts)}.py")
    return [file for file in files if (ROOT / file).is_file()]


def _chain(node: ast.Attribute) -> tuple[list[str], str | None]:
    names = [node.attr]
    inner = node.value
    while isinstance(inner, ast.Attribute):
        names.insert(0, inner.attr)
        inner = inner.value
    return names, inner.id if isinstance(inner, ast.Name) else None
