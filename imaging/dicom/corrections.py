"""Attributes put over a received data set: the bytes stay, what is read and what goes out is corrected (DESIGN 5.2)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydicom.dataset import Dataset

#: A DICOM JSON object (PS3.18 annex F): tag of eight hexadecimal digits to ``{"vr": …, "Value": […]}``.
Attributes = Mapping[str, Mapping[str, Any]]


def put_over(dataset: Dataset, attributes: Attributes) -> Dataset:
    """A shallow copy of ``dataset`` with ``attributes`` in the place of its own, which stays as it is.

    Raises ValueError, KeyError or TypeError for what is no DICOM JSON.
    """
    corrected = Dataset()
    corrected.update(dataset)
    corrected.update(Dataset.from_json({tag: dict(element) for tag, element in attributes.items()}))
    return corrected
