"""Who had a study in hand that was put right is told so: what they saw may have been another person's. Names no patient."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Final

from django.db.models import Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy

from accounts import audit
from accounts.actor import Actor
from accounts.audit import selectors as audit_selectors
from accounts.models import User
from accounts.notifications import groups, kinds, services
from accounts.notifications.kinds import Kind
from imaging.studies.models import Grant, Study

#: Who opened the study in these days is told.
DAYS: Final = 30
_MOST: Final = 500
_OPENED: Final = (audit.Action.STUDY_OPENED, audit.Action.PRIOR_OPENED, audit.Action.STUDY_EXPORTED)

PUT_RIGHT: Final = kinds.register(
    Kind(
        name="repair.put_right",
        group=groups.ACCESS,
        label=gettext_lazy("A study that I opened lately was put right"),
        title=gettext_lazy("A study that you opened lately was put right"),
        text=gettext_lazy(
            "Its patient or its images have changed since, because there had been a mistake. Look at it again before you "
            "rely on what you saw. Where it is not yours to see any more, its page says so."
        ),
    )
)


def holders_of(studies: Iterable[Study]) -> dict[int, list[User]]:
    """Who opened each study lately, or was granted it by name; by the key of the study. Ask before it changes hands."""
    return {study.pk: _holders(study) for study in studies}


def tell(held: dict[int, list[User]], studies: Iterable[Study], *, actor: Actor) -> None:
    """Tell those who had these studies in hand that they changed."""
    for study in studies:
        services.notify(
            held.get(study.pk, []),
            PUT_RIGHT,
            path=reverse("viewer:study", args=[study.study_instance_uid]),
            subject=("study", study.study_instance_uid),
            actor=actor,
        )


def _holders(study: Study) -> list[User]:
    since = timezone.now() - timedelta(days=DAYS)
    events = audit_selectors.events_of_subject("study", study.study_instance_uid, since=since)
    rows = events.filter(action__in=_OPENED, actor_kind="user", outcome="success").order_by()
    keys = {int(key) for key in rows.values_list("actor_id", flat=True).distinct()[:_MOST] if key.isdigit()}
    granted = Grant.objects.live().filter(Q(study=study) | Q(patient=study.patient_id), holder__is_personal=True)
    named = Q(pk__in=keys) | Q(own_place__in=granted.values("holder"))
    return list(User.objects.filter(named, is_active=True).order_by("pk"))
