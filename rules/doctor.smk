# In:  the projects' configs where there are any; the archives; this machine.
# Out: nothing that Snakemake knows of (not even a benchmark), so that the rule always runs:
#      a page on the terminal, <private>/doctor.html, and <results>/doctor.json without labels.


localrules:
    doctor,


rule doctor:
    """Say what this XNAT, this login and this machine can do, and what will not work."""
    log:
        "<logs>/doctor.log",
    conda:
        "../envs/preview.yaml"
    params:
        files=EXAMINED,
        server=config["server"],
        project=config["project"],
        write=config["doctor"] == "write",
        conda=CONDA,
    message:
        "a look at the archive, the login and this machine"
    script:
        "../scripts/doctor.py"
