"""A structured report as lines to read: headings, findings, measurements, and links to the images that it speaks of."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imaging.dicom import uids
from imaging.dicom.content_tree import Code, Node
from imaging.studies.models import Instance, Study

_DEEPEST = 6
#: Images of one item that are linked one by one; of more, their number.
_MOST_LINKS = 4


@dataclass(frozen=True, slots=True)
class Link:
    """An object that a line speaks of; without an address when it is not in this study, or not for this reader."""

    label: str
    address: str = ""


@dataclass(slots=True)
class Line:
    """One line. ``code`` is the concept's code, for who wants to know exactly; ``is_context`` who and how rather than what."""

    depth: int
    label: str
    value: str = ""
    unit: str = ""
    code: str = ""
    is_heading: bool = False
    is_context: bool = False
    links: list[Link] = field(default_factory=list)


def of_tree(root: Node, known: Mapping[str, Instance], study: Study) -> list[Line]:
    """Return the lines below a report's title. ``known`` are the objects of the study that the reader may see, by UID."""
    return list(_children(root, 0, known, study))


def referenced(root: Node) -> set[str]:
    """Return the UIDs of all objects that a report speaks of."""
    found, waiting = set(), [root]
    while waiting:
        node = waiting.pop()
        waiting += node.children
        if node.reference:
            found.add(node.reference.sop_instance_uid)
    return found


def _children(node: Node, depth: int, known: Mapping[str, Instance], study: Study) -> Iterator[Line]:
    images = [child for child in node.children if child.reference and not child.concept.meaning and not child.children]
    for child in node.children:
        if child not in images:
            yield _line(child, depth, known, study)
            yield from _children(child, depth + 1, known, study)
    if images:
        yield Line(
            min(depth, _DEEPEST), _("Images"), _number_of(images), links=_links(images[:_MOST_LINKS], known, study)
        )


def _number_of(images: list[Node]) -> str:
    if len(images) <= _MOST_LINKS:
        return ""
    return ngettext("%(count)d image", "%(count)d images", len(images)) % {"count": len(images)}


def _line(node: Node, depth: int, known: Mapping[str, Instance], study: Study) -> Line:
    value = node.text or (node.code.meaning if node.code else "")
    return Line(
        depth=min(depth, _DEEPEST),
        label=node.concept.meaning or _kind(node),
        value=value,
        unit=_unit(node.unit),
        code=" ".join(part for part in (node.concept.value, node.concept.scheme) if part),
        is_heading=node.kind == "CONTAINER",
        is_context=node.relation in {"HAS OBS CONTEXT", "HAS ACQ CONTEXT"},
        links=_links([node], known, study) if node.reference else [],
    )


def _kind(node: Node) -> str:
    if node.reference:
        return uids.sop_class_name(node.reference.sop_class_uid)
    return {"SCOORD": _("Region"), "SCOORD3D": _("Region"), "CONTAINER": _("Section")}.get(node.kind, "")


def _unit(unit: Code | None) -> str:
    """Return a unit as it is written: `1` means none, annotations in braces are left out (UCUM)."""
    if unit is None or unit.value == "1":
        return ""
    if "{" in unit.value:
        return unit.meaning if len(unit.meaning) <= 12 else unit.value.replace("{", "").replace("}", " ").strip()
    return unit.value


def _links(nodes: list[Node], known: Mapping[str, Instance], study: Study) -> list[Link]:
    links = []
    for node in nodes:
        reference = node.reference
        if reference is None:
            continue
        instance = known.get(reference.sop_instance_uid)
        if instance is None:
            elsewhere = Link(_("not in this study"))
            links += [] if elsewhere in links else [elsewhere]
            continue
        address = (
            f"{reverse('viewer:viewer', args=[study.study_instance_uid])}?series={instance.series.series_instance_uid}"
        )
        number = instance.instance_number
        label = _("image %(number)s") % {"number": number} if number is not None else _("image")
        if reference.frames:
            label = _("%(image)s, frame %(frame)s") % {"image": label, "frame": reference.frames[0]}
        links.append(Link(label, address))
    return links
