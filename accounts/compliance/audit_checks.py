"""The audit: months ahead, who may change it, where it is sent, how long it is kept."""

from datetime import timedelta
from typing import Final

from django.db import connection
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from accounts.audit import spool
from accounts.compliance.registry import Answer, Area, attention, check, met, not_met
from accounts.models import AuditPolicy, AuditReceiver

_LATE: Final = timedelta(hours=1)
_MONTHS_AHEAD: Final = 2
_YEARS: Final = 6


@check(
    "audit.partitions",
    area=Area.AUDIT,
    title=gettext_lazy("The audit has room for the months to come"),
    requirements=("AU-6", "ASVS 16.2.1"),
)
def partitions() -> Answer:
    """How many months ahead have a partition of their own, and whether events fell beside them."""
    remedy = _("Run manage.py partitions as the role that owns the database, and see to its timer.")
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_inherits JOIN pg_class ON pg_class.oid = inhrelid"
            " WHERE inhparent = 'accounts_auditevent'::regclass"
            " AND relname > 'accounts_auditevent_' || to_char(now() AT TIME ZONE 'UTC', 'YYYY_MM')"
            " AND relname ~ '^accounts_auditevent_[0-9]{4}_[0-9]{2}$'"
        )
        ahead = int(cursor.fetchone()[0])
        cursor.execute("SELECT EXISTS (SELECT 1 FROM accounts_auditevent_default)")
        stray = bool(cursor.fetchone()[0])
    if stray:
        return not_met(_("Events have been written outside the months that there are."), remedy)
    words = ngettext("%(count)d month ahead is ready.", "%(count)d months ahead are ready.", ahead) % {"count": ahead}
    return met(words) if ahead >= _MONTHS_AHEAD else attention(words, remedy)


@check(
    "audit.unchangeable",
    area=Area.AUDIT,
    title=gettext_lazy("Nobody changes what is on record"),
    requirements=("ASVS 16.4.2", "HIPAA 164.312(b)", "HIPAA 164.312(c)(1)", "ISO 27001 A.8.15"),
)
def unchangeable() -> Answer:
    """Whether the application's role may only read and add, neither owns the table nor is above rights."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege('accounts_auditevent', 'UPDATE')"
            " OR has_table_privilege('accounts_auditevent', 'DELETE')"
            " OR has_table_privilege('accounts_auditevent', 'TRUNCATE')"
            " OR EXISTS (SELECT 1 FROM pg_class WHERE oid = 'accounts_auditevent'::regclass"
            "   AND pg_has_role(relowner, 'MEMBER'))"
        )
        may_change = bool(cursor.fetchone()[0])
    if may_change:
        return not_met(
            _("The portal's role in the database may change or delete what is on record."),
            _("Give the tables to a role of their own, and connect as one that owns nothing: docs/install.md."),
        )
    return met(_("The portal's role in the database may add to the audit and read it, and nothing else."))


@check(
    "audit.spool",
    area=Area.AUDIT,
    title=gettext_lazy("No event waits outside the database"),
    requirements=("AU-6", "ASVS 16.5.3"),
)
def spooled() -> Answer:
    """How many events wait in the spool."""
    count = spool.waiting()
    if not count:
        return met(_("Every event is in the database."))
    words = ngettext("%(count)d event waits in the spool.", "%(count)d events wait in the spool.", count)
    return not_met(
        words % {"count": count},
        _("They are written by themselves as soon as the database takes them: the log says what it refused."),
    )


@check(
    "audit.forwarding",
    area=Area.AUDIT,
    title=gettext_lazy("A copy of the audit lies on another host"),
    requirements=("ASVS 16.4.3", "IHE ATNA", "HDS traceability"),
)
def forwarding() -> Answer:
    """Whether a receiver is there, and takes what it is sent."""
    address = reverse("admin:index") + "#room-audit"
    receivers = list(AuditReceiver.objects.filter(is_active=True))
    if not receivers:
        return attention(
            _("The audit lies on this system alone: who takes the system takes its record too."),
            _("Name a receiver of the audit (syslog over TLS) on another host."),
            address=address,
        )
    before = timezone.now() - _LATE
    late = [row.name for row in receivers if row.failing_since is not None and row.failing_since < before]
    if late:
        return not_met(
            _("These receivers have taken nothing for an hour or more: %(names)s.") % {"names": ", ".join(late)},
            _("Look at their host and certificate. What waits is kept, and sent in order."),
            address=address,
        )
    return met(_("The audit is sent on, and taken."), address=address)


@check(
    "audit.retention",
    area=Area.AUDIT,
    title=gettext_lazy("The hospital has decided how long the audit is kept"),
    requirements=("GDPR 5(1)(e)", "HIPAA 164.316(b)(2)(i)"),
)
def retention() -> Answer:
    """Whether the policy was set, and is long enough."""
    address = reverse("admin:index") + "#room-audit"
    row = AuditPolicy.objects.first()
    if row is None:
        return attention(
            _("Nobody has decided yet how long the audit is kept; until then nothing is removed."),
            _("Decide it with the privacy officer, and write it down in the audit policy."),
            address=address,
        )
    words = ngettext(
        "The audit is kept for %(count)d year.", "The audit is kept for %(count)d years.", row.retention_years
    ) % {"count": row.retention_years}
    if row.retention_years < _YEARS:
        return attention(words, _("Several laws ask for six years or more: ask the privacy officer."), address=address)
    return met(words, address=address)
