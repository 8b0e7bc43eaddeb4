"""Elements as they were read, undecoded: what a de-identified data set is made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from pydicom.dataelem import DataElement, RawDataElement
from pydicom.dataset import Dataset
from pydicom.sequence import Sequence
from pydicom.tag import BaseTag

from imaging.dicom import charset
from imaging.dicom.deidentification import values
from imaging.dicom.element_parser import CHARACTER_SET
from imaging.dicom.element_text import stored

Element = DataElement | RawDataElement


def elements_of(dataset: Dataset) -> Iterator[tuple[int, Element]]:
    """Each element in order of tags, as it lies in the data set: iterating over the set itself would convert them."""
    for tag, element in sorted(dataset.items()):
        yield int(tag), element


def items_of(element: Element) -> list[Dataset]:
    """The items of a sequence; none of anything else."""
    return list(element.value or []) if isinstance(element, DataElement) and element.VR == "SQ" else []


def made(tag: int, vr: str, value: bytes, like: Dataset) -> RawDataElement:
    """An element of these bytes, padded, in the encoding of ``like``."""
    implicit, little = like.original_encoding
    padded = values.padded(value, vr)
    return RawDataElement(BaseTag(tag), vr, len(padded), padded, 0, bool(implicit), little is not False)


def made_sequence(tag: int, items: list[Dataset]) -> DataElement:
    """A sequence of these items."""
    element = DataElement(BaseTag(tag), "SQ", Sequence(items), already_converted=True)
    element.is_undefined_length = True
    return element


def assembled(elements: Mapping[int, Element], like: Dataset) -> Dataset:
    """A data set of these elements in the encoding of another. Setting them one by one would convert some."""
    dataset = Dataset({BaseTag(tag): elements[tag] for tag in sorted(elements)})
    implicit, little = like.original_encoding
    dataset.set_original_encoding(implicit, little, like.original_character_set)
    return dataset


def codecs_of(dataset: Dataset, inherited: charset.Encodings) -> charset.Encodings:
    """Character sets of the text in this data set; an item without its own has those it lies in."""
    element = stored(dataset, CHARACTER_SET)
    if not isinstance(element, RawDataElement) or not element.value:
        return inherited
    return charset.encodings_of(element.value)
