"""The profile of the DICOM export: what stays, what changes, what goes."""

import re

import pytest
from pydicom.dataset import Dataset
from pydicom.uid import UID, ImplicitVRLittleEndian

from coil.deid.dicom import ge, private, protocol, siemens, values
from coil.deid.dicom.profile import CLASSES, attributes
from coil.deid.dicom.risk import RefusedError
from coil.errors import DataError
from tests.support.dicom import (
    DAYS,
    SESSION,
    STEM,
    SUBJECT,
    by_fast,
    by_plain,
    csa,
    decoded,
    encoded,
    exported,
    image,
    nested,
)


@pytest.mark.parametrize(
    ("told", "kept"),
    [("094Y", "089Y"), ("089Y", "089Y"), ("035Y", "035Y"), ("030M", "002Y"), ("051W", "000Y"),
     ("400D", "001Y"), ("009Y ", "009Y"), ("35", None), ("", None)],
)  # fmt: skip
def test_an_age_is_told_in_whole_years_up_to_89(told: str, kept: str | None):
    assert values.of_age(told.encode()) == (kept.encode() if kept else None)


def test_the_table_holds_every_row_of_both_editions_with_its_options():
    rows = [row for row in attributes().values() if row.basic]
    assert len(rows) == 652  # and the wildcards: curves, two kinds of overlays, private groups
    assert sum("modified_dates" in row.options for row in rows) == 165
    assert sum("uids" in row.options for row in rows) == 59
    assert sum("device" in row.options for row in rows) == 57
    assert {row.basic for row in rows} <= {
        "X", "Z", "D", "U", "X/Z", "X/D", "Z/D", "X/Z/D", "X/Z/U*", "C",
    }  # fmt: skip


def test_every_private_element_that_stays_has_a_reason_and_a_known_form():
    for (creator, group, _), kept in private.table().items():
        assert creator
        assert group % 2
        assert kept.reason
        assert kept.form in {"numbers", "codes", "items", "rewritten", *private.TEXTS}


def test_the_person_becomes_the_pseudonym_and_the_session():
    clean = exported(image())
    assert str(clean.PatientName) == clean.PatientID == SUBJECT
    assert clean.StudyID == SESSION
    assert clean.PatientBirthDate == ""
    assert clean.SeriesDescription == "task-rest_bold"


def test_age_is_capped_and_weight_rounded():
    clean = exported(image())
    assert clean.PatientAge == "089Y"
    assert clean.PatientWeight == 73


def test_dates_move_by_the_subjects_shift_and_times_stay():
    clean = exported(image())
    assert clean.StudyDate == clean.AcquisitionDate == "18870609"
    assert clean.AcquisitionTime == "130701.912500"
    assert clean.LongitudinalTemporalInformationModified == "MODIFIED"
    assert DAYS == -50_000


def test_times_are_told_from_the_begin_of_the_study_where_the_time_of_day_is_dropped():
    clean = exported(image(), time_of_day="drop")
    assert clean.StudyTime == "000000.000000"
    assert clean.AcquisitionTime == "000701.912500"


def test_no_date_stays_where_the_config_wants_none():
    clean = exported(image(), dates="none")
    assert clean.StudyDate == ""
    assert "AcquisitionDate" not in clean
    assert clean.LongitudinalTemporalInformationModified == "REMOVED"
    assert "113107" not in [item.CodeValue for item in clean.DeidentificationMethodCodeSequence]


def test_uids_are_new_valid_keyed_and_the_same_wherever_they_stand():
    data = image()
    item = Dataset()
    item.ReferencedSOPClassUID, item.ReferencedSOPInstanceUID = data.SOPClassUID, f"{STEM}.1.1"
    data.ReferencedImageSequence = [item]
    clean = exported(data)
    assert clean.SOPClassUID == data.SOPClassUID
    assert UID(clean.SOPInstanceUID).is_valid
    assert re.fullmatch(r"2\.25\.\d{1,39}", clean.SOPInstanceUID)
    assert clean.SOPInstanceUID == clean.file_meta.MediaStorageSOPInstanceUID
    assert clean.ReferencedImageSequence[0].ReferencedSOPInstanceUID == clean.SOPInstanceUID
    assert exported(image(2)).StudyInstanceUID == clean.StudyInstanceUID


def test_the_file_says_what_was_done():
    clean = exported(image())
    assert clean.PatientIdentityRemoved == "YES"
    assert "2026c" in clean.DeidentificationMethod[1]
    codes = [item.CodeValue for item in clean.DeidentificationMethodCodeSequence]
    assert codes == ["113100", "113105", "113107", "113108", "113111"]


def test_what_describes_the_measurement_stays_as_it_is():
    data, clean = image(), exported(image())
    kept = """ImageType Modality Manufacturer ManufacturerModelName SoftwareVersions RepetitionTime
    EchoTime InstanceNumber ImagePositionPatient ImageOrientationPatient Rows Columns BitsStored
    PixelRepresentation PixelData PatientSex"""
    for keyword in kept.split():
        assert clean[keyword].value == data[keyword].value, keyword


