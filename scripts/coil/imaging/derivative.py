"""Names of what is derived from an image."""


def derived_name(source: str, desc: str, suffix: str, extension: str) -> str:
    """The file name of what was made from a raw image.

    >>> derived_name("sub-1/func/sub-1_task-rest_bold.nii.gz", "motion", "timeseries", ".tsv")
    'sub-1_task-rest_desc-motion_timeseries.tsv'
    """
    entities = source.rsplit("/", 1)[-1].split(".", 1)[0].rsplit("_", 1)[0]
    return f"{entities}_desc-{desc}_{suffix}{extension}"
