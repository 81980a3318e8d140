"""Gives names that only the node's own Python says a few short ones, which many share: a name costs flash.

Owns which names those are. Never changes what a user, a program on a board or C can say: of their names, those that are
also ours stay (outside.py), as do texts that are names. Where a word could mean two things, it stops with a sentence.

A traceback on a board then has `_3` in the place of a method's name: 14 KB of flash are worth that.
"""

from __future__ import annotations

import ast
from collections import Counter
from collections.abc import Iterator

from .scopes import FUNCTIONS, bound_names, inner_names, is_const

INNER = (*FUNCTIONS, ast.Lambda, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)
LOOK_UPS = ("getattr", "hasattr", "setattr", "delattr")
# Global functions have other names than parameters, which would hide them.
MOST_PARAMETERS = 30
DIGITS = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
MOST_NAMES = 10 * len(DIGITS)

Function = ast.FunctionDef | ast.AsyncFunctionDef


class Program:
    """All modules: `trees`, of which a user sees those in `open`."""

    def __init__(self, trees: list[ast.Module], opened: list[ast.Module]) -> None:
        self.trees = trees
        self.opened = opened
        self.closed = [tree for tree in trees if tree not in opened]

    def nodes(self) -> Iterator[ast.AST]:
        for tree in self.trees:
            yield from ast.walk(tree)

    def classes(self) -> list[ast.ClassDef]:
        return [s for tree in self.trees for s in tree.body if isinstance(s, ast.ClassDef)]

    def texts(self) -> set[str]:
        """All texts: `getattr` looks for some."""
        values = [node.value for node in self.nodes() if isinstance(node, ast.Constant)]
        return {value for value in values if isinstance(value, str)}


def short_name(number: int) -> str:
    """A name of at most three letters, which take four bytes in C."""
    if number >= MOST_NAMES:
        raise SystemExit(f"freeze: more than {MOST_NAMES} names are to be shortened")
    if number < 10:
        return f"_{number}"
    return f"_{number // len(DIGITS)}{DIGITS[number % len(DIGITS)]}"


def shorten(program: Program, modules: set[str], public: set[str], kept: set[str]) -> None:
    """Shorten what may be.

    `modules` are those of others, whose attributes stay; `public` the global names that others ask for; `kept` the
    attributes that others say.
    """
    refuse_ambiguous(program, modules)
    parameters(program)
    first = private_attributes(program)
    attributes(
        program, kept | public_attributes(program, public) | asked_of(program, modules), first
    )
    globals_(program, public)


def refuse_ambiguous(program: Program, modules: set[str]) -> None:
    """Stop if somebody has names of this form, looks for a name that is put together, or says in the body of a class
    what may be one of the class or a global one.
    """
    short = {short_name(number) for number in range(MOST_NAMES)}
    for node in program.nodes():
        for field in ("id", "attr", "arg", "name"):
            if getattr(node, field, None) in short:
                name = getattr(node, field)
                raise SystemExit(f"freeze: {name}: names of this form are for shortened ones")
        if isinstance(node, FUNCTIONS):
            for call in look_ups(node):
                if ast.unparse(call.args[0]) not in modules | imported(node):
                    raise SystemExit(f"freeze: {ast.unparse(call)} may ask for any name")
    known = {name for tree in program.trees for name in bound_names(tree.body)}
    for made in program.classes():
        for name in sorted(known & asked_in_body(made) & bound_names(made.body)):
            raise SystemExit(f"freeze: {name} in the body of class {made.name} may be two things")


def look_ups(function: Function) -> list[ast.Call]:
    """The calls that ask for a name which is not written there."""
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    calls = [call for call in calls if ast.unparse(call.func) in LOOK_UPS]
    return [call for call in calls if not isinstance(call.args[1], ast.Constant)]


