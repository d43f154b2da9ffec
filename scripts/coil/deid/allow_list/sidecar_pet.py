"""The sidecar keys of PET that may leave: those of BIDS 1.11, and what dcm2niix adds to them.

Names of tracers that these vocabularies lack pass where the config supplies them.
"""

from coil.deid.allow_list.values import (
    COUNT,
    FACTOR,
    SECONDS,
    Rule,
    boolean,
    each,
    either,
    many,
    number,
    one_of,
    text,
    words,
)

TRACERS = (
    "FDG Fluorodeoxyglucose Fludeoxyglucose Florbetapir Florbetaben Flutemetamol Flortaucipir "
    "Raclopride Fallypride Altanserin Flumazenil DASB Water Ammonia Acetate Choline Methionine "
    "DOPA FDOPA Fluorodopa FET PSMA DOTATATE DOTATOC DOTANOC NaF PIB Rubidium chloride "
    "Cimbi MADAM CUMI PBR28 MK6240 UCBJ UCB-J Solution"
)
RECONSTRUCTIONS = (
    "OSEM OP-OSEM OP OSEM3D PSF TOF TrueX FORE FBP RAMLA LOR-RAMLA BLOB-OS-TF MLEM DIFT 3D-RAMLA "
    "VPFX VPFXS VPHD VPHDS Filtered Back Projection Point-Spread Function Time Of Flight Ordinary "
    "Poisson Ordered Subset Expectation Maximization Line Response Row Action Maximum Likelihood "
    "Kinahan-Rogers VUE Point HD using with modelling regularization smoothing spherically "
    "symmetric basis function + - Q.Clear Gaussian All-pass None XYZ Gauss subsets iterations"
)
_ELEMENTS = "Fluorine|Carbon|Oxygen|Nitrogen|Gallium|Rubidium|Copper|Zirconium|Iodine|Yttrium"
_AMOUNT = either(number(0, 1e12), one_of("n/a"))
_CLOCK = number(-100_000, 100_000)  # seconds from TimeZero
_UNIT = text(r"[A-Za-z0-9/*. ^-]{1,16}")

# A vendor's short name, with its iterations and subsets: OP-OSEM4i21s, PSF+TOF3i21s.
_METHOD = text(
    r"(PSF|TOF|OSEM|3D|OP|TrueX|FBP|RAMLA|LOR|BLOB|OS|TF|VPFX|VPHD|MLEM|S|[ +-]){1,12}"
    r"(\d{1,2}[is]|[is]\d{1,2}){0,2}"
)

# By the tables of the schema (sidecars: pet).
BIDS: dict[str, Rule] = {
    "TracerName": words(TRACERS),
    "TracerRadionuclide": text(
        rf"\^?\d{{1,3}}m?\^?({_ELEMENTS})|[A-Z][a-z]?-?\d{{1,3}}m?|\d{{1,3}}m?-?[A-Z][a-z]?"
    ),
    "TracerRadLex": text(r"RID\d{1,8}", digits=8),
    "TracerSNOMED": text(r"C?-?[0-9A-Z-]{2,12}", digits=12),
    "ModeOfAdministration": one_of("bolus", "infusion", "bolus-infusion"),
    "TimeZero": text(r"([01]\d|2[0-3]):[0-5]\d:[0-5]\d"),  # the waist decides on times of day
    "AcquisitionMode": words("list mode static dynamic gated frame"),
    "AttenuationCorrection": words(
        "measured calculated none CT MR CT-based MR-based MRAC CTAC DIXON UTE ZTE atlas-based "
        "attenuation correction 10-min transmission scan point-source"
    ),
    "ReconMethodName": words(RECONSTRUCTIONS),
    "ReconMethodParameterLabels": many(words(RECONSTRUCTIONS), range(1, 20)),
    "ReconMethodParameterUnits": many(either(_UNIT, one_of("none")), range(1, 20)),
    "ReconMethodParameterValues": many(number(-1e9, 1e9), range(1, 20)),
    "ReconFilterType": either(words(RECONSTRUCTIONS), many(words(RECONSTRUCTIONS), range(1, 10))),
    "ReconFilterSize": either(FACTOR, many(FACTOR, range(1, 10))),
    "InjectedMass": _AMOUNT,
    "SpecificRadioactivity": _AMOUNT,
    "PharmaceuticalDoseAmount": either(FACTOR, many(FACTOR)),
    "PharmaceuticalDoseTime": either(_CLOCK, many(_CLOCK)),
    "FrameTimesStart": many(_CLOCK),
    "FrameDuration": many(SECONDS),
    "ScatterFraction": either(FACTOR, many(FACTOR)),
    **each(
        _UNIT,
        "InjectedMassPerWeightUnits InjectedMassUnits InjectedRadioactivityUnits "
        "InfusionSpeedUnits MolarActivityUnits PharmaceuticalDoseUnits "
        "SpecificRadioactivityUnits TracerMolecularWeightUnits",
    ),
    **each(
        boolean,
        "DispersionCorrected ImageDecayCorrected MetaboliteAvail "
        "MetaboliteRecoveryCorrectionApplied PlasmaAvail WholeBloodAvail",
    ),
    **each(_CLOCK, "ImageDecayCorrectionTime InfusionStart InjectionEnd InjectionStart ScanStart"),
    **each(
        number(0, 1e12),
        "BloodDensity DispersionConstant DoseCalibrationFactor Haematocrit InfusionRadioactivity "
        "InfusionSpeed InjectedMassPerWeight InjectedRadioactivity InjectedVolume MolarActivity "
        "PlasmaFreeFraction Purity TracerMolecularWeight TubingLength WithdrawalRate",
    ),
    **each(
        many(number(0, 1e15)),
        "DecayCorrectionFactor PromptRate RandomRate ScaleFactor SinglesRate",
    ),
}

# Keys that dcm2niix adds.
DCM2NIIX: dict[str, Rule] = {
    "Radiopharmaceutical": words(TRACERS),
    "RadionuclidePositronFraction": number(0, 1),
    "RadionuclideHalfLife": number(0, 1e9),
    "IsotopeHalfLife": number(0, 1e9),
    "DecayCorrection": one_of("NONE", "START", "ADMIN"),
    "DecayFactor": many(FACTOR),
    "FrameReferenceTime": many(_CLOCK),
    "AttenuationCorrectionMethod": BIDS["AttenuationCorrection"],
    "ReconstructionMethod": either(words(RECONSTRUCTIONS), _METHOD),
    "ConvolutionKernel": words(RECONSTRUCTIONS),
    "NumberOfTimeSlices": COUNT,
}

PET: dict[str, Rule] = BIDS | DCM2NIIX
