"""Start and stop of the portal's processes are events."""

import pytest

from accounts.audit import Action, lifetime
from accounts.audit.models import AuditEvent


def _breaks_off() -> None:
    with lifetime.recorded("registrar"):
        assert [row.action for row in AuditEvent.objects.all()] == [Action.PORTAL_STARTED]
        raise RuntimeError


@pytest.mark.django_db
def test_a_process_tells_when_it_begins_and_ends_even_by_an_error() -> None:
    with pytest.raises(RuntimeError):
        _breaks_off()
    told = AuditEvent.objects.order_by("number")
    assert [(row.action, row.subject_uid) for row in told] == [
        (Action.PORTAL_STARTED, "registrar"),
        (Action.PORTAL_STOPPED, "registrar"),
    ]
    assert told[0].detail["pid"]
