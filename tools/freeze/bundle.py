"""Makes one module of the package `zerotier`, for boards: the same code, in half of the memory.

Owns the transformation: modules are laid one after the other, each name of a module that another module has
too gets the module's name in front, imports between them go, constants become `const`, which the compiler
puts in place, and what nothing on a board calls is left out. Never changes what the code does.

On a board each module, each imported name, each constant and each function costs memory of Python's heap,
frozen or not.

    python3 -m freeze.bundle OUTPUT --micropython DIR [--roles] [--sockets] [--mapping]
"""

from __future__ import annotations

import argparse
import ast
import builtins
import sys
from pathlib import Path

from . import outside
from .scopes import CONST, argument_names, bound_names, is_const, local_names, target_names
from .shorten import Program, shorten

PACKAGE = Path(__file__).resolve().parents[2] / "firmware" / "zerotier"
NAME = "zerotier"
ERRNO = "errno"
# Where the modules that are needed are found from.
DRIVER = ("device",)
ROLES = "roles"
# For boards whose node talks through a socket, because they have no `_zerotier.Underlay`.
SOCKETS = "underlay"
# For boards that may ask their router to forward the port.
MAPPING = "device_port_mapping"
# What a user sees: their names stay as they are when two modules have the same, and none is left out.
FIRST = ("api", "device", "vl2.status")
ROLE_CLASSES = ("Controller", "Root", "GroupDatabase")
STORE_CLASS = "FileStore"
# Conditions in classes that no board meets.
NEVER_TRUE = ("hasattr(os, 'scandir')",)
# Methods that only a controller calls, of classes in which others have some of the same name.
CONTROLLERS = ("NetworkConfig.encode", "Chunk.encode")
LONGEST_CONSTANT = 32  # bytes; longer ones stay objects with a name

HEADER = '''"""MicroZT in one module, made by tools/freeze/bundle.py from the package of the same name. Not a source."""
'''

Scope = dict[str, "Symbol | None"]  # names of a function: None is a variable, a Symbol an import


class Symbol:
    """A global name of one module, or a module that another one has imported."""

    def __init__(self, module: str, name: str) -> None:
        self.module = module
        self.name = name
        self.final = name


class Module:
    """The tree of one file, and its global names."""

    def __init__(self, name: str, tree: ast.Module) -> None:
        self.name = name
        self.tree = tree
        self.own: dict[str, Symbol] = {}
        self.imported: dict[str, tuple[str, str | None]] = {}  # name -> (module, its name or None)
        self.external: dict[str, tuple[str, str | None]] = {}  # name -> (module, its name or None)
        self.needs: set[str] = set()


