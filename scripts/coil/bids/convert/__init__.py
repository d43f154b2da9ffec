"""From a pulled session to images under their BIDS names.

job             the conversion of one session, or why there is none
convert         the session as a whole, and the table that accounts for every series
engines         its series through a converter: dcm2niix, or heudiconv by a heuristic
images          the names of several images that come of one series
complaints      what went wrong, by what dcm2niix printed
rows            the rows of the table while files are made
complete        what rules add: sidecars, asl, fieldmaps, files beside the images
fieldmap_groups, fieldmap_choice   the estimations of the field, and which fits an image
"""
