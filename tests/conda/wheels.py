"""Wheels of nothing, for channels of a few packages."""

import zipfile
from pathlib import Path


def write_wheel(
    folder: Path,
    name: str,
    version: str = "1.0",
    requires: tuple[str, ...] = (),
    files: dict[str, str] | None = None,
    command: str = "",
) -> None:
    """Write a wheel of a module `name` with the function `main`; `command` calls that."""
    info = f"{name}-{version}.dist-info"
    metadata = [f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}"]
    metadata += [f"Requires-Dist: {requirement}" for requirement in requires]
    told = "import sys\ndef main():\n    print(sys.prefix)\n"
    held = {f"{name}.py": told, **(files or {}), f"{info}/METADATA": "\n".join(metadata)}
    held[f"{info}/WHEEL"] = "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    if command:
        held[f"{info}/entry_points.txt"] = f"[console_scripts]\n{command} = {name}:main\n"
    held[f"{info}/RECORD"] = "".join(f"{path},,\n" for path in [*held, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{name}-{version}-py3-none-any.whl", "w") as wheel:
        for path, text in held.items():
            wheel.writestr(path, text)
