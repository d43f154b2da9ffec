"""The one reader of DICOM files for whatever works on them; the leak check has its own.

`coil.deid.leak` checks what is made of what is read here, and imports nothing of it, so that
it does not share its faults.
"""
