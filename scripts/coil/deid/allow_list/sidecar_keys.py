"""The sidecar keys that may leave, and what each may hold.

Every key that BIDS 1.11 knows for MRI and PET and that cannot identify, and what dcm2niix adds to
them. What a scanner's operator or a person's data can reach (names, numbers, comments,
descriptions, institutions, stations, serial numbers, times, UIDs) is absent: an unknown key
is removed. A rule takes a value and tells whether it may pass.
"""

from coil.deid.allow_list.sidecar_pet import PET
from coil.deid.allow_list.values import (
    AXIS,
    BIDS_PATH,
    CODES,
    COUNT,
    FACTOR,
    SECONDS,
    SIGNED,
    TOKEN,
    Rule,
    boolean,
    code,
    each,
    either,
    many,
    number,
    one_of,
    points,
    sequence,
    text,
    whole,
    words,
)

MANUFACTURERS = (
    "Bruker Canon GE Hitachi Hyperfine MRSolutions Philips Siemens Toshiba UIH Fujifilm Fonar "
    "Esaote Healthineers Medical Systems Healthcare Imaging United Neusoft AllTech Time SIEMENS "
    "Mediso CPS BioSpin Corporation Solutions"
)
MODELS = (
    "Achieva Aera Allegra Altea Ambition Amira Architect Artist Avanto Biograph BioSpec Brivo "
    "Cima.X Connectom Creator DISCOVERY dStream ECHELON Elition Espree Essenza Evolution Excite "
    "Explorer Fit Flow Free.Max Free.Star Galan GENESIS Gyroscan Harmony HDx HDxt HDxT Hero "
    "Impact Ingenia Intera Investigational Device Lumina MAGNETOM Magnus mMR MultiVa Multiva "
    "OASIS Optima Orian Panorama PET/MR PharmaScan Pioneer Plus Premier Prisma Prodiva Sempra "
    "SIGNA Skyra Sola Sonata Spectra Supria Swoop Symphony Terra Terra.X Titan Trio TrioTim uMR "
    "Vantage Verio Vida Viato Victor Vision Voyager XQ Simulated Simulator"
)
COILS = (
    "Head Neck HeadNeck Body Spine Flex Knee Shoulder Breast Torso Cardiac Coil Coils Multi "
    "Dual Array Matrix Birdcage Transmit Receive TxRx Large Small Loop Brain Channel QBody Quad "
    "SENSE Nova TxRxHead HeadMatrix BodyMatrix NeckMatrix SpineMatrix Surface Volume Split Top "
    "Anterior Posterior HeadSpine NVArray"
)
SOFTWARE = "syngo MR Numaris LX Software release uMR HDx Paravision ParaVision Modus Vantage"
SEQUENCES = (
    "Multiband Gradient Echo Spin EPI Fast Turbo Inversion Recovery Prepared Spoiled Balanced "
    "Steady State Stimulated GRASE RARE SSFP MPRAGE Asymmetric Multi-Echo Multiecho Planar "
    "Spiral Radial Ultrashort Zero Segmented Single-Shot Single Shot Diffusion Magnetization "
    "Fluid Attenuated and with Multi FLASH bSSFP Double Segmented Weighted Arterial Labeling"
)

