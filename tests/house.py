"""Counts of what the code is made of, at any commit: `make house`, `python -m tests.house COMMIT`.

The rooms are the packages of `scripts/coil`, and the modules that lie between them. `FLOORS` says
which may use which: a room imports from the floors below its own, and none upwards.
"""

import ast
import io
import re
import subprocess
import sys
import tarfile
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from tabulate import tabulate

from tests.glossary import AVOIDED, words_of

CHECKOUT = Path(__file__).resolve().parents[1]
ZONES = re.compile(r"^(results|private|quarantine)(/|$)")
OWNER = "scripts/coil/workspace.py"
"""The module that owns all paths."""
FLOORS: tuple[tuple[str, ...], ...] = (
    ("errors", "columns", "environment", "workspace", "words", "deid.terms"),
    ("units", "passing"),
    ("files", "programs"),
    ("records", "config.model"),
    ("jobs", "config", "dicom"),
    ("bids.names", "deid.pixels", "deid.nifti", "deid.identity", "deid.allow_list"),
    ("bids", "deid", "bids.outputs", "bids.validate", "deid.protection"),
    ("bids.series", "deid.leak", "deid.deface"),
    ("bids.mapping", "deid.bids", "deid.dicom"),
    ("bids.associated", "bids.draft", "bids.dataset"),
    ("bids.convert", "admission", "archive", "imaging"),
    ("archive.pull", "archive.push", "archive.discover", "analyses", "glm"),
    ("doctor", "run"),
    ("report",),
    ("start",),
)


@dataclass(frozen=True)
class Module:
    """One module of Coil: its dotted name without `coil.`, its source, whether it is a package."""

    name: str
    tree: ast.Module
    package: bool

    @property
    def room(self) -> str:
        """The package that holds the module, to the second level; the module where none does."""
        parts = self.name.split(".")
        inner = parts if self.package else parts[:-1]
        if len(inner) > 1 or (inner and inner[0] not in ("bids", "deid")):
            return ".".join(inner[:2])
        return self.name


