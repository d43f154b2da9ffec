"""De-identification: what may leave the quarantine, and the proof that nothing else does.

identity      the secret, pseudonyms, the link table; one shift of dates a subject, ages
allow_list    the keys of sidecars that may leave, and what each may hold
bids          the one door: builds a session that may leave, and its record
dicom         the same for DICOM files that are exported
deface        faces removed, all other voxels bit for bit
nifti         voxels and geometry without text
leak          a session's own identifiers, the forms in which they could leave, and the search for
              them in every byte
pixels        whether text may stand in an image
protection    what a session's record says of all this
"""
