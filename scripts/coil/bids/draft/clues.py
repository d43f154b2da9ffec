"""What words in a series' name say of it: tables of clues, the more telling ones first.

The words are those of the vendors' own protocols (Siemens, GE, Philips, UIH, Canon) and of
large studies (HCP, ABCD, ADNI, UK Biobank). A name is compared after `normal`, where `_`
stands around each word: `_t1_mprage_sag_`.
"""

import re
from dataclasses import dataclass

from coil.bids.mapping.rules import TODO

_CAMEL = re.compile(r"(?<=[a-z])(?=[A-Z][a-z])")
_OTHER = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True)
class Clue:
    """A pattern of words, and what it says: a target, or why such series are left out.

    Not `sure`, if somebody should look at it before it is believed.
    """

    pattern: re.Pattern[str]
    to: str = ""
    ignore: str = ""
    sure: bool = True

    def word(self, name: str) -> str:
        """The words of a normal name that fit; "" where none do."""
        found = self.pattern.search(name)
        return found[0].strip("_") if found else ""


def normal(text: str) -> str:
    """A name in lower case with `_` around each word.

    >>> normal("SpinEchoFieldMap_AP"), normal("T2* (SWI)")
    ('_spin_echo_field_map_ap_', '_t2star_swi_')
    """
    starred = re.sub(r"(?i)\b([tr]2)\s?\*", r"\1star_", text)
    return f"_{_OTHER.sub('_', _CAMEL.sub('_', starred).lower()).strip('_')}_"


def _clue(
    words: str, to: str = "", *, ignore: str = "", decide: str = "", sure: bool = True
) -> Clue:
    r"""A clue by whole words: regular expressions, in which \w goes no further than the word.

    `decide` says what a person has to decide of a series that is ignored for now.
    """
    pattern = "|".join(words.split()).replace(r"\w", "[a-z0-9]")
    ignore = f"{TODO}{decide}" if decide else ignore
    return Clue(re.compile(f"_(?:{pattern})(?=_)"), to, ignore, sure and not decide)


REPORT = "a report, no images"
PLANNING = "planning scan"
CALIBRATION = "calibration of coils or shim"
COMPUTED = "computed by the scanner"

ASIDE = (
    _clue(
        r"""phoenix\w* \w*zipreport (?:exam|patient|dose)_(?:\w+_)*(?:report|protocol|info\w*)
        screen_?(?:save|shot|capture)s? screensave\w* protocol_page report key_images? kos
        presentation_state summary_page exam_?card""",
        ignore=REPORT,
    ),
    _clue(
        r"""\w*locali[sz]er\w* \w*scouts? locator loc (?:3|three|tri)_?(?:plane|pl) surveys?
        \w*survey aa_?head\w* smart_?brain\w* pilot plan(?:ning)?(?:_?scan)? \w*_setter tracker
        positioning""",
        ignore=PLANNING,
    ),
    _clue(
        r"""calibrations? cal(?:_scan)? asset \w*prescan\w* shim\w* ref(?:erence)?_?scan map_scan
        (?:sense|coil|clear|array)_?(?:ref\w*|sens\w*|map\w*|cal\w*|survey) ref_\d+ch\w*
        ref_(?:head|body)\w* speeder\w* adjust\w* noise quick_?cal bias_(?:\d+ch|bc|hc)\w*""",
        ignore=CALIBRATION,
    ),
    _clue(
        r"""svs\w* \w*press(?:_?\d+)? steam\w* csi \w*spectro\w* mrsi? mega\w* s?laser hermes
        probe""",
        ignore="spectroscopy: spectra, no images",
    ),
    _clue(r"mrac\w* \w*_umap umap\w* mu_?map ute zte", ignore="attenuation map for PET"),
)

PHYSIO = _clue(r"physio_?logs? physio\w*_log", "func/physio")

PET = _clue(r"pet\w* fdg\w* pib av45 \w*florbeta\w* \w*flortau\w* ac nac amyloid tau", "pet/pet")

