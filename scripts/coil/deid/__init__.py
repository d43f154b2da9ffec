"""De-identification: what may leave the quarantine, and the proof that nothing else does.

identities    the secret, pseudonyms, the link table
dates         one shift a subject, ages
waist         the one door: builds a session that may leave, and its record
sidecar       sidecars by allow-list; sidecar_keys is the table
nifti         voxels and geometry without text
tables        events, ASL contexts, b-values: known columns, checked values
deface        faces removed, all other voxels bit for bit
headers       a session's own identifiers, from its DICOM headers and the archive
walk          every text of a DICOM file at every depth; elements, tags and csa tell what it is
identifiers   the forms in which a value could leave
leak          the search for them in every byte; public_words are no leak
disguises     what else bytes could stand for: digits of base 64, gzip, references
"""
