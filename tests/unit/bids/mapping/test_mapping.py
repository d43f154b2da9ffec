"""A mapping is checked when the config is read, and says what is wrong with which key."""

from typing import Any

import pytest

from coil.bids import names
from coil.bids.mapping.mapping import parse
from coil.bids.mapping.rules import Rule
from coil.bids.series.series import Series
from coil.bids.series.stack import Counted
from coil.errors import ConfigError

T1W = {"match": {"series_description": "mprage"}, "to": "anat/T1w"}
REST = {
    "match": {"series_description": "rest"},
    "to": "func/bold",
    "entities": {"task": "rest"},
}


def taken(match: dict[str, Any], series: Series) -> bool:
    mapping = parse([{"match": match, "ignore": "test"}])
    return bool(mapping.matches(series))


def scan(**fields: Any) -> Series:
    return Series(scan="1", folder="series/001", **fields)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"to": "anat/T1W"}, "bids.mapping[1].to: `anat/T1W` is not in BIDS"),
        ({"to": "brain/T1w"}, "bids.mapping[1].to: `brain/T1w` is not in BIDS"),
        ({"entities": {"task": "a-b"}}, "bids.mapping[1].entities.task: task takes letters"),
        ({"entities": {"task": "x", "run": "a"}}, "entities.run: run takes digits only"),
        ({"entities": {"task": "x", "inv": "1"}}, "entities.inv: func/bold takes task"),
        ({"entities": {"task": "x", "sub": "1"}}, "entities.sub: func/bold takes"),
        ({"entities": {"task": "{name}"}}, "entities.task: no regular expression of this rule"),
        ({"entities": {"task": "{"}}, "entities.task: no regular expression of this rule"),
        ({"entities": {}}, "bids.mapping[1].entities: func/bold needs task"),
        ({"match": {}}, "bids.mapping[1].match: is empty"),
        ({"match": {"series_description": "("}}, "match.series_description: not a regular"),
        ({"match": {"description": "x"}}, "match.description: unknown key"),
        ({"match": {"volumes": {"least": 3}}}, "match.volumes.least: unknown key"),
        ({"match": {"phase_encoding": "k"}}, "bids.mapping[1].match.phase_encoding: 'k' is none"),
        ({"match": {"volumes": "many"}}, "bids.mapping[1].match.volumes: 'many' is not a number"),
        ({"expect": {"volumes": {"least": 3}}}, "bids.mapping[1].expect.volumes.least: unknown"),
        ({"match": {"any": []}}, "bids.mapping[1].match.any: takes a list of conditions"),
        ({"match": {"any": [{"nota": "x"}]}}, "bids.mapping[1].match.any[0].nota: unknown key"),
        ({"match": {"not": {"all": [{"note": "("}]}}}, "match.not.all[0].note: not a regular"),
        ({"match": {"note": "{t1}"}}, "bids.mapping[1].match.note: {t1} is no word of bids.syn"),
        ({"colour": "red"}, "bids.mapping[1].colour: unknown key"),
        ({"ignore": "why"}, "bids.mapping[1].to: a rule has either `to` or `ignore`"),
        ({"duplicates": "first"}, "bids.mapping[1].duplicates: is one of fail, runs, last"),
        ({"supplement": {"EchoTim": 1}}, "supplement.EchoTim: BIDS knows no sidecar key"),
        ({"events": {"file": "x"}}, "bids.mapping[1].events.resource: name the resource"),
        ({"aslcontext": ["label"]}, "bids.mapping[1].aslcontext: only perf/asl"),
        ({"b0": "a b"}, "bids.mapping[1].b0: takes names"),
        ({"b0": {"source": ["a", "1"]}}, "bids.mapping[1].b0.source: takes names"),
        ({"b0": {"for": "a"}}, "bids.mapping[1].b0.for: unknown key; it takes identifier, source"),
    ],
)
def test_a_broken_rule_is_named_with_its_key(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse([T1W, REST | change])
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_an_ignored_series_has_nothing_to_name() -> None:
    with pytest.raises(ConfigError, match=r"entities: means nothing for a series that is ignored"):
        parse([{"match": {"note": "x"}, "ignore": "why", "entities": {"task": "rest"}}])


def test_a_rule_with_neither_target_nor_reason_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"\[0\]\.to: a rule has either"):
        parse([{"match": {"note": "x"}}])