def parameters(program: Program) -> None:
    """Give parameters that nobody says by name the names of their places."""
    said = {node.arg or "" for node in program.nodes() if isinstance(node, ast.keyword)}
    for tree in program.closed:
        for statement in tree.body:
            for node in statement.body if isinstance(statement, ast.ClassDef) else [statement]:
                if isinstance(node, FUNCTIONS):
                    parameters_of(node, said)


def parameters_of(function: Function, said: set[str]) -> None:
    """The same of one function, whose inner ones may use its parameters, but not have some of the same name."""
    inner = [
        node for node in ast.walk(function) if isinstance(node, INNER) and node is not function
    ]
    kept = {"self", "cls", *said, *(name for node in inner for name in inner_names(node))}
    every = [*function.args.posonlyargs, *function.args.args]
    if len(every) > MOST_PARAMETERS:
        raise SystemExit(f"freeze: {function.name} has more than {MOST_PARAMETERS} parameters")
    names = {a.arg: short_name(n) for n, a in enumerate(every) if a.arg not in kept}
    for argument in every:
        argument.arg = names.get(argument.arg, argument.arg)
    for node in ast.walk(function):
        if isinstance(node, ast.Name):
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.ExceptHandler) and node.name in names:
            node.name = names[node.name]


def private_attributes(program: Program) -> int:
    """Give the private attributes of each class the same few names, if nobody but the class says them; how many."""
    classes = [
        statement
        for tree in program.closed
        for statement in tree.body
        if isinstance(statement, ast.ClassDef) and not statement.bases
    ]
    said = Counter(node.attr for node in program.nodes() if isinstance(node, ast.Attribute))
    texts = program.texts()
    own = [Counter(node.attr for node in own_attributes(made)) for made in classes]
    own_in_all = sum(own, Counter())
    most = 0
    for made, counted in zip(classes, own, strict=True):
        private = [name for name in counted if name.startswith("_") and not name.startswith("__")]
        private = [name for name in private if said[name] == own_in_all[name]]
        others = bound_names([member for member in made.body if not isinstance(member, FUNCTIONS)])
        private = [name for name in private if name not in others and name not in texts]
        names = {name: short_name(number) for number, name in enumerate(private)}
        for node in own_attributes(made):
            node.attr = names.get(node.attr, node.attr)
        for member in made.body:
            if isinstance(member, FUNCTIONS):
                member.name = names.get(member.name, member.name)
        most = max(most, len(names))
    return most


def attributes(program: Program, kept: set[str], first: int) -> None:
    """Give each other attribute and method that is ours alone one name, the same in all classes."""
    given = {
        node.attr
        for node in program.nodes()
        if isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store)
    }
    ours = given.union(*(bound_names(made.body) for made in program.classes()))
    kept = kept | program.texts()
    said = Counter(node.attr for node in program.nodes() if isinstance(node, ast.Attribute))
    names: dict[str, str] = {}
    for name in sorted(ours, key=lambda name: (-said[name], name)):
        if name not in kept and not name.startswith("__") and not is_short(name):
            names[name] = short_name(first + len(names))
    for node in program.nodes():
        if isinstance(node, ast.Attribute):
            node.attr = names.get(node.attr, node.attr)
    for made in program.classes():
        for name_said in members_said(made):
            name_said.id = names.get(name_said.id, name_said.id)
        for member in made.body:
            if isinstance(member, FUNCTIONS):
                member.name = names.get(member.name, member.name)


def public_attributes(program: Program, public: set[str]) -> set[str]:
    """What a user may say of an object, or define in a class of their own."""
    found: set[str] = set()
    waiting = [s for tree in program.opened for s in tree.body if isinstance(s, ast.ClassDef)]
    by_name = {made.name: made for made in program.classes()}
    waiting += [by_name[name] for name in sorted(public) if name in by_name]
    while waiting:
        made = waiting.pop()
        found |= bound_names(made.body)
        found.update(node.attr for node in own_attributes(made))
        waiting += [by_name[b] for b in map(ast.unparse, made.bases) if b in by_name]
    return {name for name in found if not name.startswith("_")}