def test_preamble_group_2_padding_and_bytes_behind_the_pixels_are_made_anew():
    data = image()
    data.preamble = b"Quillfeather".ljust(128, b"!")
    data.file_meta.SourceApplicationEntityTitle = "GATEWAY9"
    data.file_meta.PrivateInformationCreatorUID = UID(f"{STEM}.9")
    data.file_meta.PrivateInformation = b"HUSH-77701-Z"
    data.PixelData += b"HUSH-77701-Z"
    data.add_new(0xFFFCFFFC, "OB", b"HUSH-77701-Z")
    raw = encoded(data)
    for clean in (by_plain(raw), by_fast(raw)):
        assert clean[:128] == bytes(128)
        assert b"HUSH" not in clean
        assert b"GATEWAY9" not in clean
        assert len(decoded(clean).PixelData) == 32


def test_overlays_curves_and_unknown_private_blocks_are_gone():
    data = image()
    data.add_new(0x60000022, "LO", "Quillfeather")
    data.add_new(0x60003000, "OW", b"HUSH-77701-Z")
    data.add_new(0x50000022, "LO", "Quillfeather")
    block = data.private_block(0x0029, "SOMEBODY", create=True)
    block.add_new(0x10, "LO", "PRIV-55501-X")
    clean = exported(data)
    assert not [e for e in clean if e.tag.is_private or e.tag.group in (0x5000, 0x6000)]


def test_a_known_private_element_stays_with_its_creator_and_the_others_of_its_block_go():
    data = image()
    block = data.private_block(0x0019, "SIEMENS MR HEADER", create=True)
    block.add_new(0x0C, "IS", "1000")
    block.add_new(0x0F, "SH", "Quillfeather")
    clean = exported(data)
    kept = clean.private_block(0x0019, "SIEMENS MR HEADER")
    assert kept[0x0C].value == 1000
    assert 0x0F not in kept


def test_an_attribute_that_hides_as_unknown_is_removed():
    data = image()
    data.add_new(0x00081090, "UN", b"Quillfeather")
    data.add_new(0x00100030, "UN", b"19300131")
    clean = exported(data)
    assert "ManufacturerModelName" not in clean
    assert clean.PatientBirthDate == ""


def test_a_text_outside_its_vocabulary_is_removed():
    data = image()
    data.ManufacturerModelName = "Prisma of Dr. Quillfeather"
    data.ImageComments = "Quillfeather moved"
    assert "ManufacturerModelName" not in exported(data)
    assert "ImageComments" not in exported(data)


def test_a_b_value_in_the_comments_stays():
    data = image()
    data.ImageComments = "b=1000(0.445,0.000,-0.895)"
    assert exported(data).ImageComments == data.ImageComments


def test_a_csa_header_keeps_the_elements_that_a_converter_reads():
    raw = csa(
        {
            "NumberOfImagesInMosaic": ["36      "],
            "ReferencedImageSequence": [f"{STEM}.1.1"],
            "MosaicRefAcqTimes": ["0.00", "1057.5"],
            "PhaseEncodingDirectionPositive": ["1\0Quillfeather"],
            "ImaPATModeText": ["Quillfeather"],
        }
    )
    clean = siemens.image_header(raw)
    assert clean
    assert b"MosaicRefAcqTimes" in clean
    assert b"1057.5" in clean
    for gone in (b"Quillfeather", b"1107.5", b"ReferencedImage", b"ImaPATModeText"):
        assert gone not in clean


def test_a_protocol_keeps_numbers_of_known_keys_only():
    text = (
        b'<XProtocol> { <ParamString."PatientName"> { "Quillfeather" } }\n'
        b"### ASCCONV BEGIN object=Quillfeather ###\nsPat.lAccelFactPE\t = \t2\n"
        b'tProtocolName = ""Quillfeather""\nsPat.lAccelFactPE = 20240501130743123\n'
        b'tSequenceFileName = ""%SiemensSeq%\\tfl""\nsWipMemBlock.tFree = "Quillfeather"\n'
        b"### ASCCONV END ###Quillfeather"
    )
    clean = protocol.protocol(text)
    assert clean
    assert b"lAccelFactPE\t = \t2\n" in clean
    assert b"%SiemensSeq%\\tfl" in clean
    assert b"Quillfeather" not in clean
    assert b"20240501" not in clean


@pytest.mark.parametrize("raw", [b"", b"SV10", b"SV10" + b"\xff" * 60, b"Quillfeather" * 9])
def test_a_damaged_blob_of_a_vendor_is_removed(raw: bytes):
    assert siemens.image_header(raw) is None
    assert protocol.protocol(raw) is None
    assert ge.protocol_block(raw) is None
    assert ge.user_data(raw) is None


