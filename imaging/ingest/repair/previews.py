"""What a decision will change and what is kept, in sentences, before anything is done."""

from dataclasses import dataclass, field
from typing import Any

from django.utils import formats, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from imaging.dicom import correctable, person_name
from imaging.ingest.repair.forms import Action
from imaging.studies.models import Instance, Patient, Rejection, Series, Study


@dataclass(frozen=True, slots=True)
class Trait:
    """One trait of the patient, before and after."""

    label: str
    before: str
    after: str
    is_sex: bool = False

    @property
    def differs(self) -> bool:
        """Whether it changes."""
        return self.before != self.after


@dataclass(frozen=True, slots=True)
class Preview:
    """What will be different, and what will not."""

    title: str
    changes: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    traits: list[Trait] = field(default_factory=list)
    #: Worth a second look: the images become another patient's.
    warning: str = ""


def traits(before: Patient, after: dict[str, Any]) -> list[Trait]:
    """Who it was, and who it will be (DICOM JSON)."""
    said = {tag: correctable.text_of(after.get(tag, {})) for tag in correctable.IDENTITY}
    name, number, issuer, born, sex = (said[tag] for tag in correctable.IDENTITY)
    born = f"{born[:4]}-{born[4:6]}-{born[6:]}" if len(born) == 8 else ""
    return [
        Trait(_("Name"), before.display_name, person_name.display(name)),
        Trait(_("MRN"), before.patient_id, number),
        Trait(_("Issuer"), before.issuer_of_patient_id, issuer),
        Trait(_("Birth date"), before.birth_date.isoformat() if before.birth_date else "", born),
        Trait(_("Sex"), before.sex, sex, is_sex=True),
    ]


def kept(action: str) -> list[str]:
    """What no decision touches."""
    said = [
        _("The images stay, bit for bit, as they were received; what they said before stands beside them."),
        _("The decision is kept with your name and reason, and can be taken back."),
    ]
    if action != Action.REJECT:
        said.insert(1, _("Departments keep the studies they have; access that was granted follows the right patient."))
    return said


def ticked(study: Study, series: frozenset[int], instances: frozenset[int]) -> str:
    """What was ticked, counted."""
    whole = Series.objects.filter(study=study, pk__in=series).count()
    single = (
        Instance.objects.filter(study=study, pk__in=instances, is_rejected=False).exclude(series__in=series).count()
    )
    said = []
    if whole:
        said.append(ngettext("%(count)d whole series", "%(count)d whole series", whole) % {"count": whole})
    if single:
        said.append(ngettext("%(count)d single image", "%(count)d single images", single) % {"count": single})
    return _(" and ").join(said)


def of_correction(study: Study, identity: dict[str, Any]) -> Preview:
    """The study becomes another patient's."""
    found = ngettext(
        "All of this study (%(count)d image) shows the right patient everywhere: lists, pages, and what other systems fetch.",
        "All of this study (%(count)d images) shows the right patient everywhere: lists, pages, and what other systems fetch.",
        study.instance_count,
    ) % {"count": study.instance_count}
    later = _("Images that come later for this study and name the same wrong patient are put right as well.")
    told = _("Who opened the study lately, or was granted it, is told that it was put right.")
    return Preview(
        _("Correct the patient"), [found, later, told], kept(Action.CORRECT), traits(study.patient, identity)
    )


def of_move(study: Study, what: str, to: Study | None, after: dict[str, Any], *, series: frozenset[int]) -> Preview:
    """Images go to another study, or to a new one."""
    is_other = to is not None and to.patient_id != study.patient_id
    if to is None:
        changes = [_("To a new study: %(what)s.") % {"what": what}]
    else:
        changes = [
            _("To the study of %(day)s, %(title)s: %(what)s.")
            % {
                "what": what,
                "day": formats.date_format(timezone.localtime(to.study_at), "DATE_FORMAT"),
                "title": to.description or to.accession_number or _("untitled"),
            }
        ]
    if series:
        changes.append(_("Images that come later for a series moved as a whole follow it."))
    changes.append(_("Who opened one of the studies lately, or was granted it, is told that it was put right."))
    warning = (
        _("The study there is another patient's: the images will carry that patient's identity.") if is_other else ""
    )
    title = _("Split into a new study") if to is None else _("Move to another study")
    shown = traits(study.patient, after) if is_other or (after and to is None) else []
    return Preview(title, changes, kept(Action.MOVE), shown, warning)


def of_rejection(what: str, code: str) -> Preview:
    """Images are hidden."""
    changes = [
        _("Hidden everywhere, in lists, on pages and from other systems: %(what)s.") % {"what": what},
        _("The reason: %(reason)s.") % {"reason": Rejection.Code(code).label},
        _("A rejection note is kept in the study, so that other systems can be told (IHE IOCM)."),
    ]
    return Preview(_("Reject"), changes, [*kept(Action.REJECT), _("Nothing is erased.")])


def of_merge(merged: Patient, identity: dict[str, Any], *, seen: int) -> Preview:
    """Two records become one. Only the studies that the person sees are counted: of others nobody learns here."""
    changes = [
        ngettext(
            "%(count)d study of this patient becomes one of the patient who remains.",
            "%(count)d studies of this patient become studies of the patient who remains.",
            seen,
        )
        % {"count": seen},
        _(
            "Studies of this patient in departments that you do not see, if there are any, go along: a merge is of the person."
        ),
        _("Who opened one of the studies lately, or was granted it, is told that it was put right."),
        _("Images that come later under the old number follow."),
        _("Protections, granted access, oppositions and consents go along; of two answers the opposition holds."),
    ]
    return Preview(_("Merge patients"), changes, kept(Action.MERGE), traits(merged, identity), "")
