import json

import pytest
from bidsschematools.schema import load_schema
from hypothesis import given
from hypothesis import strategies as st

from coil.deid.allow_list.sidecar_keys import BIDS, DCM2NIIX, RULES
from coil.deid.bids.sidecar import clean_sidecar, dump_sidecar

SIDECAR = {
    "Manufacturer": "Siemens",
    "ManufacturersModelName": "MAGNETOM Prisma Fit",
    "DeviceSerialNumber": "67000",
    "InstitutionName": "A Hospital",
    "StationName": "MRC1",
    "PatientName": "Doe^Jane",
    "SeriesDescription": "cmrr_rest",
    "AcquisitionTime": "12:09:05.225000",
    "ImageComments": "moved",
    "SeriesInstanceUID": "1.2.3",
    "ImageType": ["ORIGINAL", "PRIMARY", "M", "ND"],
    "SliceTiming": [0, 0.5, 0.25],
    "RepetitionTime": 2.0,
    "TaskName": "rest",
}
KEPT = [
    "ImageType",
    "Manufacturer",
    "ManufacturersModelName",
    "RepetitionTime",
    "SliceTiming",
    "TaskName",
]

json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
)


def test_only_known_keys_leave_and_the_others_are_named():
    kept, removed = clean_sidecar(SIDECAR)
    assert list(kept) == KEPT
    assert removed == sorted(SIDECAR.keys() - set(KEPT))


def test_the_config_can_let_one_key_through_by_name():
    kept, _ = clean_sidecar(SIDECAR, allow=["SeriesDescription"])
    assert list(kept) == sorted([*KEPT, "SeriesDescription"])


# What names a place or a person, or is prose: it leaves only where the config supplies it.
UNCHECKED = {
    "DeviceSerialNumber",
    "InstitutionName",
    "InstitutionAddress",
    "InstitutionalDepartmentName",
    "StationName",
    "Instructions",
    "TaskDescription",
    "LabelingLocationDescription",
    "AttenuationCorrectionMethodReference",
    "MetaboliteMethod",
    "PlasmaFreeFractionMethod",
    "PharmaceuticalName",
    "PharmaceuticalDoseRegimen",
    "MolarActivityMeasTime",
    "SpecificRadioactivityMeasTime",
    "TubingType",
    "ReconMethodImplementationVersion",
}


def test_every_key_that_bids_wants_beside_an_image_can_leave():
    schema = load_schema()
    wanted = {
        schema.objects.metadata[key].name
        for kind in ("anat", "asl", "dwi", "fmap", "func", "mri", "pet")
        for group in schema.rules.sidecars[kind].values()
        for key, level in group.fields.items()
        if (level if isinstance(level, str) else level.level) in ("required", "recommended")
    }
    assert wanted - RULES.keys() == UNCHECKED


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("TracerName", "FDG"),
        ("TracerRadionuclide", "^18^Fluorine"),
        ("TracerRadionuclide", "C11"),
        ("Radiopharmaceutical", "FDG -- fluorodeoxyglucose"),
        ("InjectedRadioactivity", 370.5),
        ("InjectedRadioactivityUnits", "MBq"),
        ("ModeOfAdministration", "bolus"),
        ("FrameTimesStart", [0, 60, 120]),
        ("ReconMethodName", "Ordinary Poisson - Ordered Subset Expectation Maximization"),
        ("ReconstructionMethod", "OP-OSEM4i21s"),
        ("ReconMethodParameterLabels", ["subsets", "iterations"]),
        ("AttenuationCorrection", "CT-based attenuation correction"),
        ("Units", "Bq/mL"),
        ("TimeZero", "13:04:00"),
    ],
)
def test_the_values_of_pet_leave(key: str, value: object):
    assert clean_sidecar({key: value})[0] == {key: value}


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("TracerName", "for Jane Doe"),
        ("TracerRadionuclide", "F18 of Jane"),
        ("TimeZero", "2024-05-01T13:04:00"),
        ("InjectionStart", "13:04:00"),
        ("AttenuationCorrection", "as Nightingale does it"),
        ("ReconMethodName", "Quillfeather"),
    ],
)
def test_other_values_of_pet_stay_behind(key: str, value: object):
    assert clean_sidecar({key: value})[0] == {}


