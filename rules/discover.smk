# In:  what common_discover.smk does before any job.
# Out: <private>/{project}/ (link table, demographics, one file a session) and
#      <results>/{project}/sessions.tsv. Jobs parse this file too and only read those.


localrules:
    discover,
    why,


rule discover:
    """Ask the archive which sessions there are, and nothing else."""
    input:
        of_projects("<results>/{project}/sessions.tsv"),


rule why:
    """Say of each session why it would be worked on, and work on none."""
    message:
        "why sessions would be worked on"