@dataclass(frozen=True)
class House:
    """The code of one checkout."""

    root: Path

    @cached_property
    def modules(self) -> dict[str, Module]:
        """All modules of Coil by name."""
        scripts = self.root / "scripts"
        found: dict[str, Module] = {}
        for path in sorted((scripts / "coil").rglob("*.py")):
            parts = path.relative_to(scripts / "coil").with_suffix("").parts
            name = ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
            if name:
                found[name] = Module(name, ast.parse(path.read_text()), parts[-1] == "__init__")
        return found

    @cached_property
    def imports(self) -> dict[str, set[str]]:
        """The modules that each module imports, wherever in it that stands."""
        return {name: set(self._imported(module)) for name, module in self.modules.items()}

    def _imported(self, module: Module) -> Iterator[str]:
        for node in ast.walk(module.tree):
            if not isinstance(node, ast.ImportFrom) or not (node.module or "").startswith("coil"):
                continue
            base = (node.module or "").removeprefix("coil").removeprefix(".")
            for alias in node.names:
                inner = f"{base}.{alias.name}".removeprefix(".")
                target = inner if inner in self.modules else base
                if target and target != module.name:
                    yield target

    @property
    def rooms(self) -> dict[str, set[str]]:
        """The rooms that each room imports from."""
        found: dict[str, set[str]] = {module.room: set() for module in self.modules.values()}
        for name, targets in self.imports.items():
            room = self.modules[name].room
            found[room] |= {self.modules[one].room for one in targets} - {room}
        return found

    def upward(self) -> list[str]:
        """The imports from a floor that is not below, as `module -> module`."""
        floor = {room: height for height, rooms in enumerate(FLOORS) for room in rooms}
        return [
            f"{name} -> {target}"
            for name, targets in self.imports.items()
            for target in sorted(targets)
            if (here := self.modules[name].room) != (there := self.modules[target].room)
            and floor.get(there, len(FLOORS)) >= floor.get(here, len(FLOORS))
        ]

    def sources(self) -> Iterator[tuple[Path, ast.Module]]:
        """The Python files of the workflow, each parsed."""
        for path in sorted((self.root / "scripts").rglob("*.py")):
            yield path, ast.parse(path.read_text())

    def untyped(self) -> Counter[str]:
        """How often each file of the project says `dict[str, Any]`."""
        files = [p for top in ("scripts", "localxnat", "demo") for p in _python(self.root / top)]
        counts = {
            str(p.relative_to(self.root)): p.read_text().count("dict[str, Any]") for p in files
        }
        return Counter({name: count for name, count in counts.items() if count})

    def path_literals(self) -> list[str]:
        """Where a zone's folder is written out, and where a path is climbed, as `file:line`."""
        found = []
        for path, tree in self.sources():
            if path == self.root / OWNER:
                continue
            other = {id(one) for one in (*_docstrings(tree), *_keys(tree), *_own_path(tree))}
            for node in ast.walk(tree):
                if id(node) not in other and (climbs_up(node) or _names_a_zone(node)):
                    found.append(f"{path.relative_to(self.root)}:{getattr(node, 'lineno', 0)}")
        return found

    def functions(self) -> dict[str, int]:
        """The lines of each function, by its module's file and its own line."""
        return {
            f"{path.relative_to(self.root)}:{node.lineno} {node.name}": lines_of(node)
            for path, tree in self.sources()
            for node in ast.walk(tree)
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        }

    def rules(self) -> dict[str, int]:
        """The lines of each rule of Snakemake, by name."""
        paths = [self.root / "Snakefile", *sorted((self.root / "rules").glob("*.smk"))]
        return {name: lines for path in paths for name, lines in rules_of(path.read_text())}

    def asking(self) -> list[str]:
        """Where a docstring begins with `What`, instead of saying what is returned."""
        return [
            f"{path.relative_to(self.root)}:{text.lineno}"
            for path, tree in self.sources()
            for text in _docstrings(tree)
            if isinstance(text.value, str) and text.value.startswith("What ")
        ]

    def adapters(self) -> dict[str, int]:
        """The lines of each script that a rule runs."""
        paths = sorted((self.root / "scripts").glob("*.py"))
        return {path.name: len(path.read_text().splitlines()) for path in paths}

    def avoided(self) -> list[str]:
        """The public names that use a word which the glossary gives up, with their modules."""
        return [
            f"{module.name}: {name}"
            for module in self.modules.values()
            for name in public_names(module)
            if AVOIDED & set(words_of(name))
        ]


def lines_of(node: ast.stmt) -> int:
    """How many lines a statement has, decorators aside."""
    return (node.end_lineno or 0) - node.lineno + 1


def rules_of(text: str) -> Iterator[tuple[str, int]]:
    """The rules of a Snakefile, each with its lines; one ends where the indentation does."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        if match := re.match(r"( *)(?:rule|checkpoint) (\w+):", line):
            end = start + 1
            while end < len(lines) and re.match(rf"{match[1]}\s|$", lines[end]):
                end += 1
            yield match[2], len("\n".join(lines[start:end]).rstrip().splitlines())


def above(limit: int, lines: Mapping[str, int]) -> str:
    """How many have more lines than the limit, and the longest."""
    longest = max(lines, key=lambda name: lines[name])
    many = sum(number > limit for number in lines.values())
    return f"{many}, longest {lines[longest]} ({longest.rpartition(' ')[2]})"


def public_names(module: Module) -> Iterator[str]:
    """The module's own name, its public functions, classes and constants, and their parameters."""
    yield module.name.rpartition(".")[2]
    bodies = [module.tree.body]
    bodies += [one.body for one in module.tree.body if isinstance(one, ast.ClassDef)]
    for node in (node for body in bodies for node in body):
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() if not node.name.startswith("_"):
                yield node.name
                taken = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                yield from (one.arg for one in taken)
            case ast.ClassDef() if not node.name.startswith("_"):
                yield node.name
            case ast.AnnAssign(target=ast.Name(id=name)) if not name.startswith("_"):
                yield name
            case ast.Assign(targets=[ast.Name(id=name)]) if not name.startswith("_"):
                yield name
            case _:
                pass


