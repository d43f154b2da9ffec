"""What is settled is decided by content: what is wanted against what an invocation left.

The laws are held on a small world in which sessions, settings, code and files change at random and
jobs fail or are killed: three sessions of two subjects, with a step of each kind.
"""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st

from coil.config.model.main import Retry
from coil.records.memory import MemoryRecord
from coil.run.memory import OWN, Ended, Made, Project, Reason, Recipe
from coil.workspace import PROJECT

SESSIONS = ("sub-a_ses-1", "sub-a_ses-2", "sub-b_ses-1")
# Each step with what it reads: of the archive's listing, and of other steps.
KINDS = {
    "session": {"admit": ((OWN,), ()), "qc": ((), ("admit",)), "push": ((), ("admit", "qc"))},
    "subject": {"mean": ((), ("admit",))},
    PROJECT: {"dataset.json": (("sessions",), ("admit",)), "table": ((), ("qc", "dataset.json"))},
}
STEPS = sorted({step for steps in KINDS.values() for step in steps})
Place = tuple[str, str]


def level(scope: str) -> str:
    return PROJECT if scope == PROJECT else "session" if "_" in scope else "subject"


@dataclass
class World:
    """An archive, a config with its code, a disk, and what an invocation notes of them.

    disk    of each step what it was made from, how it ended, and the sizes of its files
    """

    archive: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SESSIONS, 0))
    rules: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STEPS, 0))
    code: dict[str, int] = field(default_factory=lambda: dict.fromkeys(STEPS, 0))
    disk: dict[Place, tuple[object, Ended, dict[str, int]]] = field(default_factory=dict)
    memory: MemoryRecord = field(default_factory=MemoryRecord)
    kinds: dict[str, dict[str, tuple[tuple[str, ...], tuple[str, ...]]]] = field(
        default_factory=lambda: {name: {**steps} for name, steps in KINDS.items()}
    )

    @property
    def scopes(self) -> list[str]:
        subjects = dict.fromkeys(session.partition("_")[0] for session in self.archive)
        return [*self.archive, *subjects, PROJECT]

    def within(self, scope: str) -> list[str]:
        others = [one for one in self.scopes if one != PROJECT]
        if scope == PROJECT:
            return [*others, scope]
        return [*(one for one in others if one.startswith(f"{scope}_")), scope]

    def project(self, thorough: bool = False) -> Project:
        recipes = {
            scope: {
                step: Recipe(f"r{self.rules[step]}", f"c{self.code[step]}", listed, needs)
                for step, (listed, needs) in self.kinds[level(scope)].items()
            }
            for scope in self.scopes
        }
        listed = {name: str(data) for name, data in self.archive.items()}
        return Project(
            recipes,
            {scope: self.within(scope)[:-1] for scope in self.scopes},
            listed | {"sessions": str(self.archive)},
            self.memory,
            self.digest,
            lambda scope, step: self.disk[scope, step][1] if (scope, step) in self.disk else None,
            lambda lines: self.lost(lines, thorough),
        )

    def digest(self, scope: str, step: str) -> str:
        """As of a record's file: it tells all that it was made from, and how that ended."""
        found = self.disk.get((scope, step))
        return hashlib.sha256(repr(found[:2]).encode()).hexdigest() if found else ""

    def made(self, scope: str, step: str) -> Made | None:
        if (scope, step) not in self.disk:
            return None
        _, ended, files = self.disk[scope, step]
        lines = "\n".join(f"{scope} {step} {name} {size}" for name, size in files.items())
        return Made(self.digest(scope, step), ended, lines)

    def lost(self, lines: str, thorough: bool) -> bool:
        for line in lines.split("\n"):
            scope, step, name, size = line.split(" ")
            found = self.disk.get((scope, step))
            if found is None or found[2].get(name) != int(size):
                return True
        return False

    def made_from(self, scope: str, step: str) -> object:
        """All that a step would be made from now."""
        listed, needs = self.kinds[level(scope)][step]
        data = [str(self.archive) if name else self.archive[scope] for name in listed]
        inputs = [self.digest(one, need) for one in self.within(scope) for need in needs]
        return self.rules[step], self.code[step], data, [i for i in inputs if i]

    def is_current(self, scope: str, step: str) -> bool:
        """Whether a step is what it would be now, and all of its files are there."""
        found = self.disk.get((scope, step))
        return bool(found and found[0] == self.made_from(scope, step) and "image" in found[2])

    def night(self, retry: Retry, ends: Iterable[Ended | None] = ()) -> list[Place]:
        """One invocation; the steps that it made.

        Snakemake makes what is asked for, what is absent, and what follows from what it made. A job
        ends as `ends` say, the last of which is where all is killed if it is None.
        """
        project, ends, ran = self.project(), iter(ends), list[Place]()
        reasons = project.reasons(retry)
        subjects = {scope.partition("_")[0] for scope in reasons}
        planned = {*reasons, *subjects, PROJECT} if reasons else set()
        began = self.memory = project.begin({PROJECT: {}, **reasons}) if reasons else self.memory
        for scope in (one for one in self.scopes if one in planned):
            for step, (_, needs) in self.kinds[level(scope)].items():
                why = reasons.get(scope, {}).get(step)
                follows = any((one, need) in ran for one in self.within(scope) for need in needs)
                judged = why is Reason.UNKNOWN and not self.is_current(scope, step)
                asked = why not in (None, Reason.UNKNOWN)
                if asked or follows or judged or (scope, step) not in self.disk:
                    ended = next(ends, Ended())
                    if ended is None:
                        return ran
                    files = {"record": 1, "image": 1}
                    self.disk[scope, step] = (self.made_from(scope, step), ended, files)
                    ran.append((scope, step))
        for place in [place for place in self.disk if place[0] not in self.scopes]:
            del self.disk[place]
        if reasons:
            self.memory = project.remember(began, self.made)
        return ran