@pytest.mark.parametrize(
    ("match", "fields"),
    [
        ({"series_description": "(?i)MPRAGE"}, {"series_description": "t1_mprage_sag"}),
        ({"protocol_name": "^fMRI$"}, {"protocol_name": "fMRI"}),
        ({"scan_type": "localizer"}, {"type": "localizer"}),
        ({"quality": "unusable"}, {"quality": "unusable"}),
        ({"image_type": "m"}, {"image_type": ("ORIGINAL", "PRIMARY", "M")}),
        ({"image_type": ["M", "NORM"]}, {"image_type": ("ORIGINAL", "M", "NORM")}),
        ({"echo_time": 30}, {"echo_times": (30.001,)}),
        ({"echo_time": {"min": 10, "max": 13}}, {"echo_times": (10.0, 12.46)}),
        ({"repetition_time": {"max": 1000}}, {"repetition_time": 800.0}),
        ({"volumes": {"min": 10}}, {"counted": Counted(200, 30)}),
        ({"slices": 30, "volumes": 200}, {"counted": Counted(200, 30)}),
        ({"echoes": 3}, {"counted": Counted(200, 30, 3)}),
        ({"rows": 64, "columns": {"max": 64}}, {"rows": 64, "columns": 64}),
        ({"phase_encoding": "j-"}, {"phase_encoding": ("COL", "j-", "AP")}),
        ({"phase_encoding": "COL"}, {"phase_encoding": ("COL",)}),
        ({"b_values": {"min": 500}}, {"weighted": frozenset({0.0, 1000.0})}),
        ({"b_values": {"max": 0}, "not": {"b_values": {"min": 1}}}, {"weighted": frozenset({0.0})}),
        ({"inversion_time": {"max": 1000}}, {"inversion_time": 900.0}),
        ({"station": "3T", "sop_class": "^MR Image"}, {"station": "3T2", "sop_class": "MR Image"}),
        ({"files": 12}, {"files": 12}),
    ],
)
def test_a_rule_takes_what_it_describes(match: dict[str, Any], fields: dict[str, Any]) -> None:
    assert taken(match, scan(**fields))


@pytest.mark.parametrize(
    ("match", "fields"),
    [
        ({"series_description": "MPRAGE"}, {"series_description": "t1_mprage_sag"}),
        ({"protocol_name": "fMRI"}, {}),
        ({"image_type": ["M", "NORM"]}, {"image_type": ("ORIGINAL", "M")}),
        ({"echo_time": 30}, {"echo_times": (31.0,)}),
        ({"echo_time": 30}, {}),
        ({"flip_angle": {"min": 10}}, {"flip_angle": 9.0}),
        ({"volumes": {"min": 10}}, {"counted": Counted(None, None)}),
        ({"files": 1000}, {"files": 1001}),
        ({"phase_encoding": "j-"}, {"phase_encoding": ("COL",)}),
        ({"b_values": {"min": 1}}, {"weighted": frozenset()}),
        ({"series_description": "a", "note": "b"}, {"series_description": "a"}),
    ],
)
def test_a_rule_leaves_what_it_does_not(match: dict[str, Any], fields: dict[str, Any]) -> None:
    assert not taken(match, scan(**fields))


def test_the_highest_priority_takes_a_series() -> None:
    rules = [T1W, T1W | {"entities": {"acq": "sag"}, "priority": 1}]
    found = parse(rules).matches(scan(series_description="mprage_sag"))
    assert [match.rule.index for match in found] == [1]


def test_named_groups_fill_entities_with_letters_and_digits_only() -> None:
    rule = {
        "match": {"protocol_name": "task-(?P<task>[^_]+)", "series_description": "(?P<dir>AP|PA)"},
        "to": "func/bold",
        "entities": {"task": "{task}", "dir": "{dir}"},
    }
    series = scan(protocol_name="task-face match_2", series_description="ep2d_PA")
    (match,) = parse([rule]).matches(series)
    assert match.rule.name(match.groups, "a", "b") == "func/sub-a_ses-b_task-facematch_dir-PA_bold"