def test_a_task_name_must_be_the_task_of_the_file():
    assert "TaskName" in clean_sidecar({"TaskName": "rest state"}, task="reststate")[0]
    assert "TaskName" not in clean_sidecar({"TaskName": "Jane"}, task="rest")[0]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("RepetitionTime", "2.0"),
        ("RepetitionTime", -1),
        ("RepetitionTime", float("nan")),
        ("RepetitionTime", True),
        ("SliceTiming", [0, "Jane"]),
        ("SliceTiming", []),
        ("Manufacturer", "Jane Doe"),
        ("ManufacturersModelName", "Prisma of Jane"),
        ("ManufacturersModelName", "Prisma 20310523"),
        ("SoftwareVersions", "patched by Smith"),
        ("SoftwareVersions", "syngo MR 19820304"),
        ("ReceiveCoilName", "Janes_Head_32"),
        ("ImageType", ["ORIGINAL", "Doe^Jane"]),
        ("ImageType", ["ORIGINAL", "19820304"]),
        ("SequenceName", "two words"),
        ("PulseSequenceDetails", "sequence of Jane"),
        ("ConversionSoftwareVersion", "v1.0.20260724 by Jane^Doe"),
        ("IntendedFor", "../../private/link.tsv"),
        ("TablePosition", [0, 0, -1.7e38]),
        ("AnatomicalLandmarkCoordinates", {"Jane": [1, 2, 3]}),
        ("CogAtlasID", "http://www.cognitiveatlas.org/task/id/TODO"),
    ],
)
def test_a_value_that_its_key_cannot_have_does_not_leave(key: str, value: object):
    assert clean_sidecar({key: value}) == ({}, [key])


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("ManufacturersModelName", "Prisma_fit"),
        ("ManufacturersModelName", "DISCOVERY MR750"),
        ("ManufacturersModelName", "Ingenia Elition X"),
        ("ManufacturersModelName", "MAGNETOM Cima.X"),
        ("ManufacturersModelName", "uMR 790"),
        ("SoftwareVersions", "syngo MR XA30"),
        ("SoftwareVersions", "27\\LX\\MR Software release:DV26.0_R01_1725.a"),
        ("SoftwareVersions", "5.7.1\\5.7.1.2"),
        ("ReceiveCoilName", "HeadNeck_64"),
        ("ReceiveCoilActiveElements", "HC1-7;NC1"),
        ("ReceiveCoilActiveElements", "HEA;HEP"),
        ("CoilString", "32Ch Head"),
        ("SequenceName", "*tfl3d1_16ns"),
        ("PulseSequenceDetails", "%CustomerSeq%\\cmrr_mbep2d_bold"),
        ("PulseSequenceType", "Multiband Gradient Echo EPI"),
        ("ScanOptions", "EPI_GEMS\\PFF"),
        ("ScanningSequence", ["EP", "GR"]),
        ("EchoTime1", 0.00492),
        ("FlipAngle", [5, 20]),
        ("IntendedFor", ["bids::sub-a/ses-1/func/sub-a_ses-1_task-rest_bold.nii.gz"]),
        ("IntendedFor", "ses-1/func/sub-a_ses-1_task-rest_bold.nii.gz"),
        ("B0FieldIdentifier", "pepolar_fmap0"),
        ("ConversionSoftwareVersion", "v1.0.20260724"),
        ("ResonantNucleus", ["1H"]),
        ("NonlinearGradientCorrection", False),
        ("AnatomicalLandmarkCoordinates", {"NAS": [127, 213, 139]}),
        ("CogAtlasID", "https://www.cognitiveatlas.org/task/id/trm_4c8a834779883"),
    ],
)
def test_what_scanners_say_of_themselves_leaves(key: str, value: object):
    assert clean_sidecar({key: value}) == ({key: value}, [])


@given(st.dictionaries(st.sampled_from(sorted(RULES)) | st.text(max_size=20), json_values))
def test_cleaning_twice_is_cleaning_once(sidecar: dict):
    kept, _ = clean_sidecar(sidecar)
    assert clean_sidecar(kept) == (kept, [])


@given(st.permutations(list(SIDECAR)))
def test_the_bytes_do_not_depend_on_the_order_of_the_keys(order: list[str]):
    shuffled = {key: SIDECAR[key] for key in order}
    data = dump_sidecar(clean_sidecar(shuffled)[0])
    assert data == dump_sidecar(clean_sidecar(SIDECAR)[0])
    assert json.loads(data) == clean_sidecar(SIDECAR)[0]


def test_no_key_has_two_rules():
    assert not BIDS.keys() & DCM2NIIX.keys()