class Bundle:
    """All modules, and how their names are found."""

    def __init__(
        self,
        folder: Path,
        wanted: tuple[str, ...],
        never: set[str],
        without: tuple[str, ...],
        said_outside: set[str],
    ) -> None:
        self._without = without  # methods
        self._said_outside = said_outside
        self.modules: dict[str, Module] = {}
        waiting = list(wanted)
        while waiting:
            name = waiting.pop()
            path = folder.joinpath(*name.split(".")).with_suffix(".py")
            if name not in self.modules and name not in never and path.exists():
                self.modules[name] = Module(name, ast.parse(path.read_text()))
                waiting.extend(neighbours(self.modules[name]))
        for module in self.modules.values():
            self._collect(module)
            make_constants(module)
        self._name_apart()

    def _collect(self, module: Module) -> None:
        for statement in module.tree.body:
            if isinstance(statement, ast.ImportFrom) and statement.level:
                for local, target in self.relative(module, statement):
                    module.imported[local] = target
                    module.needs.add(target[0])
            elif isinstance(statement, (ast.Import, ast.ImportFrom)):
                origin = statement.module if isinstance(statement, ast.ImportFrom) else None
                for alias in statement.names:
                    target = (origin, alias.name) if origin else (alias.name, None)
                    module.external[alias.asname or alias.name] = target
            else:
                for name in bound_names([statement]):
                    module.own.setdefault(name, Symbol(module.name, name))

    def relative(
        self, module: Module, statement: ast.ImportFrom
    ) -> list[tuple[str, tuple[str, str | None]]]:
        """(local name, (module, name in it; None: the module itself)) of an import in the package."""
        parents = module.name.split(".")[: -statement.level]
        base = ".".join([*parents, *(statement.module.split(".") if statement.module else [])])
        found: list[tuple[str, tuple[str, str | None]]] = []
        for alias in statement.names:
            local = alias.asname or alias.name
            inner = f"{base}.{alias.name}".lstrip(".")
            if base == CONST:
                continue
            found.append((local, (inner, None) if inner in self.modules else (base, alias.name)))
        return found

    def _name_apart(self) -> None:
        externals = {origin for m in self.modules.values() for origin, _ in m.external.values()}
        externals.update(name for m in self.modules.values() for name in m.external)
        # A variable of a function hides a global name: `ip = address.ip(endpoint)`.
        variables = {v for m in self.modules.values() for v in local_names(m.tree)}
        taken = {CONST, *externals, *variables, *dir(builtins)}
        order = sorted(self.modules, key=lambda name: (name not in FIRST, name))
        for name in order:
            for symbol in self.modules[name].own.values():
                if symbol.final in taken:
                    first = "_" if symbol.final.startswith("_") else ""
                    symbol.final = f"{first}{name.rpartition('.')[2]}_{symbol.name.lstrip('_')}"
                while symbol.final in taken:
                    symbol.final += "_"
                taken.add(symbol.final)

    def symbol(self, module: str, name: str) -> Symbol:
        """A global name, wherever it comes from. KeyError if it does not exist."""
        while name not in self.modules[module].own:
            target = self.modules[module].imported[name]
            if target[1] is None:
                raise KeyError(name)
            module, name = target[0], target[1]
        return self.modules[module].own[name]

    def in_order(self) -> list[Module]:
        """Every module behind those that it needs."""
        done: list[Module] = []
        seen: set[str] = set()

        def add(name: str) -> None:
            if name not in seen and name in self.modules:
                seen.add(name)
                for other in sorted(self.modules[name].needs):
                    add(other)
                done.append(self.modules[name])

        for name in sorted(self.modules):
            add(name)
        return done

    def source(self) -> str:
        """The module that takes the place of all."""
        modules = self.in_order()
        for module in modules:
            tree = Renamer(self, module).visit(module.tree)
            tree.body = [s for s in tree.body if not is_docstring(s)]
            leave_out_methods(module, self._without)
        leave_out_unused(modules, self._roots())
        self._shorten(modules)
        used = {n.id for m in modules for n in ast.walk(m.tree) if isinstance(n, ast.Name)}
        externals = {
            external_import(local, *target)
            for m in modules
            for local, target in m.external.items()
            if (local if is_kept_name(target) else target[0]) in used
        }
        parts = [HEADER + "\n".join(sorted(externals))]
        for module in modules:
            if module.tree.body:
                text = ast.unparse(ast.fix_missing_locations(module.tree))
                parts.append(f"# {module.name}\n{text}")
        return "\n\n".join([*parts, self._exports()]) + "\n"

    def _shorten(self, modules: list[Module]) -> None:
        opened = [m.tree for m in modules if m.name in FIRST]
        external = {
            local if name is None else origin or ""
            for m in modules
            for local, (origin, name) in m.external.items()
        }
        statuses = {symbol.final for symbol in self.modules["vl2.status"].own.values()}
        public = statuses.union(public_names(ROLES in self.modules))
        shorten(Program([m.tree for m in modules], opened), external, public, self._said_outside)

    def _roots(self) -> set[str]:
        """The names that somebody outside may use."""
        roots = {s.final for m in FIRST for s in self.modules[m].own.values()}
        return roots.union(public_names(ROLES in self.modules))

    def _exports(self) -> str:
        """What a user finds under another name than the bundle's own."""
        lines = []
        for name, symbol in self.modules["vl2.status"].own.items():
            if symbol.final != name and not name.startswith("_"):
                lines.append(f"{name} = {symbol.final}")
        return "\n".join(lines)