# Keys of BIDS 1.11 for MRI, by the tables of its schema (sidecars: mri, func, fmap, dwi, asl).
BIDS: dict[str, Rule] = {
    # the scanner
    "Manufacturer": words(MANUFACTURERS),
    "ManufacturersModelName": words(MODELS),
    "MagneticFieldStrength": number(0, 30),
    "ReceiveCoilName": words(COILS),
    "ReceiveCoilActiveElements": text(
        r"[A-Z0-9]{1,4}(-?\d{1,3})?([;, ]+[A-Z0-9]{1,4}(-\d{1,3})?){0,31}"
    ),
    "NumberReceiveCoilActiveElements": COUNT,
    "NumberTransmitCoilActiveElements": COUNT,
    "GradientSetType": words("whole body head insert gradient"),
    "MatrixCoilMode": words("GRAPPA SENSE None Auto Triple Dual CP SMASH mSENSE CAIPIRINHA"),
    "CoilCombinationMethod": words("Adaptive Combine Sum of Squares rSOS"),
    "NonlinearGradientCorrection": boolean,
    "SoftwareVersions": words(SOFTWARE),
    "BodyPart": code,
    # the sequence
    "PulseSequenceType": words(SEQUENCES),
    "ScanningSequence": CODES,
    "SequenceVariant": CODES,
    "ScanOptions": CODES,
    "SequenceName": sequence(r"\*?[A-Za-z][A-Za-z0-9_#]{0,23}"),
    "PulseSequenceDetails": sequence(r"%[A-Za-z]{2,16}%\\[A-Za-z0-9_.-]{1,40}"),
    "MRAcquisitionType": one_of("1D", "2D", "3D"),
    "MTState": boolean,
    "MTOffsetFrequency": SIGNED,
    "MTPulseBandwidth": FACTOR,
    "MTNumberOfPulses": COUNT,
    "MTPulseShape": one_of(
        "HARD", "GAUSSIAN", "GAUSSHANN", "SINC", "SINCHANN", "SINCGAUSS", "FERMI"
    ),
    "MTPulseDuration": SECONDS,
    "SpoilingState": boolean,
    "SpoilingType": one_of("RF", "GRADIENT", "COMBINED"),
    "SpoilingRFPhaseIncrement": number(-360, 360),
    "SpoilingGradientMoment": SIGNED,
    "SpoilingGradientDuration": SECONDS,
    "WaterSuppression": boolean,
    "B0ShimmingTechnique": words("Dynamic shim shimming updating"),
    "B1ShimmingTechnique": words("Dynamic shim shimming universal pulses"),
    "NegativeContrast": boolean,
    "ContrastBolusIngredient": one_of(
        "IODINE", "GADOLINIUM", "CARBON DIOXIDE", "BARIUM", "XENON", "UNKNOWN", "NONE"
    ),
    # space
    "NumberShots": either(COUNT, many(COUNT)),
    "ParallelReductionFactorInPlane": FACTOR,
    "ParallelReductionFactorOutOfPlane": FACTOR,
    "ParallelAcquisitionTechnique": code,
    "PartialFourier": number(0, 1),
    "PartialFourierDirection": code,
    "PhaseEncodingDirection": AXIS,
    "EffectiveEchoSpacing": SECONDS,
    "TotalReadoutTime": SECONDS,
    "MixingTime": SECONDS,
    "TablePosition": many(number(-5000, 5000), (3,)),
    "AnatomicalLandmarkCoordinates": points,
    # time
    "EchoTime": either(SECONDS, many(SECONDS)),
    "EchoTime1": SECONDS,
    "EchoTime2": SECONDS,
    "InversionTime": SECONDS,
    "DwellTime": number(0, 1),
    "SliceTiming": many(SECONDS),
    "SliceEncodingDirection": AXIS,
    "RepetitionTime": SECONDS,
    "RepetitionTimeExcitation": SECONDS,
    "RepetitionTimePreparation": either(SECONDS, many(SECONDS)),
    "VolumeTiming": many(number(-1e6, 1e6)),
    "AcquisitionDuration": SECONDS,
    "FrameAcquisitionDuration": SECONDS,
    "DelayTime": SECONDS,
    "DelayAfterTrigger": SECONDS,
    "NumberOfVolumesDiscardedByScanner": COUNT,
    "NumberOfVolumesDiscardedByUser": COUNT,
    "FlipAngle": either(number(0, 360), many(number(0, 360))),
    "MultibandAccelerationFactor": FACTOR,
    # the task
    "TaskName": text(r"[0-9A-Za-z][0-9A-Za-z _-]{0,47}"),
    "CogAtlasID": text(r"https?://www\.cognitiveatlas\.org/task/id/trm_[0-9a-f]+/?", digits=16),
    "CogPOID": text(r"https?://[a-z./]*CogPO[A-Za-z0-9_.#/]*"),
    # field maps
    "IntendedFor": either(BIDS_PATH, many(BIDS_PATH)),
    "B0FieldIdentifier": either(TOKEN, many(TOKEN)),
    "B0FieldSource": either(TOKEN, many(TOKEN)),
    "SkullStripped": boolean,
    "Units": one_of(
        "Hz", "rad/s", "T", "s", "ms", "arbitrary", "uT", "mT", "Bq/mL", "kBq/mL", "BQML"
    ),
    # diffusion
    "MultipartID": TOKEN,
    "SmallDelta": either(SECONDS, many(SECONDS)),
    "BigDelta": either(SECONDS, many(SECONDS)),
    # arterial spin labelling
    "ArterialSpinLabelingType": one_of("CASL", "PCASL", "PASL"),
    "AcquisitionVoxelSize": many(number(0, 1000), (3,)),
    "BackgroundSuppression": boolean,
    "BackgroundSuppressionNumberPulses": COUNT,
    "BackgroundSuppressionPulseTime": many(SECONDS),
    "BolusCutOffDelayTime": either(SECONDS, many(SECONDS)),
    "BolusCutOffFlag": boolean,
    "BolusCutOffTechnique": one_of("QUIPSS", "QUIPSSII", "Q2TIPS"),
    "CASLType": one_of("single-coil", "double-coil"),
    "LabelingDistance": SIGNED,
    "LabelingDuration": either(SECONDS, many(SECONDS)),
    "LabelingEfficiency": number(0, 1),
    "LabelingOrientation": many(SIGNED),
    "LabelingPulseAverageB1": FACTOR,
    "LabelingPulseAverageGradient": FACTOR,
    "LabelingPulseDuration": FACTOR,
    "LabelingPulseFlipAngle": number(0, 360),
    "LabelingPulseInterval": FACTOR,
    "LabelingPulseMaximumGradient": FACTOR,
    "LabelingSlabThickness": FACTOR,
    "LookLocker": boolean,
    "M0Estimate": FACTOR,
    "M0Type": one_of("Separate", "Included", "Estimate", "Absent"),
    "PASLType": one_of("FAIR", "FAIR QII", "PICORE", "EPISTAR", "FAIREST"),
    "PCASLType": one_of("balanced", "unbalanced"),
    "PostLabelingDelay": either(SECONDS, many(SECONDS)),
    "TotalAcquiredPairs": COUNT,
    "VascularCrushing": boolean,
    "VascularCrushingVENC": either(FACTOR, many(FACTOR)),
}