@pytest.mark.parametrize(
    ("keyword", "value"),
    [
        ("SOPClassUID", "1.2.840.10008.5.1.4.1.1.7"),
        ("BurnedInAnnotation", "YES"),
        ("ConversionType", "WSD"),
        ("Modality", "US"),
        ("ImageType", ["DERIVED", "SECONDARY", "SCREEN SAVE"]),
        ("PhotometricInterpretation", "RGB"),
    ],
)
def test_what_may_show_text_in_its_pixels_is_refused(keyword: str, value: str | list[str]):
    data = image()
    setattr(data, keyword, value)
    for engine in (by_plain, by_fast):
        with pytest.raises(RefusedError):
            engine(encoded(data))


def test_an_overlay_in_the_bits_of_the_pixels_is_refused():
    data = image()
    data.add_new(0x60000100, "US", 16)
    data.add_new(0x60000102, "US", 12)
    with pytest.raises(RefusedError):
        by_fast(encoded(data))


def test_a_truncated_file_is_an_error_that_quotes_nothing():
    raw = encoded(image())
    for end in (0, 100, 140, 400, len(raw) - 5):
        for engine in (by_plain, by_fast):
            with pytest.raises(DataError) as caught:
                engine(raw[:end])
            assert "Quillfeather" not in str(caught.value)


def test_a_file_in_implicit_form_comes_out_as_one_in_explicit_form_does():
    data, other = image(), image()
    other.file_meta.TransferSyntaxUID = ImplicitVRLittleEndian
    assert by_fast(encoded(other)) == by_fast(encoded(data))


def test_an_item_too_deep_is_an_error():
    inner = Dataset()
    for _ in range(100):
        inner = nested(0x00081140, [inner])
    data = image()
    data.add(inner[0x00081140])
    for engine in (by_plain, by_fast):
        with pytest.raises(DataError):
            engine(encoded(data))


def test_a_shifted_moment_keeps_its_precision_and_loses_its_zone():
    assert values.of_moments(b"20240501130743.9125+0100", -1, 0) == b"20240430130743.9125 "
    assert values.of_dates(b"20240230", -1) is None
    assert values.of_times(b"23:59", 0) == b"2359"
    assert values.of_times(b"2561", 0) is None


def test_every_class_has_its_column():
    columns = {column for row in attributes().values() for column in row.types}
    assert {column for column, _ in CLASSES.values()} == columns


def test_a_value_of_blanks_without_end_takes_no_time():
    raw = b" " * 60_000 + b"x "
    assert values.of_decimals(raw) is None
    assert values.of_decimals(b"\\ " * 20_000) is not None
    assert values.of_codes(b"1 " * 30_000 + b"~ ") is None
    assert values.of_times(raw, 0) is None


@pytest.mark.parametrize("name", ["CANON_MEC", "TOSHIBA_MEC"])
def test_what_a_converter_needs_of_canons_diffusion_stays_and_its_private_elements_go(name: str):
    data = image()
    data.Manufacturer, data.ImageComments = name, "b=1500(0.445,0.000,0.895)"
    data.DiffusionBValue, data.DiffusionGradientOrientation = 1500.0, [0.445, 0.0, 0.895]
    data.EchoPlanarPulseSequence = "YES"
    block = data.private_block(0x700D, f"{name}_MR3", create=True)
    block.add_new(0x19, "OB", b"<VG>Quillfeather</VG>")
    clean = exported(data)
    assert clean.Manufacturer == name
    assert clean.ImageComments == "b=1500(0.445,0.000,0.895)"
    assert clean.DiffusionBValue == 1500
    assert list(clean.DiffusionGradientOrientation) == [0.445, 0.0, 0.895]
    assert clean.EchoPlanarPulseSequence == "YES"
    assert not [element for element in clean if element.tag.is_private]


@pytest.mark.parametrize(
    "name",
    ["SIEMENS", "Siemens Healthineers", "GE MEDICAL SYSTEMS", "Philips Medical Systems", "UIH",
     "Philips Healthcare", "Hitachi Medical Corporation", "FUJIFILM Healthcare Corporation",
     "Mediso", "CPS", "Bruker BioSpin", "MR Solutions", "Hyperfine"],
)  # fmt: skip
def test_the_manufacturers_that_a_converter_tells_apart_keep_their_names(name: str):
    data = image()
    data.Manufacturer = name
    assert exported(data).Manufacturer == name


def test_what_a_converter_needs_of_ges_pet_stays():
    data = image()
    block = data.private_block(0x0009, "GEMS_PETD_01", create=True)
    block.add_new(0x3A, "FL", 4.5)
    block.add_new(0x8F, "FL", 3.0)
    block.add_new(0x05, "DT", "20240501130743.00")
    kept = exported(data).private_block(0x0009, "GEMS_PETD_01")
    assert (kept[0x3A].value, kept[0x8F].value) == (4.5, 3.0)
    assert 0x05 not in kept
