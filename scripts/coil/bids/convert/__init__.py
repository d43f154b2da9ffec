"""From a pulled session to images under their BIDS names."""
