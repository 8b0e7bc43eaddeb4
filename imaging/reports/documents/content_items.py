"""The content tree of a report's structured report: TID 2000 with its headings, texts, numbers and images (PS3.16, PS3.3 C.17.3)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from imaging.dicom.wrapping.facts import Concept
from imaging.reports.documents import sections
from imaging.reports.documents.content import Code, ImageReference, Measurement, Person, ReportContent
from imaging.reports.documents.sheet import sheet

if TYPE_CHECKING:
    from highdicom.sr import CodedConcept, ContentItem
    from pydicom.dataset import Dataset

_LANGUAGE: Final = Concept(value="121049", scheme="DCM", meaning="Language of Content Item and Descendants")
_LANGUAGES: Final = {
    "en": Concept(value="en", scheme="RFC5646", meaning="English"),
    "fr": Concept(value="fr", scheme="RFC5646", meaning="French"),
}
_OBSERVER_TYPE: Final = Concept(value="121005", scheme="DCM", meaning="Observer Type")
_PERSON: Final = Concept(value="121006", scheme="DCM", meaning="Person")
_OBSERVER_NAME: Final = Concept(value="121008", scheme="DCM", meaning="Person Observer Name")
_ORGANISATION: Final = Concept(value="121009", scheme="DCM", meaning="Person Observer's Organization Name")
_STUDY_UID: Final = Concept(value="121018", scheme="DCM", meaning="Procedure Study Instance UID")
_PROCEDURE: Final = Concept(value="121065", scheme="DCM", meaning="Procedure Description")
_ILLUSTRATION: Final = Concept(value="121080", scheme="DCM", meaning="Best illustration of finding")
_SOURCE: Final = Concept(value="121112", scheme="DCM", meaning="Source of Measurement")
_FINDING: Final = Concept(value="121071", scheme="DCM", meaning="Finding")
_DECIMAL: Final = re.compile(r"(?=.{1,16}\Z)[+-]?\d+(\.\d+)?")
_ROOT: Final = "1.2.840.10008.5.1.4.1.1"
#: Of one frame by definition: a frame number must not be given (Table 10-3).
_SINGLE_FRAME: Final = frozenset(
    f"{_ROOT}.{suffix}"
    for suffix in ("1", "1.1", "1.1.1", "1.2", "1.2.1", "1.3", "1.3.1", "2", "4", "6.1", "7", "77.1.1", "77.1.4", "128")
)
_NO_UNIT: Final = Concept(value="1", scheme="UCUM", meaning="no units")


def tree(content: ReportContent) -> Dataset:
    """The root container with everything in it."""
    return _Tree(content).root()


class _Tree:
    """Builds the items of one report. The library of structured reports is slow to load: only who makes one waits for it."""

    def __init__(self, content: ReportContent) -> None:
        from highdicom import sr  # noqa: PLC0415

        self._sr = sr
        self._content = content

    def root(self) -> Dataset:
        """TID 2000: language, observers, procedure, then a container per heading."""
        title = sections.document_title(self._content.study.modalities)
        root = self._sr.ContainerContentItem(
            name=self._code(title), is_content_continuous=False, template_id="2000", relationship_type=None
        )
        root.ContentSequence = self._sr.ContentSequence(
            [*self._context(), *self._sections()], is_root=False, is_sr=True
        )
        return root

    def _context(self) -> Iterator[ContentItem]:
        content = self._content
        language = _LANGUAGES.get(content.language, _LANGUAGES["en"])
        yield self._coded(_LANGUAGE, language, "HAS CONCEPT MOD")
        for person in _observers(content):
            yield self._coded(_OBSERVER_TYPE, _PERSON, "HAS OBS CONTEXT")
            yield self._sr.PnameContentItem(
                name=self._code(_OBSERVER_NAME),
                value=person.written,
                relationship_type="HAS OBS CONTEXT",
            )
            organisation = person.organisation or content.letterhead.name
            if organisation:
                yield self._text(_ORGANISATION, organisation, "HAS OBS CONTEXT")
        for study in content.studies:
            yield self._sr.UIDRefContentItem(
                name=self._code(_STUDY_UID), value=study.study_instance_uid, relationship_type="HAS OBS CONTEXT"
            )
        if content.order.procedure:
            yield self._text(_PROCEDURE, content.order.procedure, "HAS OBS CONTEXT")

    def _sections(self) -> Iterator[ContentItem]:
        content = self._content
        shown = sheet(content)
        # That a version replaces or withdraws another has to be read before anything else.
        for word, told in (("summary", (shown.notice,) if shown.notice else ()), ("critical", shown.critical)):
            if told:
                codes = sections.HEADINGS[word]
                yield self._container(codes.heading, [self._text(codes.element, each) for each in told])
        numbers = [self._number(each) for each in content.measurements]
        for each in content.standing:
            if not each.text.strip():
                continue
            codes = sections.heading(each)
            items: list[ContentItem] = [self._text(codes.element, each.text)]
            if codes.heading == sections.FINDINGS:
                items, numbers = [*items, *numbers], []
            yield self._container(codes.heading, items)
        if numbers:
            yield self._container(sections.FINDINGS, numbers)
        if content.pictures:
            yield self._container(
                sections.KEY_IMAGES, [self._picture(each.image, each.caption) for each in content.pictures]
            )

    def _number(self, each: Measurement) -> ContentItem:
        """A NUM of the image it was measured on; what is no number is told as text."""
        name: Concept = each.concept or Code(value="measurement", scheme="99NEGATOSCOPE", meaning=each.label[:64])
        item: ContentItem
        if _DECIMAL.fullmatch(each.value):
            unit = Concept(value=each.ucum, scheme="UCUM", meaning=each.unit or each.ucum) if each.ucum else _NO_UNIT
            item = self._sr.NumContentItem(
                name=self._code(name), value=float(each.value), unit=self._code(unit), relationship_type="CONTAINS"
            )
            # As it was signed: 2.40 is not 2.4.
            item.MeasuredValueSequence[0].NumericValue = each.value
        else:
            item = self._text(_FINDING, f"{each.label}: {each.value} {each.unit}".strip())
        if each.image:
            self._below(item, self._image(_SOURCE, each.image, "INFERRED FROM"))
        return item

    def _picture(self, image: ImageReference, caption: str) -> ContentItem:
        """A caption is a finding that the image shows; an image without one stands for itself."""
        if not caption:
            return self._image(_ILLUSTRATION, image, "CONTAINS")
        item = self._text(_FINDING, caption)
        self._below(item, self._image(_ILLUSTRATION, image, "INFERRED FROM"))
        return item

    def _image(self, name: Concept, image: ImageReference, relation: str) -> ContentItem:
        frames = [image.frame] if image.frame and image.sop_class_uid not in _SINGLE_FRAME else None
        return self._sr.ImageContentItem(
            name=self._code(name),
            referenced_sop_class_uid=image.sop_class_uid,
            referenced_sop_instance_uid=image.sop_instance_uid,
            referenced_frame_numbers=frames,
            relationship_type=relation,
        )

    def _container(self, name: Concept, items: list[ContentItem]) -> ContentItem:
        container = self._sr.ContainerContentItem(
            name=self._code(name), is_content_continuous=False, relationship_type="CONTAINS"
        )
        self._below(container, *items)
        return container

    def _below(self, parent: ContentItem, *items: ContentItem) -> None:
        parent.ContentSequence = self._sr.ContentSequence(items, is_root=False, is_sr=True)

    def _text(self, name: Concept, value: str, relation: str = "CONTAINS") -> ContentItem:
        # Lines end by CR LF in DICOM text (PS3.5 section 6.1.3).
        return self._sr.TextContentItem(
            name=self._code(name), value=value.replace("\n", "\r\n"), relationship_type=relation
        )

    def _coded(self, name: Concept, value: Concept, relation: str) -> ContentItem:
        return self._sr.CodeContentItem(name=self._code(name), value=self._code(value), relationship_type=relation)

    def _code(self, concept: Concept) -> CodedConcept:
        """What is longer than its attribute is cut, what is empty or would be two values is made one (PS3.3 section 8)."""
        value = _one_line(concept.value)[:64] or "unknown"
        return self._sr.CodedConcept(
            value, _one_line(concept.scheme)[:16] or "99NEGATOSCOPE", _one_line(concept.meaning)[:64] or value
        )


def _one_line(text: str) -> str:
    return " ".join(text.replace("\\", "/").split())


def _observers(content: ReportContent) -> list[Person]:
    """Whoever signed, then whoever wrote without signing."""
    people = [each.person for each in content.signatures]
    return [*people, *(each for each in content.authors if each not in people)]