PASSING, LASTING, DONE = Ended("failed", may_pass=True), Ended("failed"), Ended()
ENDS = st.lists(st.sampled_from([DONE, DONE, DONE, DONE, PASSING, LASTING]), max_size=12)
CHANGES = st.one_of(
    st.tuples(st.just("archive"), st.sampled_from(SESSIONS), st.integers(0, 2)),
    st.tuples(st.just("withdraw"), st.sampled_from(SESSIONS), st.none()),
    st.tuples(st.just("rule"), st.sampled_from(STEPS), st.integers(0, 2)),
    st.tuples(st.just("code"), st.sampled_from(STEPS), st.integers(0, 2)),
    st.tuples(st.just("delete"), st.sampled_from(SESSIONS), st.sampled_from(STEPS)),
    st.tuples(st.just("lose"), st.sampled_from(SESSIONS), st.sampled_from(STEPS)),
    st.tuples(st.just("night"), st.none(), ENDS),
    st.tuples(st.just("killed"), st.none(), ENDS),
)


def change(world: World, what: str, which: str | None, value: object) -> None:
    """One thing that happens between two nights, or one of them."""
    if what == "archive":
        world.archive |= {str(which): int(str(value))}
        world.archive = dict(sorted(world.archive.items()))
    elif what == "withdraw":
        world.archive.pop(str(which), None)
    elif what in ("rule", "code"):
        (world.rules if what == "rule" else world.code)[str(which)] = int(str(value))
    elif what == "delete":
        world.disk.pop((str(which), str(value)), None)
    elif what == "lose" and (found := world.disk.get((str(which), str(value)))):
        world.disk[str(which), str(value)] = (*found[:2], {"record": found[2]["record"]})
    elif what in ("night", "killed"):
        assert isinstance(value, list)
        world.night(Retry(), value + ([None] if what == "killed" else []))