def asked_of(program: Program, modules: set[str]) -> set[str]:
    """The attributes of the modules of others, which functions may import, too."""
    found: set[str] = set()
    for node in program.nodes():
        if isinstance(node, (*FUNCTIONS, ast.Module)):
            known = modules | imported(node)
            for said in ast.walk(node):
                if isinstance(said, ast.Attribute) and isinstance(said.value, ast.Name):
                    found.update({said.attr} if said.value.id in known else ())
    return found


def imported(function: ast.AST) -> set[str]:
    """The modules that a function imports."""
    if not isinstance(function, FUNCTIONS):
        return set()
    imports = [node for node in ast.walk(function) if isinstance(node, ast.Import)]
    return {alias.asname or alias.name for node in imports for alias in node.names}


def globals_(program: Program, public: set[str]) -> None:
    """Give functions, classes and variables that nobody else asks for the same names as attributes have.

    Classes of others' classes keep theirs: an exception is known by it. Constants have none at all.
    """
    kept = (
        public
        | program.texts()
        | {name for made in program.classes() for name in asked_in_body(made)}
    )
    said = Counter(node.id for node in program.nodes() if isinstance(node, ast.Name))
    ours: set[str] = set()
    classes = {made.name for made in program.classes()}
    for tree in program.trees:
        for statement in tree.body:
            if isinstance(statement, ast.ClassDef):
                if not all(ast.unparse(base) in classes for base in statement.bases):
                    continue
            elif isinstance(statement, ast.Assign) and is_const(statement.value):
                continue
            ours |= bound_names([statement])
    names: dict[str, str] = {}
    for name in sorted(ours - kept, key=lambda name: (-said[name], name)):
        names[name] = short_name(MOST_PARAMETERS + len(names))
    members = {id(node) for made in program.classes() for node in members_said(made)}
    for node in program.nodes():
        if isinstance(node, ast.Name) and id(node) not in members:
            node.id = names.get(node.id, node.id)
        elif isinstance(node, ast.Global):
            node.names = [names.get(name, name) for name in node.names]
    for tree in program.trees:
        for statement in tree.body:
            if isinstance(statement, (*FUNCTIONS, ast.ClassDef)):
                statement.name = names.get(statement.name, statement.name)


def asked_in_body(made: ast.ClassDef) -> set[str]:
    """Names that the statements of a class ask for: a member of the same short name would hide a global one."""
    return {node.id for node in said_in_body(made) if isinstance(node.ctx, ast.Load)}


def said_in_body(made: ast.ClassDef) -> list[ast.Name]:
    """The names that the statements of a class say, without those that its functions do when they are called."""
    found: list[ast.Name] = []
    waiting: list[ast.AST] = list(made.body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, ast.Name):
            found.append(node)
        elif isinstance(node, FUNCTIONS):
            waiting += [*node.decorator_list, *defaults(node.args)]
        elif isinstance(node, ast.Lambda):
            waiting += defaults(node.args)
        else:
            waiting += ast.iter_child_nodes(node)
    return found


def members_said(made: ast.ClassDef) -> list[ast.Name]:
    """Of these, those that are members of the class."""
    bound = bound_names(made.body)
    return [node for node in said_in_body(made) if node.id in bound]


def defaults(arguments: ast.arguments) -> list[ast.expr]:
    return [*arguments.defaults, *(value for value in arguments.kw_defaults if value is not None)]


def is_short(name: str) -> bool:
    return name[:1] == "_" and name[1:2].isdigit()


def own_attributes(made: ast.ClassDef) -> list[ast.Attribute]:
    """What the methods of a class say of `self`."""
    found = [node for node in ast.walk(made) if isinstance(node, ast.Attribute)]
    return [n for n in found if isinstance(n.value, ast.Name) and n.value.id == "self"]