# Keys that dcm2niix adds (its nii_dicom_batch.cpp), as far as they describe the measurement.
DCM2NIIX: dict[str, Rule] = {
    "ConversionSoftware": one_of("dcm2niix"),
    "ConversionSoftwareVersion": text(r"v\d\.\d\.\d{8}( [A-Za-z0-9.() :-]{0,40})?", digits=8),
    "Modality": one_of("MR", "PT"),
    "ImageType": many(code, range(1, 20)),
    "ImageTypeText": many(code, range(1, 20)),
    "ImagingFrequency": number(0, 2000),
    "PatientPosition": text(r"[A-Z]{2,4}"),
    "SeriesNumber": COUNT,
    "AcquisitionNumber": COUNT,
    "EchoNumber": COUNT,
    "NumberOfAverages": FACTOR,
    "NumberOfExcitations": FACTOR,
    "SliceThickness": number(0, 1000),
    "SpacingBetweenSlices": number(-1000, 1000),
    "SAR": number(0, 1000),
    "TxRefAmp": FACTOR,
    "ShimSetting": many(SIGNED, range(1, 40)),
    "CoilString": words(COILS),
    "TransmitCoilName": words(COILS),
    "InternalPulseSequenceName": one_of("EPI", "EPI2"),
    "PulseSequenceName": sequence(r"\*?[A-Za-z][A-Za-z0-9_#]{0,23}"),
    "DiffusionScheme": one_of("Bipolar", "Monopolar"),
    "DiffGradientCyclingGE": one_of("2TR", "3TR", "ALLTR", "OVERRIDE", "SPOFF"),
    "NumberOfDiffusionDirectionGE": COUNT,
    "NumberOfDiffusionT2GE": COUNT,
    "TensorFileNumberGE": COUNT,
    "PhaseEncodingAxis": AXIS,
    "PhaseEncodingPolarityGE": one_of("Flipped", "Unflipped"),
    "InPlanePhaseEncodingDirectionDICOM": one_of("COL", "ROW"),
    "ImageOrientationPatientDICOM": many(number(-1, 1), (6,)),
    "ImageOrientationText": text(r"(Sag|Cor|Tra|[<>(). \d-]){1,24}"),
    "PartialFourierEnabled": one_of("YES", "NO"),
    "RawImage": boolean,
    "DeepLearning": boolean,
    "VariableFlipAngleFlag": boolean,
    "WaterSuppressed": boolean,
    "ResonantNucleus": many(text(r"\d{1,3}[A-Z][a-z]?"), range(1, 4)),
    "SpectrometerFrequency": many(number(0, 2000), range(1, 4)),
    "SpectralWidth": FACTOR,
    "PhilipsRWVSlope": SIGNED,
    "PhilipsRWVIntercept": SIGNED,
    "PhilipsRescaleSlope": SIGNED,
    "PhilipsRescaleIntercept": SIGNED,
    "PhilipsScaleSlope": SIGNED,
    "UsePhilipsFloatNotDisplayScaling": whole(0, 1),
    "Interpolation2D": COUNT,
    "Interpolation3D": COUNT,
    "InitialPostLabelDelay": many(SECONDS),
    "RepetitionTimeInversion": SECONDS,
    "TriggerDelayTime": SECONDS,
    **each(
        FACTOR,
        "AcquisitionMatrixPE AveragesDouble BandwidthPerPixelPhaseEncode BaseResolution "
        "BolusDuration CompressedSensingFactor DerivedVendorReportedEchoSpacing EchoTrainLength "
        "EstimatedEffectiveEchoSpacing EstimatedTotalReadoutTime FrequencyEncodingSteps "
        "MaximumT1Opt MeanGzx10 MultiEchoShots NumRFBlocks NumberOfArms "
        "NumberOfKSpaceTrajectories NumberOfPointsPerArm NumberOfTransients PercentPhaseFOV "
        "PercentSampling PhaseEncodingSteps PhaseEncodingStepsNoPartialFourier "
        "PhaseEncodingStepsOutOfPlane PhaseOversampling PhaseResolution PixelBandwidth "
        "PostInversionDelay RFGap ReconMatrixPE RefLinesPE T1 Tag0 Tag1 Tag2 Tag3 TagDuration "
        "TagPlaneDThickness TagRFDuration TagRFFlipAngle TagRFSeparation "
        "VendorReportedEchoSpacing WaterFatShift",
    ),
    **each(SIGNED, "PhiAdjust TagPlaneSNormalDTra TagPlaneSPositionDTra TagPlaneUlShape"),
}

RULES: dict[str, Rule] = PET | BIDS | DCM2NIIX
