"""Which names the parts of a program bind.

Owns the look at Python's syntax trees. Never changes one.
"""

from __future__ import annotations

import ast

CONST = "const"
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)


def argument_names(arguments: ast.arguments) -> list[str]:
    """The parameters of a function."""
    every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
    return [a.arg for a in [*every, arguments.vararg, arguments.kwarg] if a is not None]


def local_names(tree: ast.Module) -> set[str]:
    """The names of all variables of all functions."""
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            names.update(argument_names(node.args), bound_names(node.body))
        elif isinstance(node, ast.Lambda):
            names.update(argument_names(node.args))
        elif isinstance(node, ast.comprehension):
            names.update(target_names(node.target))
    return names


def target_names(target: ast.expr) -> set[str]:
    """The names that an assignment to `target` binds."""
    return {
        n.id for n in ast.walk(target) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)
    }


def bound_names(body: list[ast.stmt]) -> set[str]:
    """The names that these statements bind in their own scope."""
    names: set[str] = set()
    waiting: list[ast.AST] = list(body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
            names.add(node.name)
            continue
        if isinstance(node, (ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp)):
            continue
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            names.update((a.asname or a.name).split(".")[0] for a in node.names)
        elif isinstance(node, ast.ExceptHandler) and node.name:
            names.add(node.name)
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
        waiting.extend(ast.iter_child_nodes(node))
    return names


def inner_names(node: ast.AST) -> set[str]:
    """The names that a function inside another binds."""
    if isinstance(node, FUNCTIONS):
        return {*argument_names(node.args), *bound_names(node.body), node.name}
    if isinstance(node, ast.Lambda):
        return set(argument_names(node.args))
    generators: list[ast.comprehension] = node.generators  # type: ignore[attr-defined]
    return {name for generator in generators for name in target_names(generator.target)}


def is_const(value: ast.expr) -> bool:
    return (
        isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == CONST
    )