DERIVED = (
    _clue(r"mo_?co_?series motion_correct\w*", ignore=COMPUTED),
    _clue(
        r"""[ed]?adc\w* exp_?adc average_?dc tracew\w* col(?:or)?_?fa tensor\w* fractional_ani\w*
        isotropic\w* apparent_diff\w* d?fiber\w* mean_diff\w* d?reg (?:fa|md)_(?:\w+_)*(?:dti|dwi)
        (?:dti|dwi|diff\w*)_(?:\w+_)*(?:fa|md|ra|rd|trace)(?=_$)""",
        ignore=COMPUTED,
    ),
    _clue(
        r"""mean_(?:and_)?t_maps? eva_?series\w* start_?fmri glm\w* [tz]_?maps? design_?matrix
        t_test\w* corr\w*_maps? activation\w* brain_?wave\w* neuro_?3d\w*""",
        ignore=COMPUTED,
    ),
    _clue(
        r"""(?:rel_?|r)?(?:cbf|cbv|mtt|ttp|pbp|tmax|ktrans) cerebral_blood_\w+ transit_delay\w*
        perfusion_?weighted pwi?_maps? mean_?perf\w*""",
        ignore=COMPUTED,
    ),
    _clue(
        r"""mpr_range\w* mprs?_thick (?:mprage|bravo|spgr|space|cube)\w*_(?:\w+_)*mprs?
        (?:thick_?|thin_?)?m?_?min_?ips? mips? reformat\w* pjn\w* proj(?:ection)?s? col
        sub(?:traction)? subtract\w* processed fus(?:ed|ion) vrt filt_pha\w* radial\w*
        collapse\w*""",
        ignore=COMPUTED,
    ),
    _clue(
        r"""(?:t[12]|t2star|r[12]|r2star|pd|mtr|mtsat)_?(?:images|maps?) synthetic\w* syn
        (?:chi|sus\w*)_?maps?""",
        ignore=COMPUTED,
    ),
    _clue(
        r"swi_images? swan\w* swip fsbb\w* swi(?=_$) swi_(?:\w+_)+swi(?=_$)",
        ignore="susceptibility-weighted images, computed of others; BIDS has no name for them",
    ),
)

B1 = (
    _clue(r"\w*tfl_?b1\w* b1_?map\w*_(?:\w+_)*tfl\w*", "fmap/TB1TFL", sure=False),
    _clue(r"afi actual_flip\w*", "fmap/TB1AFI", sure=False),
    _clue(
        r"b1(?:_?plus|_?maps?)? \w+b1maps? dream bloch_siegert\w* sa2rage\w* flip_?angle_?map\w*",
        decide="a map of B1; take the suffix TB1... of its method, or leave it out",
    ),
)
PEPOLAR = _clue(
    r"""spin_?echo_?field_?maps? se_?field_?maps?\w* se_?epi\w* \w+_se_epi se_?fmap\w* epi_se
    dist(?:ortion)?_?(?:map|corr?\w*|scan)? distortion\w* top_?up\w* blip\w* pe_?polar\w*
    rev(?:erse)?d?_?(?:pe|pol\w*|phase\w*|blip|b0|epi|enc\w*) pe_?rev\w* rpe
    opp(?:osite)?_?(?:pe|phase)\w*
    (?:fmri|epi|bold|dwi|dti|dmri|diffusion)_?(?:fmap|fm|field_?map)s?"""
)
GRE = _clue(
    r"""\w*field_?map\w* b0_?maps?\w* b0_?field\w* b0_?mapping \w*fmap\w* gre_?fm fm_gre
    delta_?te phase_?map\w*"""
)
SBREF = _clue(r"sb_?ref\w* single_?band_?ref\w*")
M0 = _clue(r"m0 m_?0_?(?:scan|cal\w*|image|ref) m_?zero asl_?(?:cal\w*|ref\w*|m0\w*)")
ASL = _clue(r"\w*asl asl\w* \w*casl\w* \d?d?pasl\w* arterial_?spin\w* spin_label\w* tgse\w*")
DSC = _clue(
    r"dsc\w* dce\w* \w*perf\w*_(?:\w+_)*(?:gd|bolus) ep2d_perf\w* bolus\w* fe_epi_perf\w*",
    decide="a bolus passes here (DSC or DCE), for which BIDS has no name yet",
)
VASO = _clue(r"vaso\w*", decide="VASO: blood volume; func/cbv takes the corrected images")
DWI = _clue(
    r"""\w*dwi\w* \w*dti\w* \w*diff \w*diffusion\w* diff\w* d_?mri\w* hardi\w* noddi\w* dsi\w*
    dki\w* mddw\w* resolve\w* csd qsi ivim\w* multi_?shell\w* \d+_?dirs? dirs?_?\d+"""
)
TRACE = _clue(r"\d?scan_?trace\w* trace\w* sdwi b_?\d{3,4}(?:_only)?(?=_$)")
DIRECTIONS = _clue(r"\d+_?dirs? dirs?_?\d+")
VENOGRAM = _clue(r"ven_?(?:o_?)?bold\w*", "anat/T2starw")
FUNC = _clue(
    r"""\w*bold\w* \w*f_?mri\w* \w*rest(?:ing)?\w* rs tasks?\w* func(?:tional)?\w* fe_?epi\w*
    epfid\w* movie\w* eyes_?(?:open|closed) retinotopy prf \w*back\d* stroop flanker sst mid
    gambling relational working_?memory checkerboard finger_?tap\w* breath_?hold\w*"""
)
EPI = _clue(r"\w*epi\w* ep2d\w* cmrr\w* epse\w*")

