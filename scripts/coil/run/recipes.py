"""The digests of what the steps of a project are made from, by the params of the rules themselves.

Each key of the config that concerns a job is a param of its rule, and so are digests of its code:
what a step is made from is said once.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from msgspec.structs import replace

from coil import files
from coil.analyses.definitions import Analysis, Definition
from coil.run.lock_digests import digest
from coil.run.memory import Recipe, Steps
from coil.run.selection import Selection
from coil.run.steps import Step, of_merged, of_project, of_session, of_subject
from coil.units import Unit
from coil.workspace import CHECKOUT, PROJECT

NOBODY = Unit("none", "none")
"""In the place of a session of which the config says nothing by itself."""
_CODE = ("code", "made_by")


class Recipes:
    """Makes the recipes of an invocation.

    find    gives the rule of Snakemake's with a name
    conda   whether the rules' environments are made
    """

    def __init__(self, find: Callable[[str], Any], conda: bool) -> None:
        self._find = find
        self._conda = conda

    def of_steps(
        self, steps: Mapping[str, Step], analyses: Mapping[str, Analysis], **wildcards: str
    ) -> dict[str, Recipe]:
        """The recipes of steps, for jobs with these wildcards."""
        return {
            name: self._of_analysis(step, analyses[name], wildcards)
            if "analyse" in step.rules
            else self._of_rules(step, name, wildcards)
            for name, step in steps.items()
        }

    def of_project(
        self, selection: Selection, project: str, apart: Collection[str]
    ) -> dict[str, Steps]:
        """The recipes of all scopes of a project; those of the sessions `apart` one by one."""
        analyses, units = selection.analyses[project], selection.units[project]
        known = selection.steps(project, ["all"])

        def made(steps: Mapping[str, Step], level: str, **wildcards: str) -> dict[str, Recipe]:
            wanted = {name: step for name, step in steps.items() if (level, name) in known}
            return self.of_steps(wanted, analyses, project=project, **wildcards)

        def of_unit(unit: Unit) -> dict[str, Recipe]:
            return made(of_session(analyses), "session", **unit._asdict())

        shared = of_unit(NOBODY)
        subjects = dict.fromkeys(f"sub-{unit.subject}" for unit in units)
        of_subjects = made(of_subject(analyses), "subject")
        return {
            **{str(unit): of_unit(unit) if str(unit) in apart else shared for unit in units},
            **(dict.fromkeys(subjects, of_subjects) if of_subjects else {}),
            PROJECT: made(of_project(analyses), PROJECT),
        }

    def of_merged(self, name: str) -> dict[str, Recipe]:
        """The recipes of a merged dataset."""
        return self.of_steps(of_merged(), {}, project=name, merged=name)

    def _of_rules(self, step: Step, name: str, wildcards: Mapping[str, str]) -> Recipe:
        own = {"analysis": Path(name).stem, **wildcards}
        params = {
            f"{rule}.{key}": value
            for rule in step.rules
            for key, value in self._params(rule, own).items()
        }
        code = {key: value for key, value in params.items() if key.split(".")[1] in _CODE}
        settings = {key: value for key, value in params.items() if key not in code}
        return _recipe(step, settings, code | self._environments(step.rules))

    def _of_analysis(self, step: Step, analysis: Analysis, wildcards: Mapping[str, str]) -> Recipe:
        params = self._params("analyse", {"analysis": analysis.name, **wildcards})
        definition = Definition.from_json(str(params["definition"]))
        settings = {**params, "definition": replace(definition, code="", env=None).as_json()}
        return _recipe(step, settings, {"code": definition.code, "env": definition.env})

    def _params(self, rule: str, wildcards: Mapping[str, str]) -> dict[str, object]:
        """The params of a rule, as a job with these wildcards has them."""
        job = SimpleNamespace(**wildcards)
        found = self._find(rule).params.items()
        return {key: value(job) if callable(value) else value for key, value in found}

    def _environments(self, rules: Iterable[str]) -> dict[str, str]:
        """A digest of each rule's environment, where environments are made."""
        named = {rule: self._find(rule).conda_env for rule in rules} if self._conda else {}
        paths = {rule: CHECKOUT / "envs" / Path(str(env)).name for rule, env in named.items()}
        return {f"{rule}.conda": files.sha256(path)[:16] for rule, path in paths.items()}


def _recipe(step: Step, settings: object, code: object) -> Recipe:
    return Recipe(digest(settings), digest(code), step.listed, step.needs)
