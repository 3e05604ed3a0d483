"""I16: no binary float on a money path, as far as source code shows it.

Found are: the name `float` (annotations and calls), float literals, divisions with `/` (of two
whole numbers they give a float), and float types in SQL. What is none of money's business, such
as timeouts and metrics, has to be listed, by file and by the function or name that it stands in.
"""

import ast
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from tests.invariants.rows import Violation

PACKAGES = ("canonical", "rules", "activities", "store", "workflows", "connectors")
_SQL = ("float4", "float8", "double precision", "::real")
_SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Use(NamedTuple):
    """A float somewhere: `scope` is the function, class or module-level name around it."""

    path: str
    scope: str
    line: int
    what: str


def sources(root: Path) -> dict[str, str]:
    """The product's code by its path; simulators are no part of it."""
    return {
        path.relative_to(root).as_posix(): path.read_text()
        for package in PACKAGES
        for path in sorted((root / package).rglob("*.py"))
        if not any(part.startswith("simulat") for part in path.relative_to(root).parts)
    }


def check(code: Mapping[str, str], allowed: Mapping[str, Collection[str]]) -> list[Violation]:
    """Find floats that are not allowed, and allowances that nothing needs."""
    found: list[Violation] = []
    for path, text in code.items():
        uses = list(uses_in(path, text))
        may = set(allowed.get(path, ()))
        found += [
            Violation("I16", f"{use.path}:{use.line}", f"{use.what} in {use.scope}")
            for use in uses
            if use.scope not in may
        ]
        found += [
            Violation("I16", path, f"{scope} is allowed a float and has none")
            for scope in sorted(may - {use.scope for use in uses})
        ]
    return found


def uses_in(path: str, text: str) -> Iterator[Use]:
    """Every float in a module."""
    for node, scope in _scoped(ast.parse(text), ""):
        what = _float_in(node)
        if what is not None:
            yield Use(path, scope, getattr(node, "lineno", 0), what)


def _scoped(node: ast.AST, scope: str) -> Iterator[tuple[ast.AST, str]]:
    for child in ast.iter_child_nodes(node):
        inner = scope
        if isinstance(child, _SCOPES):
            inner = f"{scope}.{child.name}" if scope else child.name
        elif not scope and isinstance(child, ast.Assign | ast.AnnAssign):
            target = child.targets[0] if isinstance(child, ast.Assign) else child.target
            inner = ast.unparse(target)
        yield child, inner
        yield from _scoped(child, inner)


def _float_in(node: ast.AST) -> str | None:
    match node:
        case ast.Name(id="float") | ast.Attribute(attr="float"):
            return "the type float"
        case ast.Constant(value=float()):
            return f"the literal {node.value}"
        case ast.BinOp(op=ast.Div()):
            return f"the division {ast.unparse(node)}"
        case ast.Constant(value=str() as text) if any(kind in text for kind in _SQL):
            return "a float type of SQL"
        case _:
            return None
