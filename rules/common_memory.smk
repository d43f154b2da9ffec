# In:  the rules' params; SELECTED, UNITS, LOCKS and what earlier invocations left.
# Out: what is settled leaves PLANNED, at which rules look when they are planned, and merged
#      datasets that are go to SETTLED (scripts/coil/run/memory.py). No rules here.

from coil.run.memory import Retry
from coil.run.recipes import Recipes
from coil.run.remembering import Memory

MEMORY = Memory(Workspace(), Retry(**config["retry"]), config["check"] == "full")


def rule_of(name):
    """The rule of this workflow with a name, also where it is a module's."""
    return workflow.get_rule(rule_name(workflow, name))


def plan_jobs(call):
    """Leave out what is settled; the files that are to be made although they are there."""
    PLANNED.clear()
    PLANNED.update(UNITS)
    if Workspace().in_use:
        return []  # Snakemake refuses, and nothing may be noted
    MEMORY.compare(SELECTED.of(UNITS), Recipes(rule_of, CONDA), OVERRIDES, wanted(call))
    MEMORY.tell(call.dry, "why" in call.targets)
    if "why" in call.targets:
        sys.exit(0)
    if call.plain and not LOCKS:
        PLANNED.clear()
        PLANNED.update(MEMORY.planned(UNITS))
        SETTLED.update(name for name in MERGED if MEMORY.is_settled(name))
    if not call.dry:
        MEMORY.begin()
    last = [rule_of(name) for name in call.until if workflow.is_rule(name)]
    forced = MEMORY.forced() if call.whole else []
    return [path for path in forced if not call.until or made_by(last, path)]


def wanted(call):
    """The targets of an invocation; a file may need any step, and no rule is left out for it."""
    rules = [workflow.is_rule(rule_name(workflow, name)) for name in call.targets]
    return [*call.targets] if all(rules) else ["all"]


def made_by(rules, path):
    """Whether one of some rules makes a file."""
    return any(one.is_producer(path) for one in rules)
