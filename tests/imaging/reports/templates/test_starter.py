"""A hospital begins with the templates that come with the portal, and what it changes in them stays."""

import pytest
from django.contrib.messages import get_messages
from django.test import Client

from accounts.audit.models import AuditEvent
from accounts.models import User
from imaging.reports.models import ReportMacro, ReportTemplate
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db

LIST = "/admin/imaging/reporttemplate/"
LOAD = f"{LIST}starter/"


@pytest.fixture
def admin(client: Client) -> Client:
    """An administrator's browser."""
    client.force_login(UserFactory.create(username="root", is_staff=True, is_superuser=True))
    return client


def said(answer: object) -> list[str]:
    return [str(message) for message in get_messages(answer.wsgi_request)]  # type: ignore[attr-defined]


def test_an_administrator_loads_them_by_a_button_and_it_is_on_record(admin: Client) -> None:
    assert "Load the starter templates" in admin.get(LIST).content.decode()
    answer = admin.post(LOAD)
    count = ReportTemplate.objects.count()
    assert said(answer) == [f"{count} templates were added. What was there is as it was."]
    assert set(ReportTemplate.objects.values_list("language", flat=True)) == {"en", "fr"}
    event = AuditEvent.objects.get(action="setting.changed", subject_type="report templates")
    assert event.actor_name == "root"
    assert event.detail["count"] == count
    assert event.detail["macros"] == ReportMacro.objects.count()


def test_the_second_time_adds_nothing_and_overwrites_nothing(admin: Client) -> None:
    admin.post(LOAD)
    changed = ReportTemplate.objects.order_by("pk").first()
    assert changed is not None
    ReportTemplate.objects.filter(pk=changed.pk).update(name="Ours", sections=[], is_active=False)
    ReportMacro.objects.filter(word="nochange").update(text="As before.")
    events = AuditEvent.objects.filter(subject_type="report templates").count()
    before = list(ReportTemplate.objects.order_by("pk").values())
    assert said(admin.post(LOAD))[-1:] == ["0 templates were added. What was there is as it was."]
    assert list(ReportTemplate.objects.order_by("pk").values()) == before
    assert ReportMacro.objects.get(word="nochange").text == "As before."
    assert AuditEvent.objects.filter(subject_type="report templates").count() == events


def test_looking_at_the_address_loads_nothing(admin: Client) -> None:
    assert admin.get(LOAD).status_code == 302
    assert not ReportTemplate.objects.exists()


def test_who_may_not_change_templates_loads_none(alice: User, client: Client) -> None:
    client.force_login(alice)
    assert client.post(LOAD).status_code in {302, 403, 404}
    assert not ReportTemplate.objects.exists()