class Renamer(ast.NodeTransformer):
    """Gives every global name of a module the one that it has in the bundle."""

    def __init__(self, bundle: Bundle, module: Module) -> None:
        self._bundle = bundle
        self._module = module
        self._scopes: list[Scope] = []  # of functions, the innermost last
        self._class: set[str] | None = None  # names of the class whose body this is
        self._base = ""  # of the class

    def _local(self, name: str) -> tuple[bool, Symbol | None]:
        """(whether a function has such a name, the import that it stands for)."""
        if self._class is not None and name in self._class:
            return True, None
        for scope in reversed(self._scopes):
            if name in scope:
                return True, scope[name]
        return False, None

    def visit_Name(self, node: ast.Name) -> ast.AST:
        is_local, symbol = self._local(node.id)
        if not is_local:
            origin, name = self._module.external.get(node.id, ("", None))
            if name is not None and not is_kept_name((origin, name)):
                return ast.copy_location(
                    ast.Attribute(ast.Name(origin, ast.Load()), name, node.ctx), node
                )
            symbol = self._global(node.id)
        if symbol is not None:
            node.id = symbol.final
        return node

    def _global(self, name: str) -> Symbol | None:
        try:
            return self._bundle.symbol(self._module.name, name)
        except KeyError:
            if name in self._module.imported:
                raise SystemExit(f"bundle: {self._module.name} uses the module {name} itself")
            return None  # a builtin, or something from outside

    def visit_Call(self, node: ast.Call) -> ast.AST:
        # `super()` needs a closure for each method that says it; the base's name does not.
        called = node.func
        if isinstance(called, ast.Attribute) and ast.unparse(called.value) == "super()":
            called.value = ast.Name(self._base, ast.Load())
            node.args.insert(0, ast.Name("self", ast.Load()))
        self.generic_visit(node)
        return node

    def visit_Attribute(self, node: ast.Attribute) -> ast.AST:
        if isinstance(node.value, ast.Name) and not self._local(node.value.id)[0]:
            target = self._module.imported.get(node.value.id)
            if target is not None and target[1] is None:
                symbol = self._bundle.symbol(target[0], node.attr)
                return ast.copy_location(ast.Name(symbol.final, node.ctx), node)
        self.generic_visit(node)
        return node

    def visit_Global(self, node: ast.Global) -> ast.AST:
        node.names = [self._module.own[name].final for name in node.names]
        return node

    def visit_Import(self, node: ast.Import) -> ast.AST | None:
        return node if self._scopes else None

    def visit_ImportFrom(self, node: ast.ImportFrom) -> ast.AST | None:
        if node.level and self._scopes:
            known = [t for _, t in self._bundle.relative(self._module, node)]
            if any(module not in self._bundle.modules for module, _ in known):
                return node  # a module that was left out: an ImportError if it is ever reached
            return ast.copy_location(ast.Pass(), node)
        return node if self._scopes else None

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST:
        if node.value is None:
            return ast.copy_location(ast.Pass(), node)
        target, value = self.visit(node.target), self.visit(node.value)
        return ast.copy_location(ast.Assign([target], value), node)

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        if not self._scopes and self._class is None:
            node.name = self._module.own[node.name].final
        if node.bases:
            self._base = ast.unparse(node.bases[0])
        node.bases = [self.visit(base) for base in node.bases]
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        outer, self._class = self._class, bound_names(node.body)
        node.body = self._body(node.body)
        self._class = outer
        return node

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> ast.AST:
        if not self._scopes and self._class is None:
            node.name = self._module.own[node.name].final
        node.decorator_list = [self.visit(decorator) for decorator in node.decorator_list]
        self._defaults(node.args)
        node.returns = None
        outer, self._class = self._class, None
        self._scopes.append(self._scope(node))
        node.body = self._body(node.body)
        self._scopes.pop()
        self._class = outer
        return node

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Lambda(self, node: ast.Lambda) -> ast.AST:
        self._defaults(node.args)
        outer, self._class = self._class, None
        self._scopes.append(dict.fromkeys(argument_names(node.args)))
        node.body = self.visit(node.body)
        self._scopes.pop()
        self._class = outer
        return node

    def _comprehension(self, node: ast.AST) -> ast.AST:
        names: Scope = {}
        for generator in node.generators:  # type: ignore[attr-defined]
            names.update(dict.fromkeys(target_names(generator.target)))
        self._scopes.append(names)
        self.generic_visit(node)
        self._scopes.pop()
        return node

    visit_ListComp = visit_SetComp = visit_DictComp = visit_GeneratorExp = _comprehension

    def _defaults(self, arguments: ast.arguments) -> None:
        arguments.defaults = [self.visit(default) for default in arguments.defaults]
        arguments.kw_defaults = [d and self.visit(d) for d in arguments.kw_defaults]
        every = [*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs]
        for argument in [*every, arguments.vararg, arguments.kwarg]:
            if argument is not None:
                argument.annotation = None

    def _scope(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> Scope:
        scope: Scope = dict.fromkeys([*argument_names(node.args), *bound_names(node.body)])
        for inner in ast.walk(node):
            if isinstance(inner, ast.Global):
                for name in inner.names:
                    scope.pop(name, None)
            elif isinstance(inner, ast.ImportFrom) and inner.level:
                for local, (module, said) in self._bundle.relative(self._module, inner):
                    if module in self._bundle.modules and said is not None:
                        scope[local] = self._bundle.symbol(module, said)
        return scope

    def _body(self, body: list[ast.stmt]) -> list[ast.stmt]:
        if len(body) > 1 and is_docstring(body[0]):
            body = body[1:]
        return [self.visit(statement) for statement in body if not is_never(statement)]


def neighbours(module: Module) -> list[str]:
    """The modules that a module may import from the package, and names that may be modules."""
    found = []
    for node in ast.walk(module.tree):
        if isinstance(node, ast.ImportFrom) and node.level:
            parents = module.name.split(".")[: -node.level]
            base = [*parents, *(node.module.split(".") if node.module else [])]
            found.append(".".join(base))
            found.extend(".".join([*base, alias.name]) for alias in node.names)
    return [name for name in found if name]


def is_kept_name(target: tuple[str, str | None]) -> bool:
    """Whether what is imported keeps a name of its own. Numbers do; of a module's functions the module is asked."""
    return target[0] == ERRNO or target[1] is None


def external_import(local: str, origin: str, name: str | None) -> str:
    """The statement that an import from outside becomes."""
    if name is None or not is_kept_name((origin, name)):
        return f"import {origin}"
    return f"from {origin} import {name}"


def is_docstring(statement: ast.stmt) -> bool:
    return (
        isinstance(statement, ast.Expr)
        and isinstance(statement.value, ast.Constant)
        and isinstance(statement.value.value, str)
    )


def is_never(statement: ast.stmt) -> bool:
    """Whether this is something that boards do without."""
    return isinstance(statement, ast.If) and ast.unparse(statement.test) in NEVER_TRUE


def leave_out_methods(module: Module, without: tuple[str, ...]) -> None:
    """Remove methods by name, and what objects that no user holds would say of themselves."""
    for statement in module.tree.body:
        if isinstance(statement, ast.ClassDef):
            unwanted = {
                name.rpartition(".")[2]
                for name in without
                if name.startswith(statement.name + ".")
            }
            if module.name not in FIRST:
                unwanted.add("__repr__")
            statement.body = [m for m in statement.body if getattr(m, "name", "") not in unwanted]


def leave_out_unused(modules: list[Module], roots: set[str]) -> None:
    """Remove the global names that no `roots` lead to, and the methods whose name nobody ever says."""
    while True:
        before = sum(len(ast.dump(m.tree)) for m in modules)
        nodes = [n for m in modules for n in ast.walk(m.tree)]
        said = {n.attr for n in nodes if isinstance(n, ast.Attribute)}
        said |= {
            n.value for n in nodes if isinstance(n, ast.Constant) and isinstance(n.value, str)
        }
        for module in modules:
            for statement in module.tree.body:
                if isinstance(statement, ast.ClassDef) and module.name not in FIRST:
                    statement.body = [m for m in statement.body if is_kept(m, said)] or [
                        ast.Pass()
                    ]
        reached = reachable(modules, roots)
        for module in modules:
            module.tree.body = [s for s in module.tree.body if bound_names([s]) & reached]
        if sum(len(ast.dump(m.tree)) for m in modules) == before:
            return


def is_kept(member: ast.stmt, said: set[str]) -> bool:
    """Whether a member of a class may be called by somebody."""
    if not isinstance(member, (ast.FunctionDef, ast.AsyncFunctionDef)):
        return True
    return member.name.startswith("__") or member.name in said


def reachable(modules: list[Module], roots: set[str]) -> set[str]:
    """The global names to which `roots` lead, themselves included."""
    says: dict[str, set[str]] = {}
    for module in modules:
        for statement in module.tree.body:
            names = {n.id for n in ast.walk(statement) if isinstance(n, ast.Name)}
            for name in bound_names([statement]):
                says.setdefault(name, set()).update(names)
    reached: set[str] = set()
    waiting = list(roots)
    while waiting:
        name = waiting.pop()
        if name in says and name not in reached:
            reached.add(name)
            waiting.extend(says[name])
    return reached


def make_constants(module: Module) -> None:
    """Names that are given a simple value once become what the compiler puts in place."""
    bound: dict[str, int] = {}
    for statement in ast.walk(module.tree):
        if isinstance(statement, ast.Global):
            bound.update(dict.fromkeys(statement.names, 2))
    for statement in module.tree.body:
        for name in bound_names([statement]):
            bound[name] = bound.get(name, 0) + 1
    for statement in module.tree.body:
        if isinstance(statement, ast.AnnAssign):
            continue
        if not isinstance(statement, ast.Assign) or not isinstance(statement.targets[0], ast.Name):
            continue
        name = statement.targets[0].id
        if len(statement.targets) > 1 or bound[name] > 1:
            continue
        if is_const(statement.value):
            make_private(module.own[name])
        elif is_simple(statement.value):
            make_private(module.own[name])
            statement.value = ast.Call(ast.Name(CONST, ast.Load()), [statement.value], [])


def is_simple(value: ast.expr) -> bool:
    """Whether the compiler can put it in place: a number, or a short text or string of bytes."""
    if not isinstance(value, ast.Constant):
        return False
    constant = value.value
    if isinstance(constant, (str, bytes)):
        return len(constant) <= LONGEST_CONSTANT
    return isinstance(constant, int) and not isinstance(constant, bool)


def make_private(symbol: Symbol) -> None:
    """Without a leading underscore the compiler would keep a variable besides."""
    if not symbol.final.startswith("_"):
        symbol.final = "_" + symbol.final


def public_names(roles: bool) -> list[str]:
    """What a user imports, with the root and the controller or without."""
    for statement in ast.parse((PACKAGE / "__init__.py").read_text()).body:
        if isinstance(statement, ast.Assign) and ast.unparse(statement.targets[0]) == "__all__":
            names: list[str] = ast.literal_eval(statement.value)
            return [*names, STORE_CLASS, *(ROLE_CLASSES if roles else ())]
    raise SystemExit("bundle: the package does not say what it exports")


def add_options(parser: argparse.ArgumentParser) -> None:
    """Where MicroPython is, and what of the package a board may do without."""
    parser.add_argument("--micropython", type=Path, required=True, help="its source tree")
    parser.add_argument("--roles", action="store_true", help="with the root and the controller")
    parser.add_argument("--sockets", action="store_true", help="the node talks through a socket")
    parser.add_argument("--mapping", action="store_true", help="with port mapping")


def source(options: argparse.Namespace) -> str:
    """The module that takes the place of the package."""
    never = {CONST}
    never |= set() if options.roles else {ROLES}
    never |= set() if options.sockets else {SOCKETS}
    never |= set() if options.mapping else {MAPPING}
    without = () if options.roles else CONTROLLERS
    return Bundle(PACKAGE, DRIVER, never, without, outside.names(options.micropython)).source()


def main() -> int:
    """Writes the bundle, to be looked at."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("output", type=Path)
    add_options(parser)
    options = parser.parse_args()
    options.output.write_text(source(options))
    return 0


if __name__ == "__main__":
    sys.exit(main())
