"""Writing images as enhanced multi-frame DICOM, the way a recent Siemens scanner (XA30) does.

One file a volume. dcm2niix 1.0.20260724 takes geometry, times and b-values from standard
attributes; three private ones of the XA line carry what the standard has no place for: polarity of
the phase encoding (0021,111C), its bandwidth (0021,1153, from which the readout time follows) and
the time of each slice (0021,1104).
"""

from __future__ import annotations

import hashlib
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pydicom.dataelem import DataElement
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.filebase import DicomBytesIO
from pydicom.filewriter import write_data_element, write_file_meta_info
from pydicom.sequence import Sequence
from pydicom.tag import Tag
from pydicom.uid import UID, EnhancedMRImageStorage, ExplicitVRLittleEndian

_LPS = np.diag([-1.0, -1.0, 1.0, 1.0])
_CREATOR = "SIEMENS MR SDI 02"
_LONG = struct.Struct("<HH2s2xI")  # group, element, VR, length of a long explicit element


def uid(*parts: object) -> UID:
    """A UID under 2.25 that depends on the parts alone."""
    digest = hashlib.sha256("/".join(map(str, parts)).encode()).digest()
    return UID(f"2.25.{int.from_bytes(digest[:15])}")


@dataclass(frozen=True)
class Series:
    """One series: what its headers say beside who was scanned, and where its voxels lie.

    Attributes:
        number: SeriesNumber; XNAT makes it the scan ID.
        description: SeriesDescription and ProtocolName.
        image_type: the four values of ImageType.
        affine: voxel (column, row, slice) to scanner RAS, mm; (4, 4).
        start: when the acquisition begins.
        duration: seconds from one volume to the next.
        tr, te: repetition and echo time, ms.
        flip: flip angle, degrees.
        epi: echo planar, single shot.
        phase_positive: Siemens' polarity of the phase encoding, True along the rows' order (so from
            anterior to posterior in axial slices); None if no matter.
        phase_bandwidth: Hz a pixel along the phase encoding; None if no matter.
        slice_times: s after the start of a volume, one a slice; empty if no matter.
        b_values: s/mm^2, one a volume; empty for series that are not diffusion weighted.
        directions: unit vectors in scanner RAS, one a volume; zeros where b is 0.
        sequence: PulseSequenceName.
        inversion_time: ms; None if there is no inversion.
        comment: ImageComments.
    """

    number: int
    description: str
    image_type: tuple[str, str, str, str]
    affine: NDArray[np.floating]
    start: datetime
    duration: float
    tr: float
    te: float
    flip: float
    epi: bool = False
    phase_positive: bool | None = None
    phase_bandwidth: float | None = None
    slice_times: tuple[float, ...] = ()
    b_values: tuple[float, ...] = ()
    directions: tuple[tuple[float, float, float], ...] = ()
    sequence: str = "*sim3d1"
    inversion_time: float | None = None
    comment: str = ""

    @cached_property
    def spacing(self) -> NDArray[np.float64]:
        """Distance in mm between neighbouring columns, rows and slices."""
        return np.linalg.norm(self.affine[:3, :3], axis=0)

    @cached_property
    def orientation(self) -> list[float]:
        """ImageOrientationPatient."""
        axes = (_LPS @ self.affine)[:3, :2] / self.spacing[:2]
        return [round(float(x), 8) for x in axes.T.ravel()]

    def position(self, slice_index: int) -> list[float]:
        """ImagePositionPatient of a slice."""
        corner = _LPS @ self.affine @ np.array([0, 0, slice_index, 1])
        return [round(float(x), 6) for x in corner[:3]]


def write_series(
    folder: Path,
    series: Series,
    volumes: Iterable[NDArray[np.uint16]],
    common: Dataset,
    first: int = 0,
) -> list[Path]:
    """Write one file a volume, ``000001.dcm`` and up.

    Args:
        folder: made if absent.
        series: see `Series`.
        volumes: arrays (columns, rows, slices).
        common: patient, study and equipment attributes; StudyInstanceUID must be among them.
        first: index of the first volume, if the series has some already.
    """
    folder.mkdir(parents=True, exist_ok=True)
    fixed: dict[int, bytes] = {}
    paths = []
    for index, volume in enumerate(volumes, first):
        if not fixed:
            fixed = _encoded(_constant(series, common, volume.shape))
        varying = _encoded(_varying(series, index, common.StudyInstanceUID))
        pixels = np.ascontiguousarray(volume.T, dtype="<u2").tobytes()
        varying[0x7FE00010] = _LONG.pack(0x7FE0, 0x0010, b"OW", len(pixels)) + pixels
        elements = fixed | varying
        path = folder / f"{index + 1:06d}.dcm"
        body = b"".join(elements[tag] for tag in sorted(elements))
        path.write_bytes(_preamble(series, index, common.StudyInstanceUID) + body)
        paths.append(path)
    return paths


