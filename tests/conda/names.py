"""Where conda's packages are not called, or not kept, as on PyPI."""

from packaging.utils import canonicalize_name

RENAMED = {
    "isal": "python-isal",  # conda's `isal` is the C library below it
    "matplotlib": "matplotlib-base",  # conda's `matplotlib` adds a window system
    "snakemake": "snakemake-minimal",  # conda's `snakemake` adds every optional package
}
"""PyPI's name to conda's, for packages that an environment file or another package names."""

PROGRAMS = {
    "dcm2niix": "dcm2niix/dcm2niix",
    "niimath": "niimath/bin/niimath",
}
"""Packages that on conda's channels are a program and no Python, and its file in the wheel."""


def conda_name(pypi_name: str) -> str:
    """The name on conda's channels of a package on PyPI."""
    name = canonicalize_name(pypi_name)
    return RENAMED.get(name, name)


def pypi_name(conda_name: str) -> str:
    """The name on PyPI of a package on conda's channels."""
    return next((pypi for pypi, conda in RENAMED.items() if conda == conda_name), conda_name)


def channel_of(conda_name: str) -> str:
    """The channel that holds a package: Snakemake and its plugins are bioconda's."""
    return "bioconda" if conda_name.startswith("snakemake") else "conda-forge"
