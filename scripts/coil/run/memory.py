"""The comparison of what is wanted with what is settled, by content, before any job is planned.

Pure: digests and records come in, reasons and new rows go out (`coil.run.remembering` reads and
writes). A step is settled if all that it is made from has the digests that its row has, its files
are there, and it is done or waits for a person. What is settled never reaches Snakemake.
"""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from functools import cached_property
from typing import NamedTuple

from coil.config.model.main import Retry
from coil.records.memory import Begun, End, MemoryRecord, Settled

OWN = ""
"""The name, among what is listed, of a session's own listing."""


class Reason(Enum):
    """Why a step is to be made."""

    NEW = "new"
    DATA = "data changed"
    RULE = "rule changed"
    CODE = "code changed"
    MISSING = "results missing"
    AGAIN = "tried again"
    REHEARSED = "only rehearsed"
    WITHDRAWN = "withdrawn"
    UNKNOWN = "not known"
    """It is there, but no row vouches for it: Snakemake judges."""


@dataclass(frozen=True)
class Recipe:
    """All that a step is made from, but for the data.

    settings, code   digests
    listed           what of the archive's answers it reads: `OWN`, or names of the project's
    needs            the steps whose records it reads: of the same scope and of those within it
    """

    settings: str
    code: str
    listed: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()


Steps = Mapping[str, Recipe]
Rows = Mapping[str, Mapping[str, Settled]]
Reasons = Mapping[str, Mapping[str, Reason]]


class Ended(NamedTuple):
    """The end of a step as its record says it, and whether a failure may pass."""

    end: End = "done"
    may_pass: bool = False


class Made(NamedTuple):
    """What an invocation left of a step: a digest of its record, its end, and its files."""

    record: str
    ended: Ended
    files: str


