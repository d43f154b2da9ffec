# In:  the rules' params; SELECTED, UNITS, LOCKS and what earlier invocations left.
# Out: what is settled leaves PLANNED, at which rules look when they are planned, and merged
#      datasets that are go to SETTLED (scripts/coil/run/memory.py). No rules here.

from coil.config.model.main import Retry
from coil.run.recipes import Recipes
from coil.run.remembering import Memory

MEMORY = Memory(Workspace(), Retry(**config["retry"]), config["check"] == "full")


# As a module's rules are named; its modifier is gone when jobs are planned.
NAMED = workflow.modifier.modify_rulename


def rule_of(name):
    """The rule of this workflow with a name, also where it is a module's."""
    return workflow.get_rule(NAMED(name))


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
    last = [workflow.get_rule(name) for name in call.until if workflow.is_rule(name)]
    forced = MEMORY.forced() if call.whole else []
    return [path for path in forced if not call.until or made_by(last, path)]


def wanted(call):
    """The targets of an invocation; who asks for a file, or why, may mean any step."""
    rules = [workflow.is_rule(NAMED(name)) for name in call.targets]
    return [*call.targets] if all(rules) and "why" not in call.targets else ["all"]


def made_by(rules, path):
    """Whether one of some rules makes a file."""
    return any(one.is_producer(path) for one in rules)
