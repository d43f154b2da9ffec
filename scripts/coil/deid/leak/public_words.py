"""Words that anyone may read: where they stand alone they are no leak, even if a patient is
called so.

They are the keys and the vocabularies of sidecars, BIDS's own words, and a short list of names
that people give to phantoms and tests. A word counts only as a whole: "Philip" in "Philips" is
public, "Philip" in "sub-Philip" is not.
"""

from coil.deid.allow_list import sidecar_keys as keys

_BIDS = """
sub ses task acq ce rec dir run mod echo flip inv mt part recording proc space split res den
label desc chunk sample tracksys trc stain voi nuc hemi from to mode
anat func dwi fmap perf eeg meg ieeg beh pet micr motion mrs nirs derivatives rawdata sourcedata
t1w t2w flair t1map t2map t2star t2starw pdw pdt2 inplanet1 inplanet2 angio defacemask mp2rage
unit1 megre mese mpm mtr mts vfa irt1 bold cbv sbref phase events physio stim asl aslcontext
asllabeling m0scan fieldmap magnitude magnitude1 magnitude2 phase1 phase2 phasediff epi tb1map
tb1tfl rb1map rb1cor sessions scans participants json tsv nii bval bvec bids
onset duration trial type trial_type response time response_time value volume_type control deltam
cbf noRF filename acq_time n/a true false null mag imag real rest task
"""
_VOCABULARY = """
original primary derived secondary other none norm magnitude imaginary phase mosaic fmri diffusion
adc tracew trace tensor perfusion subtraction brain head skull neck body whole abdomen knee spine
heart breast chest pelvis orbit extremity axial coronal sagittal localizer scout survey
balanced unbalanced separate included estimate absent combined adaptive combine sum squares
yes no monopolar bipolar flipped unflipped auto sense grappa caipirinha
dcm2niix https cognitiveatlas org id trm customerseq siemensseq serviceseq userseq
hfs hfp ffs ffp row col 1h 23na 31p rad arbitrary picore fair qii quipss quipssii q2tips epistar
"""
_NOBODY = """
test tests testing tester pilot phantom phantoms demo dummy sample example trial patient subject
participant volunteer person human control healthy study project research clinical session visit
baseline scan scans scanner series exam image images imaging data file name unknown anonymous
anonymized anon deidentified removed default none null not available unspecified mri scanner dicom
user admin radiology neuroradiology university hospital
"""

PUBLIC: frozenset[bytes] = frozenset(
    word.lower().encode()
    for text in (
        _BIDS,
        _VOCABULARY,
        _NOBODY,
        keys.MANUFACTURERS,
        keys.MODELS,
        keys.COILS,
        keys.SOFTWARE,
        keys.SEQUENCES,
        *keys.RULES,
    )
    for word in text.split()
)
