"""Cleaned values out of a data set for ``header``."""
from pydicom.dataset import Dataset


class HeaderReader:
    """Reads and cleans."""

    def __init__(self, dataset: Dataset) -> None:
        """Keep the data set."""
