"""Making a package: asked for, written in the background with its progress, cancelled, handed over, let go of."""

import hashlib
import itertools
import uuid
from collections.abc import Callable, Iterable, Iterator
from datetime import timedelta
from typing import BinaryIO, Final

from django.db import transaction
from django.utils import timezone, translation

from accounts import audit
from accounts.actor import Actor
from accounts.roles import Door, Right
from accounts.scope import Scope
from imaging.events import jobs
from imaging.privacy.looking import letters
from imaging.privacy.models import DataPackage, DataSubjectRequest, RequestLine
from imaging.privacy.officers import name_of
from imaging.privacy.packages import folder, holdings
from imaging.queues import LONG
from imaging.storage import services as storage
from imaging.studies.export import services as exports
from imaging.studies.export import zipped
from imaging.studies.export.zipped import Member
from imaging.studies.models import Patient

#: The step of the pipeline that writes a package; its subject is the package's key.
STEP: Final = "write the copy of a patient's data"
#: So often progress is written down, in objects.
_TELL: Final = 20
State = DataPackage.State


class NotReady(Exception):
    """There is no file to hand over: it is still being made, failed, was cancelled or is no longer kept."""


class _Cancelled(Exception):
    """Somebody does not want it any more."""


def ask(request: DataSubjectRequest, *, language: str, has_images: bool, actor: Actor) -> DataPackage:
    """Have the copy made. Raises ``AuditUnavailable``: nothing is made then."""
    if request.patient is None:
        raise ValueError("a package is of a patient")
    with transaction.atomic():
        made = DataPackage.objects.create(
            request=request,
            patient=request.patient,
            key=uuid.uuid4(),
            language=language,
            has_images=has_images,
            asked_by=name_of(actor),
            asked_by_id=actor.id[:32],
        )
        RequestLine.objects.create(request=request, what=RequestLine.What.PACKAGE, by=name_of(actor))
        _record(audit.Action.PACKAGE_ASKED, made, actor)
        jobs.enqueue([jobs.Ask(STEP, str(made.key), "", LONG)])
    return made


def cancel(package: DataPackage) -> bool:
    """Stop a package that is under way; the writer notices at its next object. False when it has ended."""
    under_way = DataPackage.objects.filter(pk=package.pk, state__in=[State.WAITING, State.RUNNING])
    return bool(under_way.update(state=State.CANCELLED))


def write(key: str) -> None:
    """Write the package of this key: what the job does. Begun again after a crash; nothing to do once it has ended."""
    package = DataPackage.objects.select_related("patient", "request").filter(key=key).first()
    if package is None or not package.is_under_way:
        return
    DataPackage.objects.filter(pk=package.pk, state=State.WAITING).update(state=State.RUNNING)
    try:
        with translation.override(package.language):
            digest = hashlib.sha256()
            length = folder.write(package.key, _counted(_pieces(package), digest))
    except _Cancelled:
        return
    except storage.StorageAway:
        raise  # the pipeline begins it again when the store answers
    except Exception as error:
        under_way = DataPackage.objects.filter(pk=package.pk, state__in=[State.WAITING, State.RUNNING])
        under_way.update(state=State.FAILED, problem=type(error).__name__[:40])
        raise
    days = letters.letterhead_of(package.patient).package_days
    now = timezone.now()
    ready = DataPackage.objects.filter(pk=package.pk, state=State.RUNNING).update(
        state=State.READY, length=length, digest=digest.hexdigest(), ready_at=now, until=now + timedelta(days=days)
    )
    if not ready:
        folder.remove(package.key)


def hand_over(package: DataPackage, *, actor: Actor) -> BinaryIO:
    """The file, on record as handed over. Raises :class:`NotReady`, and ``AuditUnavailable`` before anything is given."""
    path = folder.path_of(package.key)
    if package.state != State.READY or (package.until and package.until <= timezone.now()):
        raise NotReady
    try:
        file = path.open("rb")
    except FileNotFoundError:
        raise NotReady from None
    try:
        with transaction.atomic():
            RequestLine.objects.create(request=package.request, what=RequestLine.What.HANDED_OVER, by=name_of(actor))
            _record(audit.Action.PACKAGE_EXPORTED, package, actor)
    except BaseException:
        file.close()
        raise
    return file


def let_go() -> int:
    """Take away what is kept no longer; how many packages."""
    over = list(DataPackage.objects.filter(state=State.READY, until__lte=timezone.now())[:100])
    for package in over:
        folder.remove(package.key)
        DataPackage.objects.filter(pk=package.pk).update(state=State.EXPIRED)
    return len(over)


def scope_for(patient: Patient, actor: Actor) -> Scope:
    """What is handed to the patient: all studies of this one patient, the protected ones too, for they are the patient's."""
    labels = frozenset(patient.studies.values_list("sensitivity", flat=True)) - {""}
    return Scope(
        principal=actor,
        patients=frozenset({patient.pk}),
        rights=frozenset({Right.LIST, Right.VIEW, Right.DOWNLOAD}),
        cleared=labels,
        reason="request of the patient",
    )


def _pieces(package: DataPackage) -> Iterator[bytes]:
    patient = package.patient
    actor = Actor(kind="user", id=package.asked_by_id, name=package.asked_by, door=Door.PAGE)
    texts = holdings.files_of(patient, language=package.language)
    members = [Member(name, len(content), _given(content)) for name, content in texts]
    moment = timezone.localtime(package.asked_at)
    uids = list(
        patient.studies.filter(instance_count__gt=0)
        .order_by("study_at", "pk")
        .values_list("study_instance_uid", flat=True)
    )
    if package.has_images and uids:
        export = exports.prepare(scope_for(patient, actor), uids, actor=actor, form="package")
        DataPackage.objects.filter(pk=package.pk).update(total=export.count, done=0)
        members += export.members(_progress(package))
    return zipped.write(members, moment)


def _progress(package: DataPackage) -> exports.Tell:
    """Counts the objects, writes down how far it is, and ends what was cancelled."""
    numbers = itertools.count(1)

    def tell() -> None:
        number = next(numbers)
        if number % _TELL == 1:
            running = DataPackage.objects.filter(pk=package.pk, state=State.RUNNING)
            if not running.update(done=number):
                raise _Cancelled

    return tell


def _counted(pieces: Iterable[bytes], digest: "hashlib._Hash") -> Iterator[bytes]:
    for piece in pieces:
        digest.update(piece)
        yield piece


def _given(content: bytes) -> Callable[[], list[bytes]]:
    return lambda: [content]


def _record(action: audit.Action, package: DataPackage, actor: Actor) -> None:
    audit.record(
        action,
        actor=actor,
        subject_type="package",
        subject_uid=str(package.key),
        patient_id=package.patient.patient_id,
        issuer_of_patient_id=package.patient.issuer_of_patient_id,
        detail={
            "request": package.request.reference,
            "images": package.has_images,
            "bytes": package.length,
            "digest": package.digest,
        },
        fail_closed=True,
    )
