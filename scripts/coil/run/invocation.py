"""What an invocation of snakemake was asked for, and the moment before it plans its jobs."""

import io
import sys
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import redirect_stderr
from dataclasses import dataclass
from typing import Any

ALONE = {"init", "doctor"}
"""Targets that ask the archives by themselves: they may be there before any config is."""

TARGETS = (
    "all",
    "bids",
    "merged",
    "export",
    "analyses",
    "reports",
    "push",
    "why",
    "status",
    *ALONE,
)
_OFFLINE = {"status", *ALONE}


@dataclass(frozen=True)
class Call:
    """An invocation that is about to plan jobs.

    targets     the rules and files that it names, else `all`
    dry         whether the jobs are only shown
    until       the rules at which it ends, if it names some
    whole       whether all is made that leads to the targets, or to those rules
    plain       whether it asks for nothing but targets, so that what is settled needs no look
    """

    targets: frozenset[str]
    dry: bool
    until: frozenset[str]
    whole: bool
    plain: bool = False

    @property
    def offline(self) -> bool:
        """Whether nothing that it asks for needs the archives to be asked ahead of the jobs."""
        return self.targets <= _OFFLINE


def around_jobs(
    workflow: Any,
    work: Callable[[Call], Iterable[str]],
    hide: Callable[[], None],
    remember: Callable[[Callable[[str], bool]], None],
    finish: Callable[[], None],
) -> None:
    """Let `work` be done right before Snakemake plans jobs, to run them or to show them.

    Before jobs are sent to other machines `hide` is called. `remember` is called after the jobs
    with what tells whether one of them made a file, or Snakemake found it made, and then `finish`,
    whether they were done, failed, or there were none, in the place of handlers: Snakemake calls
    none of a module, and none where nothing is to be done. Neither is called after a look, nor
    where another invocation keeps this one out.

    What only looks at a workflow or cleans up, by whatever option, does not come to
    `Workflow.execute`; at nothing earlier can the two be told apart but by names of options.
    `--touch` does, but what is new in the archive would be marked as done by it. `work` returns
    the files that are to be made again even if they are there.
    """
    from snakemake.settings.enums import RerunTrigger  # only here: jobs need none

    execute = workflow.execute
    own_names = {rule_name(workflow, name): name for name in TARGETS}

    def after_work(*positional: Any, executor_plugin: Any, **named: Any) -> Any:
        kind, settings = executor_plugin.common_settings, workflow.dag_settings
        call = _call(settings, kind.dryrun_exec, own_names)
        # Of a project's own jobs the inputs are only the sessions that are not settled.
        settings.rerun_triggers = {*settings.rerun_triggers} - {RerunTrigger.INPUT}
        if not kind.touch_exec:
            settings.forcerun = {*(settings.forcerun or ()), *work(call)}
        if kind.non_local_exec:
            hide()
        try:
            return execute(*positional, executor_plugin=executor_plugin, **named)
        finally:
            reached = workflow.scheduler is not None  # it has one only with the lock
            if reached and not (kind.dryrun_exec or kind.touch_exec or call.offline):
                remember(_vouched(workflow.dag))
                finish()

    workflow.execute = after_work
    workflow.archive = _refuse_archive
    workflow.generate_unit_tests = _refuse_unit_tests


def _vouched(dag: Any) -> Callable[[str], bool]:
    """Whether a file was made by a job of this invocation, or found made by Snakemake."""
    made: set[str] = set()
    for job in dag.jobs:
        if dag.finished(job) or not dag.needrun(job):
            made.update(map(str, job.output))
    return made.__contains__


def _refuse_archive(path: object) -> None:
    """End an invocation with `--archive`: Snakemake packs every input that no rule makes."""
    sys.exit(
        "error: --archive: it would pack what lies in private/, which joins names with pseudonyms; "
        "share results/, whose run.lock.yaml says what made them, and the workflow's own clone"
    )


def _refuse_unit_tests(path: object) -> None:
    """End an invocation with `--generate-unit-tests`: Snakemake copies the inputs of the rules."""
    sys.exit(
        "error: --generate-unit-tests: it would copy what lies in private/ and quarantine/ to "
        "where tests are shared; take the simulated study of demo/ for tests"
    )


def rule_name(workflow: Any, name: str) -> str:
    """The name that a rule of ours has for Snakemake, also as one of a module."""
    return workflow.modifier.modify_rulename(name)


def _call(settings: Any, dry: bool, own_names: Mapping[str, str]) -> Call:
    targets = frozenset(own_names.get(name, name) for name in settings.targets or ("all",))
    part = settings.omit_from or settings.batch or settings.allowed_rules
    forced = settings.forceall or settings.forcetargets or settings.forcerun
    plain = not (part or forced or settings.until) and targets <= {*TARGETS}
    return Call(targets, dry, frozenset(settings.until or ()), not part, plain)


def check_alone(targets: Collection[str]) -> None:
    """End the invocation if `init` or `doctor` is asked for with other targets.

    No project counts then, and nothing would be done for the others.
    """
    alone = sorted(ALONE.intersection(targets))
    if alone and not ALONE.issuperset(targets):
        sys.exit(f"error: {alone[0]}: ask for the other targets in an invocation of its own")


def asks_for(rules: set[str], arguments: Sequence[str]) -> bool:
    """Whether a command line has one of some rules among its targets, or is that of its job.

    Snakemake tells its targets only after the Snakefile was read. The same word may be a value
    of an option, such as a folder's name.
    """
    if rules.isdisjoint(arguments[1:]):
        return False
    from snakemake.cli import parse_args  # costs time

    with redirect_stderr(io.StringIO()):  # it tells of profiles
        _, parsed = parse_args([*arguments[1:]])
    return not rules.isdisjoint([*parsed.targets, *(parsed.allowed_rules or ())])


def planned(
    config: Mapping[str, Any], arguments: list[str], alone: Collection[str] = ALONE
) -> Mapping[str, Any]:
    """The config of this invocation: no job of a project belongs to `init` or `doctor`, to which
    its file may be absent, or wrong. `alone` has the names of these rules."""
    return {**config, "projects": [], "merged": []} if asks_for({*alone}, arguments) else config
