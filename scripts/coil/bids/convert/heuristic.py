"""The heudiconv heuristic of one session, with every decision compiled into its text.

heudiconv looks at the heuristic alone to tell whether something changed, so nothing may be
read when it runs. Series are grouped by their folders, which the pull stage makes one per
SeriesInstanceUID: heudiconv's own grouping reads every header of the session and yields
byte-identical images (a test compares them).
"""

from collections.abc import Mapping

from coil.bids.convert.dcm2niix import path_of

_TEXT = '''"""How the series of one session become BIDS. Written by Coil; not meant to be edited."""

import os

# folder of the series: its name in BIDS
NAMES = {{
{names}
}}


def grouping(files, dcmfilter, seqinfo):
    """One series a folder; heudiconv asks for no more of it than an id and its files."""
    folders = {{}}
    for path in sorted(files):
        folders.setdefault(os.path.basename(os.path.dirname(path)), []).append(path)
    blank = seqinfo(*[""] * len(seqinfo._fields))
    return {{blank._replace(series_id=name): paths for name, paths in folders.items()}}


def infotodict(seqinfos):
    """The template of every series, in order of acquisition."""
    return {{(name, ("nii.gz",), None): [folder] for folder, name in NAMES.items()}}
'''


def render(series: Mapping[str, str]) -> str:
    """The text of the heuristic that converts these series and no other.

    `series` has the BIDS name by the name of the series' folder.
    """
    lines = [f"    {folder!r}: {path_of(name)!r}," for folder, name in series.items()]
    return _TEXT.format(names="\n".join(lines))
