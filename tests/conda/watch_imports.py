"""Notes every import of a Python process: who imported what, and from where.

An environment whose site-packages hold this file and `watch_imports.pth` notes them in
<prefix>/imports, a file a process. Each line: the program, the importing file, the module, its
file; the last is empty for a module that is built in. Code of no file, as a notebook's, is
`<main>`.
"""

import builtins
import importlib
import os
import sys
from types import ModuleType
from typing import Any

MAIN = "__main__"
_import = builtins.__import__
_import_module = importlib.import_module
_seen: set[tuple[str, str]] = set()
_folder = os.path.join(sys.prefix, "imports")  # noqa: PTH118  (pathlib would be watched, too)


def _note(importer: str, name: str) -> None:
    if not importer or (importer, name) in _seen:
        return
    _seen.add((importer, name))
    module = sys.modules.get(name)
    origin = getattr(module, "__file__", None) or ""
    if module is None or (not origin and hasattr(module, "__path__")):  # a namespace package
        return
    program = next((word for word in sys.orig_argv[1:] if not word.startswith("-")), "")
    os.makedirs(_folder, exist_ok=True)  # noqa: PTH103
    with open(f"{_folder}/{os.getpid()}.tsv", "a", encoding="utf-8") as file:  # noqa: PTH123
        file.write(f"{program}\t{importer}\t{name}\t{origin}\n")


def _watching_import(
    name: str,
    globals: dict[str, Any] | None = None,
    locals: dict[str, Any] | None = None,
    fromlist: tuple[str, ...] = (),
    level: int = 0,
) -> ModuleType:
    module = _import(name, globals, locals, fromlist, level)  # type: ignore[arg-type]
    if level == 0 and globals:
        importer = globals.get("__file__") or ("<main>" if globals.get("__name__") == MAIN else "")
        _note(importer, name)
        for attribute in fromlist or ():
            if f"{name}.{attribute}" in sys.modules:
                _note(importer, f"{name}.{attribute}")
    return module


def _watching_import_module(name: str, package: str | None = None) -> ModuleType:
    module = _import_module(name, package)
    if not name.startswith("."):
        _note(sys._getframe(1).f_globals.get("__file__") or "", name)
    return module


builtins.__import__ = _watching_import
importlib.import_module = _watching_import_module
