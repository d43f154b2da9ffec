"""Discover all projects of one invocation, ahead of its jobs.

stdin:  a DiscoveryRequest: the projects with their settings
stdout: a DiscoveryAnswer: a line for each project

Run by the Snakefile in the folder where snakemake works; its log is logs/discover.log.
"""

import json
import sys
from pathlib import Path

from coil.archive.discover.projects import discover_all
from coil.records.discovery import DiscoveryRequest

if __name__ == "__main__":
    request = DiscoveryRequest.from_fields(json.load(sys.stdin), "the request")
    print(json.dumps(discover_all(request, Path()).fields()))
