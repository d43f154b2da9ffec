"""Each rule that makes a file belongs to a step, or all would seem settled without it."""

import re
from pathlib import Path

from coil.analyses.definitions import Analysis
from coil.run.steps import of_merged, of_project, of_session, of_subject
from coil.workspace import CHECKOUT

ALONE = {"doctor", "init", "preview"}
"""Rules that look at an archive, and of which nothing else is made."""


def test_every_rule_with_an_output_leads_to_a_step() -> None:
    levels = ("session", "subject", "project")
    known = {one: Analysis(one, Path("x.py"), "", None, one, None, {}) for one in levels}
    tables = (of_session(known), of_subject(known), of_project(known), of_merged())
    steps = [step for table in tables for step in table.values()]
    text = "\n".join(path.read_text() for path in (CHECKOUT / "rules").glob("*.smk"))
    blocks = re.split(r"^rule (\w+):\n", text, flags=re.MULTILINE)
    made = {
        name for name, block in zip(blocks[1::2], blocks[2::2], strict=True) if "output:" in block
    }
    assert made - ALONE == {rule for step in steps for rule in step.rules}
