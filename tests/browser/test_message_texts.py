"""Texts of messages and the gateway for text messages, in a real browser: they fit, speak and satisfy axe."""

from typing import Any

import pytest
from django.urls import reverse

from accounts.messaging import notices
from accounts.messaging.models import MessageTemplate, SmsBackend, SmsGatewaySettings
from accounts.models import Theme, User
from tests.browser.conftest import PHONE, WIDE, OpenPage
from tests.browser.test_pages import AXE
from tests.factories.accounts import UserFactory

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


@pytest.mark.parametrize("viewport", [WIDE, PHONE], ids=["wide", "phone"])
@pytest.mark.parametrize(("theme", "language"), [(Theme.DARK, "en"), (Theme.LIGHT, "fr")])
def test_the_pages_of_messages_fit_speak_and_satisfy_axe(
    open_page: OpenPage, viewport: Any, theme: Theme, language: str
) -> None:
    administrator: User = UserFactory.create(is_staff=True, is_superuser=True, theme=theme, language=language)
    text = MessageTemplate.objects.create(
        kind=notices.CODE_BY_MAIL.name, language="en", subject="Your code", body="Type this:\n\n{code}"
    )
    SmsGatewaySettings.objects.create(pk=1, backend=SmsBackend.FILE)
    page = open_page(administrator, viewport=viewport)
    page.context.add_init_script(path=AXE)
    complaints = []
    for address in (
        reverse("admin:accounts_messagetemplate_change", args=[text.pk]),
        reverse("admin:accounts_messagetemplate_preview", args=[text.pk]),
        reverse("admin:accounts_smsgatewaysettings_change", args=[1]),
        reverse("admin:accounts_smsgatewaysettings_try"),
    ):
        response = page.goto(address)
        assert response is not None
        assert response.status == 200, address
        if page.evaluate("document.documentElement.scrollWidth > innerWidth + 1"):
            complaints.append(f"{address}: wider than the screen")
        found = page.evaluate("axe.run({ resultTypes: ['violations'], preload: false })")
        complaints += [f"{address}: {rule['id']} {rule['nodes'][0]['target']}" for rule in found["violations"]]
    assert not complaints
