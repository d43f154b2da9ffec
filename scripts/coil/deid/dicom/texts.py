"""The texts that stay, and the words that they may say. All other texts are removed.

What a vendor or a standard chose is told from what people write by its form: a list of words,
a name of a sequence, a version. The words of the scanners are those of
`coil.deid.allow_list.sidecar_keys`.
"""

import re

from coil.deid.allow_list import sidecar_keys as keys
from coil.deid.dicom import private, values
from coil.deid.dicom.values import Rule


def _pattern(text: str) -> Rule:
    compiled = re.compile(text)
    return lambda value: bool(compiled.fullmatch(value))


_WORDS = """
Normalized Unspecified User defined Algo1 Algo2 LINEAR SIGMOID Window Width Center Real World
Value Mapping for US
"""
_SCHEMES = ("DCM", "SCT", "SRT", "UCUM", "SNM3", "99SDM", "NCIt", "UNDEFINED")
_LABELLING = "pseudo continuous pulsed ASL (EP2D) (GRASE) (TGSE) PASL PCASL multi single delay"
_SEQUENCE = keys.sequence(r"[A-Za-z_*#%\\][A-Za-z0-9_*#%.\\/ -]{0,31}")
_UNITS = keys.words("normalized milliseconds HU OD MGML Z_EFF ED EDW HU_MOD PCT unitless Hz rad")
# The date is that of the software.
_VERSION = _pattern(r"N\d_V[A-Z]\d\d[A-Z]_LATEST_20\d{6}(_P\d{1,2})?")
_LABELS = """
Private ImageTypeMR Scanning Sequence Diffusion Gradient Orientation b-Value Direction In-Stack
In Stack Position Number ID Temporal Index Effective Echo Time Trigger Delay Frame Type Plane
Slice Location Cardiac Cycle Contrast Bolus Agent Phase Image User Inversion Repetition Flip
Angle Dimension Label
"""
_PET = """
measured slice none calculated Model-based RAMLA OSEM 3D 2D OP PSF TOF FBP Convolution DLYD SING
CT-based MR-based segmented subtraction dual energy window AC Dixon UTE HiRes Randoms Smoothing
Kinahan Rogers VPFX VPHD VPFXS Q.Clear BLOB LOR Filtered Backprojection relative absolute
"""
_TRACERS = """
FDG Fluorodeoxyglucose Florbetapir Florbetaben Flutemetamol Flortaucipir Amyvid Pittsburgh PiB
Raclopride DOPA FET Methionine Water Ammonia Rubidium Carbon Fluorine Oxygen Nitrogen Gallium
^18^Fluorine ^11^Carbon ^15^Oxygen ^13^Nitrogen ^68^Gallium ^82^Rubidium [18F] [11C] Solution
"""
TEXTS: dict[str, Rule] = {
    "Manufacturer": keys.words(keys.MANUFACTURERS),
    "ManufacturerModelName": keys.words(keys.MODELS),
    "SoftwareVersions": keys.either(keys.words(keys.SOFTWARE), _VERSION),
    "SequenceName": _SEQUENCE,
    "PulseSequenceName": _SEQUENCE,
    "ReceiveCoilName": keys.words(keys.COILS),
    "TransmitCoilName": keys.words(keys.COILS),
    "ReceiveCoilManufacturerName": keys.words(keys.MANUFACTURERS),
    "TransmitCoilManufacturerName": keys.words(keys.MANUFACTURERS),
    "MultiCoilElementName": keys.words(keys.COILS),
    "MultiCoilConfiguration": _pattern(private.TEXTS["coils"].pattern),
    "MetaboliteMapDescription": keys.words("WATER FAT NAA CHOLINE CREATINE LIPID LACTATE"),
    "ASLTechniqueDescription": keys.words(_LABELLING),
    "ImagedNucleus": _pattern(r"\d{0,3}[A-Z][a-z]?\d{0,3}"),
    "StackID": _pattern(r"\d{1,4}"),
    "RescaleType": _UNITS,
    "LUTExplanation": keys.words(f"{keys.MANUFACTURERS} {_WORDS}"),
    "LUTLabel": keys.words(f"{keys.MANUFACTURERS} {_WORDS}"),
    "WindowCenterWidthExplanation": keys.words(_WORDS),
    "DimensionDescriptionLabel": keys.words(_LABELS),
    "DimensionIndexPrivateCreator": private.is_known,
    "FunctionalGroupPrivateCreator": private.is_known,
    "CodeValue": values.is_code,
    "CodingSchemeDesignator": keys.one_of(*_SCHEMES),
    "CodingSchemeVersion": _pattern(r"[0-9.]{1,4}|20\d{6}"),
    "CodeMeaning": values.is_meaning,
    "ConvolutionKernel": keys.text(r"[A-Za-z][A-Za-z]?\d{0,3}[a-z]?(\\\d)?"),
    "ReconstructionMethod": keys.words(_PET),
    "AttenuationCorrectionMethod": keys.words(_PET),
    "ScatterCorrectionMethod": keys.words(_PET),
    "RandomsCorrectionMethod": keys.words(_PET),
    "Radiopharmaceutical": keys.words(_TRACERS),
    # Scanners that have no place of their own for it: Canon's b-value, CMRR's multiband factor.
    "ImageComments": _pattern(
        r"b=\d{1,5}(\.\d+)?(\([-\d., ]{1,60}\))?|Unaliased MB\d{1,2}(/PE\d{1,2})?(/LB)?( SENSE\d)?"
    ),
}