def _preamble(series: Series, index: int, study: str) -> bytes:
    """The bytes before the data set: 128 zeros, the magic word and the meta information."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = EnhancedMRImageStorage
    meta.MediaStorageSOPInstanceUID = uid(study, series.number, index)
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    meta.ImplementationClassUID = uid("demo writer")
    meta.ImplementationVersionName = "DEMO"
    buffer = DicomBytesIO()
    write_file_meta_info(buffer, meta)
    return b"\0" * 128 + b"DICM" + buffer.getvalue()


def _varying(series: Series, index: int, study: str) -> Dataset:
    """The attributes that differ between the volumes of a series."""
    when = series.start + timedelta(seconds=index * series.duration)
    ds = Dataset()
    ds.SOPInstanceUID = uid(study, series.number, index)
    ds.InstanceCreationDate = ds.ContentDate = ds.AcquisitionDate = _date(when)
    ds.InstanceCreationTime = ds.ContentTime = ds.AcquisitionTime = _time(when)
    ds.AcquisitionDateTime = _date(when) + _time(when)
    ds.AcquisitionNumber = ds.InstanceNumber = index + 1
    ds.SharedFunctionalGroupsSequence = [_shared(series, index)]
    return ds


def _constant(series: Series, common: Dataset, shape: tuple[int, ...]) -> Dataset:
    """The attributes that all volumes of a series share."""
    ds = Dataset()
    ds.update(common)
    ds.SOPClassUID = EnhancedMRImageStorage
    ds.ImageType = list(series.image_type)
    ds.SeriesDate, ds.SeriesTime = _date(series.start), _time(series.start)
    ds.SeriesInstanceUID = uid(common.StudyInstanceUID, series.number)
    ds.SeriesNumber = series.number
    ds.SeriesDescription = ds.ProtocolName = series.description
    ds.PulseSequenceName = series.sequence
    ds.MRAcquisitionType = "2D" if "2d" in series.sequence else "3D"
    ds.EchoPlanarPulseSequence = "YES" if series.epi else "NO"
    ds.EchoPulseSequence = "SPIN" if series.sequence.startswith("epse") else "GRADIENT"
    ds.ComplexImageComponent = "MAGNITUDE"
    ds.AcquisitionContrast = "DIFFUSION" if series.b_values else "UNKNOWN"
    ds.ContentQualification = "RESEARCH"
    ds.SpacingBetweenSlices = round(float(series.spacing[2]), 6)
    if series.comment:
        ds.ImageComments = series.comment
    organization = uid(common.StudyInstanceUID, series.number, "dimensions")
    ds.DimensionOrganizationSequence = [_item(DimensionOrganizationUID=organization)]
    ds.DimensionIndexSequence = [
        _item(
            DimensionOrganizationUID=organization,
            DimensionIndexPointer=pointer,
            FunctionalGroupPointer=Tag("FrameContentSequence"),
        )
        for pointer in (Tag("StackID"), Tag("InStackPositionNumber"))
    ]
    _describe_pixels(ds, shape)
    ds.PerFrameFunctionalGroupsSequence = [_frame(series, n) for n in range(shape[2])]
    return ds


def _describe_pixels(ds: Dataset, shape: tuple[int, ...]) -> None:
    columns, rows, slices = shape
    ds.SamplesPerPixel = 1
    ds.PhotometricInterpretation = "MONOCHROME2"
    ds.NumberOfFrames = slices
    ds.Rows, ds.Columns = rows, columns
    ds.BitsAllocated, ds.BitsStored, ds.HighBit = 16, 12, 11
    ds.PixelRepresentation = 0
    ds.BurnedInAnnotation = "NO"
    ds.LossyImageCompression = "00"
    ds.PresentationLUTShape = "IDENTITY"


def _shared(series: Series, index: int) -> Dataset:
    """The functional groups that all frames of a volume share."""
    timing = _item(RepetitionTime=series.tr, FlipAngle=series.flip)
    timing.EchoTrainLength = 1
    geometry = _item(InPlanePhaseEncodingDirection="COLUMN")
    shared = _item(
        MRTimingAndRelatedParametersSequence=[timing],
        MRFOVGeometrySequence=[geometry],
        MREchoSequence=[_item(EffectiveEchoTime=float(series.te))],
        MRImagingModifierSequence=[_item(PixelBandwidth=2000.0, TransmitterFrequency=123.25)],
        PixelMeasuresSequence=[
            _item(
                SliceThickness=round(float(series.spacing[2]), 6),
                PixelSpacing=[round(float(x), 6) for x in series.spacing[[1, 0]]],
            )
        ],
        MRImageFrameTypeSequence=[
            _item(FrameType=list(series.image_type), ComplexImageComponent="MAGNITUDE")
        ],
        PixelValueTransformationSequence=[
            _item(RescaleIntercept=0, RescaleSlope=1, RescaleType="US")
        ],
    )
    if series.inversion_time is not None:
        modifier = _item(InversionRecovery="YES", InversionTimes=[series.inversion_time])
        shared.MRModifierSequence = [modifier]
    if series.b_values:
        shared.MRDiffusionSequence = [_diffusion(series, index)]
    return shared


def _frame(series: Series, number: int) -> Dataset:
    """The functional groups of one frame, the same in all volumes.

    The orientation stands here although it never changes: dcm2niix does not stack the files of a
    series that has it in the shared groups.
    """
    content = _item(
        StackID="1", InStackPositionNumber=number + 1, DimensionIndexValues=[1, number + 1]
    )
    frame = _item(
        FrameContentSequence=[content],
        PlanePositionSequence=[_item(ImagePositionPatient=series.position(number))],
        PlaneOrientationSequence=[_item(ImageOrientationPatient=series.orientation)],
    )
    if series.phase_positive is not None or series.slice_times:
        frame.add_new(Tag(0x0021, 0x0010), "LO", _CREATOR)
        frame.add(_siemens(series, number))
    return frame


def _encoded(ds: Dataset) -> dict[int, bytes]:
    """Each element as bytes, by tag.

    Most of the time goes into encoding, and most elements are the same in all files of a series,
    so files are put together from encoded elements.
    """
    elements = {}
    for element in ds:
        buffer = DicomBytesIO()
        buffer.is_little_endian, buffer.is_implicit_VR = True, False
        write_data_element(buffer, element, ["iso8859"])
        elements[int(element.tag)] = buffer.getvalue()
    return elements


def _diffusion(series: Series, index: int) -> Dataset:
    b_value = series.b_values[index]
    if b_value == 0:
        return _item(DiffusionBValue=0.0, DiffusionDirectionality="NONE")
    x, y, z = series.directions[index]
    gradient = _item(DiffusionGradientOrientation=[-x, -y, z])  # DICOM's axes are LPS
    return _item(
        DiffusionBValue=float(b_value),
        DiffusionDirectionality="DIRECTIONAL",
        DiffusionGradientDirectionSequence=[gradient],
    )


def _siemens(series: Series, slice_index: int) -> DataElement:
    """The private item of one frame."""
    item = Dataset()
    block = item.private_block(0x0021, _CREATOR, create=True)
    if series.slice_times:
        block.add_new(0x04, "DS", f"{series.slice_times[slice_index]:.4f}")
    if series.phase_positive is not None:
        block.add_new(0x1C, "IS", int(series.phase_positive))
    if series.phase_bandwidth is not None:
        block.add_new(0x53, "FD", series.phase_bandwidth)
    return DataElement(Tag(0x0021, 0x10FE), "SQ", Sequence([item]))


def _item(**attributes: object) -> Dataset:
    item = Dataset()
    for keyword, value in attributes.items():
        setattr(item, keyword, value)
    return item


def _date(when: datetime) -> str:
    return f"{when:%Y%m%d}"


def _time(when: datetime) -> str:
    return f"{when:%H%M%S.%f}"