def test_a_group_that_took_no_part_leaves_its_entity_out() -> None:
    rule = {
        "match": {"series_description": "mprage(_(?P<acq>sag))?"},
        "to": "anat/T1w",
        "entities": {"acq": "{acq}"},
    }
    (match,) = parse([rule]).matches(scan(series_description="mprage"))
    assert match.rule.name(match.groups, "a", "b") == "anat/sub-a_ses-b_T1w"


def test_what_only_a_header_knows_stays_open_for_a_listed_series() -> None:
    rule = {"match": {"series_description": "gre", "image_type": "P"}, "to": "fmap/phasediff"}
    (match,) = parse([rule]).matches(Series(scan="1", listed=True, series_description="gre"))
    assert match.open == {"image_type"}


@pytest.mark.parametrize(
    ("match", "description", "groups"),
    [
        ({"any": [{"series_description": "a"}, {"note": "x"}]}, "a", {}),
        ({"any": [{"series_description": "(?P<task>b)"}, {"note": "x"}]}, "b", {"task": "b"}),
        ({"all": [{"series_description": "a"}, {"series_description": "b"}]}, "ab", {}),
        ({"not": {"series_description": "a"}}, "b", {}),
        ({"series_description": "a", "not": {"any": [{"note": "x"}, {"quality": "x"}]}}, "a", {}),
        ({"series_description": "^{t1}"}, "MP-RAGE", {}),
    ],
)
def test_conditions_may_be_nested(
    match: dict[str, Any], description: str, groups: dict[str, str]
) -> None:
    mapping = parse([{"match": match, "ignore": "x"}], synonyms={"t1": "mprage|MP-?RAGE"})
    (found,) = mapping.matches(scan(series_description=description))
    assert found.groups == groups


@pytest.mark.parametrize(
    ("match", "taken"),
    [
        ({"series_description": "swi", "image_type": "SWI"}, True),
        ({"any": [{"series_description": "swi"}, {"image_type": "SWI"}]}, True),
        ({"any": [{"series_description": "swi"}, {"image_type": "MINIP"}]}, False),
        ({"series_description": "swi", "not": {"image_type": "MINIP"}}, False),
    ],
)
def test_what_the_scanner_computed_is_taken_where_its_image_type_is_asked_for(
    match: dict[str, Any], taken: bool
) -> None:
    mapping = parse([{"match": match, "to": "anat/T2starw"}])
    series = scan(series_description="swi", image_type=("DERIVED", "PRIMARY", "SWI"))
    assert bool(mapping.matches(series)) == taken


def test_a_rule_may_be_for_certain_series_only() -> None:
    mapping = parse([]).with_rules([Rule(0, only=frozenset({"series/001"}), ignore="x")])
    assert mapping.matches(scan())
    assert not mapping.matches(Series(scan="1", folder="series/002"))
    assert not mapping.matches(Series(scan="1", listed=True))


def test_the_digest_tells_mappings_apart_and_nothing_else() -> None:
    reordered = {key: REST[key] for key in reversed(REST)}
    assert parse([T1W, REST]).digest == parse([T1W, reordered]).digest
    assert parse([T1W, REST]).digest != parse([REST, T1W]).digest


@pytest.mark.parametrize(
    ("to", "given", "identifier", "source"),
    [
        ("fmap/epi", "pepolar", ("pepolar",), ()),
        ("func/bold", ["gre", "pepolar"], (), ("gre", "pepolar")),
        ("func/bold", {"identifier": "own", "source": "own"}, ("own",), ("own",)),
        ("func/bold", None, (), ()),
    ],
)
def test_a_name_of_b0_alone_says_what_a_field_map_is_for_or_what_corrects_a_series(
    to: str, given: Any, identifier: tuple[str, ...], source: tuple[str, ...]
) -> None:
    raw = {"match": {"series_description": "x"}, "to": to, "entities": {"dir": "AP"}}
    if to == "func/bold":
        raw["entities"]["task"] = "rest"
    (rule,) = parse([raw | ({"b0": given} if given else {})]).rules
    assert (rule.b0.identifier, rule.b0.source) == (identifier, source)


