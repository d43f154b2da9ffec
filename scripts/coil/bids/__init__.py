"""From series to BIDS names, files and datasets."""
