# In:  the config's `env`, a conda environment's file.
# Out: the environment, made as for the workflow's own jobs. `environments.py` calls it.


rule environment:
    output:
        "never made",
    conda:
        config["env"]
    shell:
        "true"
