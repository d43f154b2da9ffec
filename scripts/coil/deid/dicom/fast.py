"""The same bytes as `plain` makes, without decoding what did not change.

The files of a series share their structure: most elements stand in each of them with the same
bytes. `template` learns from one file how the next ones are laid out. A file that is not in
Explicit VR Little Endian, or whose structure has anything unusual, goes to `plain`.
"""

import struct

from coil.deid.dicom import parts, plain, risk
from coil.deid.dicom.cleaner import Cleaner
from coil.deid.dicom.layout import Layout
from coil.deid.dicom.template import Template
from coil.dicom.encoding import UnusualError

_TEMPLATES = 32
_SERIES = 0x0020000E
# What differs within almost any series; all else is learnt.
_VARYING = (
    0x00020000, 0x00020003, 0x00080013, parts.SOP_INSTANCE, 0x0008002A, 0x00080032, 0x00080033,
    0x00081140, 0x00082112, 0x00180081, 0x00180086, 0x00181060, 0x00200012, 0x00200013, 0x00200032,
    0x00201041, 0x00280106, 0x00280107, 0x00281050, 0x00281051, 0x00191015, 0x00191016, 0x00191029,
    0x00291010, 0x0051100D, 0x00511016,
)  # fmt: skip


class Engine:
    """De-identifies the files of one series after the other.

    `plainly` counts the files that `plain` had to take, `learnt` those that were taken apart.
    """

    def __init__(self, family: parts.Family) -> None:
        self.family = family
        self.plainly = self.learnt = 0
        self._cleaners: dict[int, Cleaner] = {}
        self._templates: list[Template] = []
        self._varying = set(_VARYING)
        self._before: dict[int, bytes] = {}

    def clean(self, data: bytes) -> list[bytes | memoryview]:
        """A DICOM file's bytes, de-identified, in parts; raises as `plain.clean` does."""
        try:
            for index, template in enumerate(self._templates):
                if (clean := template.fill(data)) is not None:
                    if index:
                        self._templates.insert(0, self._templates.pop(index))
                    return clean
            return self._learn(data)
        except (UnusualError, struct.error):
            self.plainly += 1
            return [plain.clean(data, self.family)]

    def _learn(self, data: bytes) -> list[bytes | memoryview]:
        """Take a file apart, and learn a template of those that are like it."""
        self.learnt += 1
        layout = Layout.read(data)
        everything = {**layout.meta, **layout.root}

        def get(tag: int) -> bytes | None:
            span = layout.root.get(tag)
            return data[span[2] : span[3]] if span else None

        risk.check(get, layout.root)
        rules = self.family.find(get)
        parts.uid_of(get(parts.SOP_INSTANCE), rules)
        before = {tag: data[span[1] : span[3]] for tag, span in everything.items()}
        if before.get(_SERIES) == self._before.get(_SERIES):
            self._varying |= {
                tag for tag, raw in before.items() if self._before.get(tag, raw) != raw
            }
        self._before = before
        if id(rules) not in self._cleaners:
            self._cleaners[id(rules)] = Cleaner(rules)
        cleaner = self._cleaners[id(rules)]
        template = Template(data, layout, cleaner, self._varying)
        clean = template.fill(data)
        if clean is None:
            raise UnusualError
        alike = [one for one in self._templates if one.structure != template.structure]
        self._templates = [template, *alike[: _TEMPLATES - 1]]
        return clean