@dataclass(frozen=True)
class Project:
    """A project, or a merged dataset, as an invocation finds it.

    recipes   the steps of each scope that has any, in their order: sessions, subjects, the project
    members   the scopes within a scope: of a subject its sessions, of the project all others
    listed    digests of what the archive lists: by session, and by name
    memory    of the last invocation
    digest    finds that of the file of a step of a scope; "" where there is none
    ended     finds how a step ended; None where there is no file
    lost      tells whether a file that a settled step left is lost
    """

    recipes: Mapping[str, Steps]
    members: Mapping[str, Collection[str]]
    listed: Mapping[str, str]
    memory: MemoryRecord
    digest: Callable[[str, str], str]
    ended: Callable[[str, str], Ended | None]
    lost: Callable[[str], bool]
    _inputs: dict[tuple[str, tuple[str, ...]], str] = field(default_factory=dict)

    def reasons(
        self, retry: Retry, asked: Callable[[str, str], bool] = lambda scope, step: True
    ) -> dict[str, dict[str, Reason]]:
        """Why the steps that are asked for are to be made, by scope; without settled ones."""
        found: dict[str, dict[str, Reason]] = {}
        for scope, steps in self.recipes.items():
            whys = (
                (step, self._reason(scope, step, retry)) for step in steps if asked(scope, step)
            )
            if reasons := {step: why for step, why in whys if why}:
                found[scope] = reasons
        gone = self.memory.settled.keys() - self.recipes.keys()
        return found | {
            scope: dict.fromkeys(self.memory.settled[scope], Reason.WITHDRAWN)
            for scope in sorted(gone)
        }

    def begin(self, reasons: Reasons) -> MemoryRecord:
        """The memory while the steps of the scopes of `reasons`, and what follows, are made."""
        begun = {
            scope: {step: self._begin(scope, step, reasons) for step in self.recipes[scope]}
            for scope in self.recipes
            if scope in reasons or not reasons.keys().isdisjoint(self.members.get(scope, ()))
        }
        return MemoryRecord(settled=self.memory.settled, begun=begun)

    def remember(
        self, began: MemoryRecord, made: Callable[[str, str], Made | None]
    ) -> MemoryRecord:
        """The memory at the end of the invocation that `began` so.

        `made` tells what became of a step, None if nothing vouches for it: what was noted of it
        stays then.
        """
        rows = {scope: dict(self.memory.settled.get(scope, {})) for scope in self.recipes}
        left: dict[str, dict[str, Begun]] = {}
        for scope, steps in began.begun.items():
            for step, begun in steps.items():
                if found := made(scope, step):
                    rows[scope][step] = self._row(scope, step, found, rows)
                else:
                    left.setdefault(scope, {})[step] = begun
        wanted = {
            scope: {step: row for step, row in rows[scope].items() if step in steps}
            for scope, steps in self.recipes.items()
        }
        return MemoryRecord(settled=wanted, begun=left)

    def _reason(self, scope: str, step: str, retry: Retry) -> Reason | None:
        recipe, row = self.recipes[scope][step], self.memory.settled.get(scope, {}).get(step)
        if begun := self._made_since(scope, step):
            return self._changed(scope, recipe, begun) or self._as_recorded(scope, step, retry)
        if row is None:
            return self._as_recorded(scope, step, retry) or Reason.NEW
        if changed := self._changed(scope, recipe, row) or self._other_inputs(scope, recipe, row):
            return changed
        if self.lost(row.files):
            found = self._as_recorded(scope, step, retry)
            return found if found is Reason.AGAIN else Reason.MISSING
        return _again(retry, row.end, row.failures)

    def _as_recorded(self, scope: str, step: str, retry: Retry) -> Reason | None:
        """Why a step is to be made of which only its record tells; None if there is none."""
        found = self.ended(scope, step)
        return found and (_again(retry, found.end, int(found.may_pass)) or Reason.UNKNOWN)

    def _changed(self, scope: str, recipe: Recipe, basis: Settled | Begun) -> Reason | None:
        if basis.data != self._data(scope, recipe):
            return Reason.DATA
        if basis.code != recipe.code:
            return Reason.CODE
        return Reason.RULE if basis.settings != recipe.settings else None

    def _other_inputs(self, scope: str, recipe: Recipe, row: Settled) -> Reason | None:
        """Whether a record that the step read is another one since."""
        key = (scope, recipe.needs)
        if key not in self._inputs:
            self._inputs[key] = self._inputs_in(scope, recipe, self._rows_now)
        return Reason.DATA if row.inputs != self._inputs[key] else None

    @cached_property
    def _rows_now(self) -> Rows:
        """What is settled, with the records that were made by what never came to its end."""
        rows = {**self.memory.settled}
        for scope, steps in self.memory.begun.items():
            made = {step: begun for step in steps if (begun := self._made_since(scope, step))}
            now = {step: _of_begun(one, self.digest(scope, step)) for step, one in made.items()}
            rows[scope] = {**rows.get(scope, {}), **now}
        return rows

    def _made_since(self, scope: str, step: str) -> Begun | None:
        """What a step was made from by an invocation that never came to its end, if it was."""
        begun = self.memory.begun.get(scope, {}).get(step)
        return begun if begun and self.digest(scope, step) not in ("", begun.before) else None

    def _data(self, scope: str, recipe: Recipe) -> str:
        return digest_of(self.listed.get(name or scope, "") for name in recipe.listed)

    def _inputs_in(self, scope: str, recipe: Recipe, rows: Rows) -> str:
        if not recipe.needs:
            return ""
        within = (*self.members.get(scope, ()), scope)
        found = ((one, self.recipes[one], rows.get(one, {})) for one in within)
        return digest_of(
            f"{one} {need} {made[need].record}"
            for one, wanted, made in found
            for need in recipe.needs
            if need in made and need in wanted
        )

    def _begin(self, scope: str, step: str, reasons: Reasons) -> Begun:
        recipe, before = self.recipes[scope][step], self._made_since(scope, step)
        if before and self._stays(scope, step, reasons):
            return before  # also if this invocation comes to no end
        data = self._data(scope, recipe)
        return Begun(recipe.settings, recipe.code, data, self.digest(scope, step))

    def _stays(self, scope: str, step: str, reasons: Reasons) -> bool:
        """Whether neither a step nor anything that it reads is to be made again."""
        needs = {step, *self.recipes[scope][step].needs}
        within = [*self.members.get(scope, ()), scope]
        whys = (reasons.get(one, {}).get(need) for one in within for need in needs)
        return all(why in (None, Reason.UNKNOWN) for why in whys)

    def _row(self, scope: str, step: str, made: Made, rows: Rows) -> Settled:
        recipe, before = self.recipes[scope][step], self.memory.settled.get(scope, {}).get(step)
        same = before is not None and self._changed(scope, recipe, before) is None
        failures = 1 + (before.failures if before and same else 0)
        return Settled(
            settings=recipe.settings,
            code=recipe.code,
            data=self._data(scope, recipe),
            inputs=self._inputs_in(scope, recipe, rows),
            record=made.record,
            end=made.ended.end,
            failures=failures if made.ended.may_pass else 0,
            files=made.files,
        )


def _again(retry: Retry, end: End, failures: int) -> Reason | None:
    """Why a step that ended so is to be made again although nothing changed, if it is.

    failures   how often in a row it failed for a reason that may pass
    """
    if end == "rehearsed":
        return Reason.REHEARSED
    if end == "done" or retry.which == "none":
        return None
    due = retry.which == "all" or 0 < failures < retry.times
    return Reason.AGAIN if due else None


def _of_begun(begun: Begun, record: str) -> Settled:
    return Settled(begun.settings, begun.code, begun.data, inputs="", record=record)


def digest_of(texts: Iterable[str]) -> str:
    """A digest of texts in their order; "" of none."""
    joined = "\n".join(texts)
    return hashlib.sha256(joined.encode()).hexdigest()[:16] if joined else ""
