"""De-identified DICOM: an allow-list per SOP class, the table of PS3.15 Annex E behind it.

attributes.tsv  which attribute each SOP class has, and the table with its options, as data
profile         what becomes of an element by its tag, its value and its place
values          the forms that a value may have; dates, times, ages and UIDs
texts           the texts that stay, and the words that they may say
private         the private elements that stay, each with its reason
siemens, ge     vendors' blobs rewritten with what a converter needs
risk            what is refused because text may stand in its pixels, or it is no image
plain           the engine with pydicom, for every encoding
fast            the same bytes for a series whose files are alike, without decoding them:
layout          where the elements of a file stand
template        how to get through a file that is like one before
cleaner         what becomes of elements, remembered by their bytes
search          the search for the session's identifiers in what is about to leave
export          a session's series as an ordinary tree
job             the export of one session, and its record
prune           sessions that are gone are taken out

Sources. The attributes of the SOP classes: PS3.3 by way of highdicom 0.28.2. The table: PS3.15
2026c, Table E.1-1, with the options of 2024e (the rows of 2026c alone have none); the rows
that 2026c no longer has are kept. Wildcards of the table (curves 50xx, overlays 60xx, private
groups) are rules in `profile`. What dcm2niix reads of private elements: its nii_dicom.cpp and
nii_dicom_batch.cpp.
"""