ANAT = (
    _clue(r"in_?plane_?(?:\w+_)*t1\w* t1\w*_(?:\w+_)*in_?plane", "anat/inplaneT1"),
    _clue(r"in_?plane_?(?:\w+_)*t2\w* t2\w*_(?:\w+_)*in_?plane", "anat/inplaneT2"),
    _clue(r"\w*tof\w* \w*angio\w* mra mrv pca? inhance\w* venogra\w*", "anat/angio"),
    _clue(r"t1_?rho\w*", decide="T1rho; BIDS has a name for its map only"),
    _clue(
        r"""mpm\w* mtflash\w* \w*kp_\w*flash\w* vfa\w* despot\w* mw[if]\w* ihmt\w* mt[wrs]?
        mt_?(?:on|off|sat) qmt\w* cest\w* apt\w* magic\w* qalas\w* mrf\w* fingerprint\w*
        ir_?t1\w* (?:t1|t2)_?mapping molli\w* mdm[ei]\w* fisp\w* trufi\w* ciss\w* fiesta\w*
        fgatir wm_?null\w* neuromelanin\w* nm""",
        decide="a quantitative or unusual contrast; take its suffix, or leave it out",
    ),
    _clue(
        r"stir\w* dir double_inversion\w* dixon\w* ideal\w* spine\w* neck\w* orbit\w* phantom\w*",
        decide="an unusual contrast or region; take its suffix, or leave it out",
    ),
    _clue(
        r"me_?gre\w* multi_?echo_?gre\w* gre_(?:\w+_)*(?:me\d*|multi_?echo) aspire\w* \w*qsm\w* "
        r"gre_?\d+_?echo(?:es)? mgre\w* m_?ffe\w* r2star",
        "anat/MEGRE",
    ),
    _clue(
        r"""mese\w* multi_?echo_(?:\w+_)*(?:t2\w*|se|grase) t2\w*_(?:\w+_)*multi_?echo \w*grase\w*
        pd_?t2\w* t2_?pd\w* pdw?_(?:and_|plus_)?t2\w* dual_?(?:echo|tse|fse)""",
        "anat/MESE",
    ),
    _clue(r"swi\w* \w*swi3d\w* susc\w*", "anat/T2starw", sure=False),
    _clue(r"mag_images? pha_images?", "anat/T2starw"),
    _clue(
        r"""t2_?star\w* t2s\w* \w*hemo\w* medic\w* merge\w* fl2d_t2\w*
        t2w?_(?:\w+_)*(?:gre|ffe|fl2d|fl3d)\w* (?:gre|ffe|fl)_?t2\w*""",
        "anat/T2starw",
    ),
    _clue(r"t1w?_?(?:\w+_)*(?:flair|tirm)\w* t1flair\w*", "anat/T1w"),
    _clue(
        r"\w*flair\w* dark_?fluid\w* \w*tirm\w* spc_?ir\w* space_?ir\w* vista_?ir da_?fl",
        "anat/FLAIR",
    ),
    _clue(r"pdw?(?:_?tse|_?fse)? proton_?dens\w*", "anat/PDw"),
    _clue(
        r"""\w*mp_?rage\w* \w*bravo\w* \w*spgr\w* mp_?r mdeft\w* t1\w* \w*t1w? \w+t1w\w* tfl\w*
        3d_?tfe\w* gre_fsp\w* vibe\w*""",
        "anat/T1w",
    ),
    _clue(
        r"""t2\w* \w*t2w? \w+t2w\w* spc\w* space\w* cube\w* vista\w* \w*frfse\w* propeller\w*
        blade\w* haste\w* \w*hippo\w* hi_?res_?hp\w* hi_?res_(?:\w+_)*hp""",
        "anat/T2w",
    ),
)
