"""Files beside the images: events, physiology, stimuli, behaviour, a scanner's own maps."""