def check_decisions(world: World) -> None:
    """What is to be made is what is not current, or failed for a reason that may pass."""
    reasons = world.project().reasons(Retry())
    made = {(scope, step) for scope, steps in reasons.items() for step in steps}
    for scope in world.scopes:
        for step, (_, needs) in world.kinds[level(scope)].items():
            follows = any((one, need) in made for one in world.within(scope) for need in needs)
            if (scope, step) in made or follows:
                made.add((scope, step))
            else:
                assert world.is_current(scope, step), (scope, step)
            why = reasons.get(scope, {}).get(step)
            if why not in (None, Reason.UNKNOWN, Reason.AGAIN):
                due = (scope, step) in world.disk and world.disk[scope, step][1].may_pass
                assert due or follows or not world.is_current(scope, step), (scope, step, why)


@settings(max_examples=500)
@given(st.lists(CHANGES, max_size=14))
def test_whatever_happens_what_is_made_is_what_is_not_as_it_would_be_now(
    changes: list[tuple[str, str | None, object]],
) -> None:
    world = World()
    for one in changes:
        change(world, *one)
        check_decisions(world)


@settings(max_examples=500)
@given(st.lists(CHANGES, max_size=14))
def test_after_a_night_without_failure_all_is_as_it_would_be_made_and_the_next_makes_nothing(
    changes: list[tuple[str, str | None, object]],
) -> None:
    world = World()
    for one in changes:
        change(world, *one)
    world.night(Retry(which="all"))
    assert all(
        world.is_current(scope, s) for scope in world.scopes for s in world.kinds[level(scope)]
    )
    assert {*world.disk} == {
        (scope, s) for scope in world.scopes for s in world.kinds[level(scope)]
    }
    assert world.night(Retry(which="all")) == []


def settled() -> World:
    world = World()
    world.night(Retry())
    return world


def reasons(world: World, retry: Retry | None = None) -> dict[str, dict[str, Reason]]:
    return world.project().reasons(retry or Retry())


def test_a_new_session_is_worked_on_and_no_other() -> None:
    world = settled()
    world.archive["sub-c_ses-1"] = 0
    found = reasons(world)
    assert found.keys() == {"sub-c_ses-1", "sub-c", PROJECT}
    assert {*found["sub-c_ses-1"].values()} == {Reason.NEW}
    ran = world.night(Retry())
    assert {scope for scope, _ in ran} == {"sub-c_ses-1", "sub-c", PROJECT}


def test_a_failure_that_may_pass_is_tried_again_so_often_as_the_config_says() -> None:
    world, retry = World(), Retry(times=3)
    for _ in range(2):
        world.night(retry, [PASSING])
        assert reasons(world, retry)["sub-a_ses-1"] == {"admit": Reason.AGAIN}
    world.night(retry, [PASSING])
    assert reasons(world, retry) == {}
    assert reasons(world, Retry(which="all"))["sub-a_ses-1"] == {"admit": Reason.AGAIN}
    world.archive["sub-a_ses-1"] = 1
    assert reasons(world, retry)["sub-a_ses-1"] == {"admit": Reason.DATA}


def test_a_lasting_failure_waits_for_a_change_and_none_is_tried_where_the_config_says_so() -> None:
    world = World()
    world.night(Retry(), [LASTING, DONE, DONE, PASSING])
    assert reasons(world) == {"sub-a_ses-2": {"admit": Reason.AGAIN}}
    assert reasons(world, Retry(which="none")) == {}


def test_what_was_made_before_all_was_killed_is_not_made_again() -> None:
    world = World()
    first = world.night(Retry(), [DONE, DONE, None])
    second = world.night(Retry())
    assert not {*first} & {*second}
    assert world.night(Retry()) == []


def test_what_was_killed_in_the_middle_of_a_change_is_made_again_from_what_is_wanted_now() -> None:
    world = settled()
    world.rules["admit"] = 1
    world.night(Retry(), [DONE, None])
    world.rules["admit"] = 0
    assert reasons(world)["sub-a_ses-1"]["admit"] is Reason.RULE


def test_what_the_config_no_longer_asks_for_counts_no_more_as_an_input() -> None:
    world = settled()
    world.kinds["session"].pop("qc")
    assert reasons(world) == {
        **{session: {"push": Reason.DATA} for session in SESSIONS},
        PROJECT: {"table": Reason.DATA},
    }
    world.night(Retry())
    assert reasons(world) == {}
