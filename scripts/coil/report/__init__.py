"""The HTML pages that Coil makes."""