def circles(graph: Mapping[str, set[str]]) -> list[list[str]]:
    """The groups of nodes that reach each other (Tarjan 1972), each sorted."""
    reached = {node: _reach(graph, node) for node in graph}
    groups = {
        tuple(sorted({node} | {one for one in reached[node] if node in reached.get(one, ())}))
        for node in graph
    }
    return [list(group) for group in sorted(groups) if len(group) > 1]


def _reach(graph: Mapping[str, set[str]], start: str) -> set[str]:
    seen: set[str] = set()
    waiting = list(graph[start])
    while waiting:
        node = waiting.pop()
        if node not in seen:
            seen.add(node)
            waiting += graph.get(node, ())
    return seen


def _python(folder: Path) -> list[Path]:
    return sorted(p for p in folder.rglob("*.py") if "tests" not in p.relative_to(folder).parts)


def _names_a_zone(node: ast.AST) -> bool:
    match node:
        case ast.Constant(value=str() as text):
            return ZONES.match(text) is not None
        case _:
            return False


def climbs_up(node: ast.AST) -> bool:
    """Whether a path's folders are counted up by hand: `.parents[2]`, `.parent.parent`."""
    match node:
        case ast.Subscript(value=ast.Attribute(attr="parents")):
            return True
        case ast.Attribute(attr="parent", value=ast.Attribute(attr="parent", value=inner)):
            return not _climbs_once(inner)
        case _:
            return False


def _climbs_once(node: ast.AST) -> bool:
    return isinstance(node, ast.Attribute) and node.attr == "parent"


def _docstrings(tree: ast.Module) -> Iterator[ast.Constant]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def _own_path(tree: ast.Module) -> Iterator[ast.AST]:
    """How a script that runs by itself finds the package, before it can ask the owner of paths."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "sys.path.insert":
            yield from ast.walk(node)


def _keys(tree: ast.Module) -> Iterator[ast.expr]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Dict):
            yield from filter(None, node.keys)
        elif isinstance(node, ast.Subscript):
            yield node.slice


def count(house: House) -> dict[str, object]:
    """What the table shows of one checkout."""
    untyped, scripts = house.untyped(), house.adapters()
    return {
        "dict[str, Any]": f"{untyped.total()} in {len(untyped)} files",
        "path literals": len(house.path_literals()),
        "names with avoided words": len(house.avoided()),
        "docstrings that begin with What": len(house.asking()),
        "lines of scripts/*.py": sum(scripts.values()),
        "adapters above 25 lines": above(25, scripts),
        "functions above 40 lines": above(40, house.functions()),
        "lines of rules": sum(house.rules().values()),
        "rules above 25 lines": above(25, house.rules()),
        "circles of modules": len(circles(house.imports)),
        "circles of rooms": len(circles(house.rooms)),
        "imports upwards": len(house.upward()),
    }


def at(commit: str, folder: Path) -> House:
    """The house as it was at a commit, unpacked into `folder`."""
    packed = subprocess.run(
        ["git", "archive", commit], cwd=CHECKOUT, stdout=subprocess.PIPE, check=True
    ).stdout
    with tarfile.open(fileobj=io.BytesIO(packed)) as archive:
        archive.extractall(folder, filter="data")
    return House(folder)


def main(commits: list[str]) -> None:
    """Print the counts of each commit, and of the working tree last."""
    columns: dict[str, dict[str, object]] = {}
    for commit in commits:
        with tempfile.TemporaryDirectory() as folder:
            columns[commit] = count(at(commit, Path(folder)))
    now = House(CHECKOUT)
    columns["now"] = count(now)
    rows = [[name, *(column[name] for column in columns.values())] for name in columns["now"]]
    print(tabulate(rows, headers=["", *columns]))
    print("", *now.upward(), *now.avoided(), *now.path_literals(), sep="\n")


if __name__ == "__main__":
    main(sys.argv[1:])