def test_a_synonym_may_have_flags_of_its_own() -> None:
    rule = {"match": {"series_description": "^{t1}_A$"}, "to": "anat/T1w"}
    (compiled,) = parse([rule], synonyms={"t1": "(?i)mprage|tfl"}).rules
    takes = [
        compiled.match(Series(scan="1", folder="f", series_description=text)) is not None
        for text in ("MPRAGE_A", "Tfl_A", "mprage_a")
    ]
    assert takes == [True, True, False]


NAMED: list[tuple[str, dict[str, Any]]] = [
    ("anat/MP2RAGE", {"inv": 1, "part": "phase", "chunk": 2}),
    ("anat/UNIT1", {"acq": "den"}),
    ("anat/MESE", {}),
    ("anat/MEGRE", {"part": "mag"}),
    ("anat/VFA", {"flip": 3}),
    ("anat/IRT1", {"inv": 400}),
    ("anat/MPM", {"flip": 1, "mt": "on"}),
    ("anat/MTR", {"mt": "off"}),
    ("anat/T2starw", {"part": "phase", "chunk": "auto"}),
    ("anat/PDT2", {}),
    ("anat/angio", {"ce": "gadolinium"}),
    ("anat/T1map", {}),
    ("fmap/TB1TFL", {"acq": "famp"}),
    ("fmap/TB1map", {}),
    ("fmap/epi", {"dir": "AP"}),
    ("fmap/fieldmap", {}),
    ("fmap/magnitude", {}),
    ("fmap/magnitude1", {}),
    ("fmap/phase", {}),
    ("fmap/phase1", {}),
    ("fmap/phase2", {}),
    ("fmap/phasediff", {"run": "auto"}),
    ("func/sbref", {"task": "x", "dir": "PA"}),
    ("func/cbv", {"task": "x"}),
    ("perf/asl", {"dir": "AP"}),
    ("perf/m0scan", {}),
    ("dwi/sbref", {"part": "phase"}),
    ("pet/pet", {"trc": "FDG", "rec": "acdyn"}),
    ("mrs/svs", {"voi": "PCC", "nuc": "1H"}),
]


@pytest.mark.parametrize(("to", "entities"), NAMED)
def test_every_raw_image_of_bids_can_be_named(to: str, entities: dict[str, Any]) -> None:
    parse([{"match": {"note": "x"}, "to": to, "entities": entities}])


@pytest.mark.parametrize(
    ("to", "entities", "message"),
    [
        ("anat/VFA", {"inv": 1}, "entities.inv: anat/VFA takes"),
        ("anat/MPM", {"flip": 1}, "entities: anat/MPM needs mt"),
        ("anat/MTR", {"mt": "yes"}, "entities.mt: mt is one of off, on"),
        ("anat/UNIT1", {"inv": 1}, "entities.inv: anat/UNIT1 takes"),
        ("anat/swi", {}, "to: `anat/swi` is not in BIDS"),
        ("fmap/phasediff", {"dir": "AP"}, "entities.dir: fmap/phasediff takes"),
        ("pet/pet", {"echo": 1}, "entities.echo: pet/pet takes"),
        ("perf/asl", {"task": "rest"}, "entities.task: perf/asl takes"),
    ],
)
def test_a_name_that_bids_does_not_have_is_refused_by_its_key(
    to: str, entities: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        parse([{"match": {"note": "x"}, "to": to, "entities": entities}])
    assert f"bids.mapping[0].{message}" in str(caught.value)


def test_each_kind_of_image_takes_exactly_the_entities_of_the_schema() -> None:
    values = {name: min(one.values, default="1") for name, one in names.entities().items()}
    for (datatype, suffix), kind in names.kinds().items():
        needed = kind.required - {"sub", "ses"}
        given = {"match": {"note": "x"}, "to": f"{datatype}/{suffix}"}
        parse([given | {"entities": {key: values[key] for key in kind.allowed - {"sub", "ses"}}}])
        parse([given | {"entities": {key: values[key] for key in needed}}])
        for key in needed - names.SPLIT_BY_CONVERTER:
            with pytest.raises(ConfigError, match=f"needs {key}"):
                parse([given | {"entities": {other: values[other] for other in needed - {key}}}])
        for key in set(values) - kind.allowed:
            with pytest.raises(ConfigError, match=rf"entities\.{key}: {datatype}/{suffix} takes"):
                parse([given | {"entities": {key: values[key]}}])
