"""What was done and by which way, in words that a patient understands: no codes, no jargon."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from django.utils.functional import Promise
from django.utils.translation import gettext_lazy as _

from accounts.audit import Action
from accounts.roles import Door

#: What counts as a look at a patient's record or images, or as taking them out. All else is the desk's own interest.
LOOKS: Final[Mapping[Action, str | Promise]] = MappingProxyType(
    {
        Action.STUDY_OPENED: _("opened an examination"),
        Action.STUDY_PREVIEWED: _("looked at the summary of an examination"),
        Action.STUDY_PREFETCHED: _("was shown an examination in a list"),
        Action.PRIOR_OPENED: _("opened an earlier examination to compare"),
        Action.METADATA_READ: _("read the technical data of the images"),
        Action.FRAMES_READ: _("looked at the images"),
        Action.INSTANCES_RETRIEVED: _("received a copy of the images"),
        Action.STUDY_EXPORTED: _("downloaded the images"),
        Action.STUDIES_QUERIED: _("found you in a search"),
        Action.LIST_EXPORTED: _("downloaded a list that names you"),
        Action.EMERGENCY_STARTED: _("opened the record in an emergency"),
        Action.PACKAGE_EXPORTED: _("downloaded a copy of your data to hand it over to you"),
        Action.SHARE_MADE: _("gave somebody a link to your images"),
        Action.SHARE_DECIDED: _("agreed to a link to your images, or refused it"),
        Action.SHARE_SENT: _("sent or printed a link to your images"),
        Action.SHARE_OPENED: _("opened a link to your images"),
        Action.SHARE_PROVED: _("proved to be the one for whom the link was"),
        Action.SHARE_TOKEN_GIVEN: _("let another archive fetch your images by a link"),
        Action.SHARE_REFUSED: _("tried to open a link to your images"),
        Action.SHARE_CHANGED: _("changed until when or how a link to your images opens"),
        Action.SHARE_REVOKED: _("ended a link to your images"),
        Action.COLLECTION_STUDY_ADDED: _("put an examination into a collection of studies"),
        Action.COLLECTION_STUDY_REMOVED: _("took an examination out of a collection of studies"),
        Action.COPY_ASKED: _("had a copy of your images made that does not name you"),
        Action.COPY_DECIDED: _("looked at your images before a copy of them that does not name you"),
        Action.TRANSFER_DECIDED: _("agreed to send your images to another archive, or refused it"),
        Action.TRANSFER_STARTED: _("began to send your images to another archive"),
        Action.TRANSFER_DONE: _("sent your images to another archive"),
        Action.TRANSFER_FAILED: _("could not send your images to another archive, or not all of them"),
        Action.TRANSFER_STOPPED: _("stopped sending your images to another archive"),
    }
)

#: What is done about links: by whoever passes images on for a department, and by who opens them.
SHARING: Final[frozenset[str]] = frozenset(
    action.value
    for action in (
        *(Action.SHARE_MADE, Action.SHARE_DECIDED, Action.SHARE_SENT, Action.SHARE_OPENED, Action.SHARE_PROVED),
        *(Action.SHARE_TOKEN_GIVEN, Action.SHARE_REFUSED, Action.SHARE_CHANGED, Action.SHARE_REVOKED),
        Action.SHARES_READ,
    )
)

#: What is done about sets of studies that colleagues look at together.
COLLECTING: Final[frozenset[str]] = frozenset(
    action.value
    for action in (
        *(Action.COLLECTION_STUDY_ADDED, Action.COLLECTION_STUDY_REMOVED, Action.COLLECTION_COMMENTED),
        Action.COLLECTION_OPENED,
    )
)

#: What is done about images that go into the archive of a partner.
TRANSFERRING: Final[frozenset[str]] = frozenset(
    action.value
    for action in (
        *(Action.TRANSFER_ASKED, Action.TRANSFER_DECIDED, Action.TRANSFER_STARTED, Action.TRANSFER_DONE),
        *(Action.TRANSFER_FAILED, Action.TRANSFER_STOPPED),
    )
)

DOORS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        Door.PAGE: _("on the hospital's own pages"),
        Door.UPLOAD: _("when images were added"),
        Door.DICOMWEB: _("from another program of the hospital"),
        Door.API: _("from another program of the hospital"),
        Door.FHIR: _("from the electronic patient record"),
        Door.DIMSE: _("from a machine or workstation of the hospital"),
        Door.HL7: _("from another program of the hospital"),
        Door.SHARE: _("by a link that was given to somebody"),
        Door.COMMAND: _("at the hospital's computer centre"),
    }
)

#: Who it was, when it was no person.
KINDS: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {
        "machine": _("A program of the hospital"),
        "application_entity": _("A machine or workstation of the hospital"),
        "share": _("Somebody who was given a link"),
        "system": _("The portal itself"),
    }
)

#: Why a record was opened in an emergency: codes of HL7 v3 PurposeOfUse.
PURPOSES: Final[Mapping[str, str | Promise]] = MappingProxyType(
    {"ETREAT": _("emergency treatment"), "BTG": _("care that could not wait")}
)


def action_in_words(action: str) -> str:
    """What was done; actions that are no look by their own label."""
    known = {str(key): text for key, text in LOOKS.items()}
    return str(known[action] if action in known else Action(action).label)


def door_in_words(door: str, kind: str = "") -> str:
    """By which way; empty when it is not on record. A person who asks by DICOMweb does so with the viewer of our pages."""
    is_viewer = kind == "user" and door == Door.DICOMWEB
    return str(DOORS.get(Door.PAGE if is_viewer else door, ""))


def kind_in_words(kind: str) -> str:
    """Who it was when it was no person; empty for people."""
    return str(KINDS.get(kind, ""))
