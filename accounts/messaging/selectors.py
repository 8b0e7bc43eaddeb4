"""What is said, by what it can travel, and what became of it."""

from collections.abc import Mapping

from django.conf import settings
from django.utils import translation

from accounts.messaging import gateways, wording
from accounts.messaging.kinds import MessageKind
from accounts.messaging.models import MessageTemplate, OutgoingMessage, SmsBackend, SmsGatewaySettings
from accounts.messaging.wording import Words
from accounts.models import Department


def gateway_settings() -> SmsGatewaySettings:
    """Return how text messages leave; before anybody has set it, a demo writes them to a file."""
    found = SmsGatewaySettings.objects.filter(pk=1).first()
    return found or SmsGatewaySettings(pk=1, backend=SmsBackend.FILE if settings.DEMO else SmsBackend.NONE)


def can_text() -> bool:
    """Whether text messages leave at all: what cannot be sent is not offered."""
    return gateways.gateway_of(gateway_settings()) is not None


def texts(kind: MessageKind, *, language: str, department: Department | None) -> tuple[str, str]:
    """Return subject and body with their ``{places}``: the department's, the site's, or the portal's own."""
    rows = MessageTemplate.objects.filter(kind=kind.name, language=language)
    found = {row.department_id: row for row in rows.filter(department=None) | rows.filter(department=department)}
    row = found.get(department.pk if department else None) or found.get(None)
    if row is not None:
        return row.subject, row.body
    with translation.override(language):
        return str(kind.subject), str(kind.body)


def words(kind: MessageKind, *, language: str, department: Department | None, values: Mapping[str, str]) -> Words:
    """Return a message as its recipient will read it. Raises ``ValueError`` for values that are not the kind's."""
    subject, body = texts(kind, language=language, department=department)
    with translation.override(language):
        of_sender = {
            "department": department.label if department else settings.PRODUCT_NAME,
            "site": department.site.name if department else settings.PRODUCT_NAME,
        }
        return wording.fill(kind, subject=subject, body=body, values={**values, **of_sender})


def sender_name(language: str, department: Department | None) -> str:
    """Return under which name a mail comes: the department and its site."""
    if department is None:
        return str(settings.PRODUCT_NAME)
    with translation.override(language):
        return wording.one_line(f"{department.label}, {department.site.name}")


def about(subject_type: str, subject_uid: str) -> list[OutgoingMessage]:
    """Return the messages about one thing, the latest first: ``state``, ``sent_at`` and ``why`` say what became of each."""
    return list(OutgoingMessage.objects.filter(subject_type=subject_type, subject_uid=subject_uid).order_by("-pk"))
