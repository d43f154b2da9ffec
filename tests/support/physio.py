"""Physiology logs of made-up signals, as Siemens scanners and CMRR's sequences write them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pydicom.dataset import Dataset, FileDataset, FileMetaDataset
from pydicom.uid import UID, ExplicitVRLittleEndian, generate_uid

_FOOTER = """ECG  Freq Per: 0 0
PULS Freq Per: 76 786
ECG  Min Max Avg StdDiff: 0 0 0 0
NrTrig NrMP NrArr AcqWin: 0 0 0 0
LogStartMDHTime:  {start}
LogStopMDHTime:   {stop}
LogStartMPCUTime: {start}
LogStopMPCUTime:  {stop}
6003
"""


def pmu(
    path: Path, values: Sequence[int], start: float, frequency: int = 400, version: str = "VE"
) -> Path:
    """A log of the PMU that begins `start` seconds after midnight, with marks as they occur."""
    said = {
        "VE": "5002 LOGVERSION_PULS   1 6002 ",
        "VD": f"5002 PULS_SAMPLES_PER_SECOND = {frequency}; PULS_SAMPLE_INTERVAL = 1\nEND 6002 ",
        "VB": "",
    }[version]
    half = len(values) // 2
    text = f"1 2 40 280 {said}{' '.join(map(str, values[:half]))} 5000 "
    text += "5002 uiHwRevisionPeru: 15 6002 " if version == "VE" else "6000 "
    text += f"{' '.join(map(str, values[half:]))} 5003\n"
    stop = start + len(values) / frequency
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + _FOOTER.format(start=round(start * 1000), stop=round(stop * 1000)))
    return path


def cmrr(began: float, volumes: int, repetition: float = 2.0, early: float = 4.0) -> dict[str, str]:
    """CMRR's logs of a run by the ends of their names; its slices take a quarter of a volume."""
    first = round(began / 0.0025)
    log_first = first - round(early / 0.0025)
    last = first + round(volumes * repetition / 0.0025)
    head = "UUID        = 0000-1111\nScanDate    = 20240501_130400\nLogVersion  = EJA_1\n"
    rows = [
        f"{volume} {place} {tic + 10 * place} {tic + 10 * place + 8} 0"
        for volume in range(volumes)
        for tic in [first + round(volume * repetition / 0.0025)]
        for place in range(3)
    ]
    about = f"LogDataType = ACQUISITION_INFO\nNumSlices   = 3\nNumVolumes  = {volumes}\n\n"
    logs = {
        "Info": f"{head}{about}"
        "VOLUME   SLICE   ACQ_START_TICS  ACQ_FINISH_TICS  ECHO\n\n" + "\n".join(rows) + "\n"
        f"FirstTime = {log_first}\nLastTime  = {last}\n"
    }
    for kind, step in (("PULS", 2), ("RESP", 8)):
        samples = [f"{tic} {kind} {tic % 1000}" for tic in range(log_first, last, step)]
        samples[3] += f" {kind}_TRIGGER"
        logs[kind] = (
            f"{head}LogDataType = {kind}\nSampleTime  = {step}\n\n"
            "ACQ_TIME_TICS  CHANNEL  VALUE  SIGNAL\n\n     " + "\n     ".join(samples) + "\n"
        )
    logs["EXT"] = f"{head}LogDataType = EXT\nSampleTime  = 8\n\n{first + 16} EXT 1\n"
    return logs


def dicom(
    logs: dict[str, str],
    path: Path,
    spectroscopy: bool = False,
    changes: dict[str, Any] | None = None,
) -> Path:
    """CMRR's logs in a DICOM file, in a private element or (XA30) as spectroscopy data."""
    rows = max(len(text) for text in logs.values()) // 1024 + 2
    data = b""
    for end, text in logs.items():
        name = f"Physio_20240501_130400_0000-1111_{end}.log".encode()
        block = len(text).to_bytes(4, "little") + len(name).to_bytes(4, "little") + name
        data += (block.ljust(1024, b"\0") + text.encode()).ljust(rows * 1024, b"\0")
    path.parent.mkdir(parents=True, exist_ok=True)
    made = dataset(data, rows, spectroscopy)
    for key, value in (changes or {}).items():
        setattr(made, key, value)
    made.save_as(path, enforce_file_format=True)
    return path


def dataset(data: bytes, rows: int, spectroscopy: bool = False) -> Dataset:
    """The DICOM data set around the bytes of logs."""
    meta = FileMetaDataset()
    meta.MediaStorageSOPClassUID = UID("1.3.12.2.1107.5.9.1")
    meta.MediaStorageSOPInstanceUID = generate_uid()
    meta.TransferSyntaxUID = ExplicitVRLittleEndian
    ds = FileDataset("", {}, file_meta=meta, preamble=b"\0" * 128)
    ds.SOPClassUID = meta.MediaStorageSOPClassUID
    ds.SOPInstanceUID = meta.MediaStorageSOPInstanceUID
    ds.ImageType = ["ORIGINAL", "PRIMARY", "RAWDATA", "NONE" if spectroscopy else "PHYSIO"]
    ds.Modality, ds.Manufacturer = "MR", "SIEMENS"
    ds.AcquisitionNumber = rows
    if spectroscopy:
        ds.add_new((0x5600, 0x0020), "OF", data)
    else:
        ds.private_block(0x7FE1, "SIEMENS CSA NON-IMAGE", create=True).add_new(0x10, "OB", data)
    return ds
