"""Shares without identity open, and are sent, when their copies are ready."""

from typing import Final

from django.db import transaction

from accounts.actor import SYSTEM
from imaging.sharing import log, notices
from imaging.sharing.copies import copying, selectors
from imaging.sharing.copies import services as copies
from imaging.sharing.making import services
from imaging.sharing.models import CopiedStudy, Share, ShareEvent

#: The step of the pipeline that makes a copy; its subject is the copy's key.
STEP: Final = copies.STEP
_State = CopiedStudy.State


def run(key: str) -> None:
    """Make one copy, and open the share that waits for it when it was the last: what the job does."""
    copied = copying.make(key)
    if copied is not None:
        follow(copied)


def follow(copied: CopiedStudy) -> None:
    """Do what is to be done when a copy has come as far as it can: tell who must look, or open the share."""
    if copied.state == _State.HELD:
        notices.tell_to_look(copied)
        return
    share = Share.objects.filter(deidentification=copied.deidentification_id).first()
    if share is None:
        return
    with transaction.atomic():
        held = Share.objects.select_for_update(of=("self",)).select_related("patient", "created_by").get(pk=share.pk)
        states = set(held.deidentification.copies.values_list("state", flat=True)) if held.deidentification else set()
        if held.state != Share.State.PREPARING or states - selectors.ENDED:
            return
        if _State.READY in states:
            services.open_prepared(held, actor=SYSTEM)
            return
        held.state = Share.State.REFUSED
        held.version += 1
        held.save(update_fields=["state", "version"])
        log.note(held, ShareEvent.Kind.NOT_PREPARED)
        notices.tell_owner(held, notices.NOT_PREPARED)
