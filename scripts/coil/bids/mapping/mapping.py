"""The mapping: the rules of a project's config that turn series into BIDS names.

A rule matches on what the archive and the header say of a series and either names it
(`to`, `entities`) or says why it is left out (`ignore`). Everything that can be wrong with
a rule is found when the config is read, and named by its key.
"""

import hashlib
import json
from collections.abc import Iterable
from collections.abc import Mapping as Table
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from coil.bids.mapping.matching import read_synonyms
from coil.bids.mapping.reading import read_rule, read_source
from coil.bids.mapping.rules import Match, Origin, Rule, Source

if TYPE_CHECKING:  # reading a config needs no DICOM library
    from coil.bids.series.series import Series


@dataclass(frozen=True)
class Mapping:
    """The rules of a project, its other sources of rules, and the digest of them all.

    `digest` is the SHA-256 of the config's list as JSON.
    """

    rules: tuple[Rule, ...]
    digest: str
    sources: tuple[Source, ...] = ()

    def matches(self, series: "Series") -> list[Match]:
        """The rules of the highest priority among those that take the series.

        What the scanner computed is taken only by a rule that asks for it by `image_type`,
        or ignores it. Where only a header tells whether a rule takes the series, the next
        lower priority stands beside it.
        """
        found = [match for rule in self.rules if (match := rule.match(series))]
        if series.is_derived:
            found = [match for match in found if match.derived]
        sure = max((match.rule.priority for match in found if match.sure), default=None)
        return [match for match in found if sure is None or match.rule.priority >= sure]

    def digest_with(self, sources: Table[str, str]) -> str:
        """`digest` with the digests of the files that the sources rest on, by their names."""
        if not sources:
            return self.digest
        text = json.dumps([self.digest, dict(sources)], sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()

    def with_rules(self, rules: Iterable[Rule]) -> "Mapping":
        """The mapping with more rules behind its own, as a source or an override gives them."""
        every = (*self.rules, *rules)
        return replace(self, rules=tuple(replace(rule, index=i) for i, rule in enumerate(every)))


def parse(
    rules: list[dict[str, Any]],
    where: str = "bids.mapping",
    synonyms: Table[str, Any] | None = None,
) -> Mapping:
    """Compile the rules of a config.

    Parameters
    ----------
    rules
        `bids.mapping` as read from YAML.
    where
        What stands before `[i]` in an error, such as `config/projects/demo.yaml: bids.mapping`.
    synonyms
        `bids.synonyms`: regular expressions by the names that rules use them by.

    Raises
    ------
    ConfigError
        One line: the rule, the key, what is wrong and what is allowed.
    """
    words = read_synonyms(synonyms or {}, where.replace("mapping", "synonyms"))
    compiled: list[Rule] = []
    sources: list[Source] = []
    for i, raw in enumerate(rules):
        if "use" in raw:
            sources.append(read_source(raw, f"{where}[{i}]", Origin(i)))
        else:
            rule = read_rule(raw, f"{where}[{i}]", words)
            compiled.append(replace(rule, index=len(compiled), origin=Origin(i)))
    text = json.dumps([rules, words], sort_keys=True, separators=(",", ":"), default=str)
    return Mapping(tuple(compiled), hashlib.sha256(text.encode()).hexdigest(), tuple(sources))
