"""A health link in a real browser: made on the recipient's phone, drawn as a QR code, opened behind our own page."""

import json
from pathlib import Path

import pytest

from imaging.sharing.models import Share, ShareHealthLink
from imaging.sharing.models.choices import Factor
from imaging.studies.models import Study
from tests.browser.conftest import PHONE, OpenPage
from tests.browser.test_shares import chest, looked_at
from tests.shared_links import Sharing

__all__ = ["chest"]

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


def test_a_recipient_makes_one_and_another_browser_opens_it_with_the_passcode(
    chest: Study, sharing: Sharing, open_page: OpenPage, tmp_path: Path
) -> None:
    made = sharing(chest, factor=Factor.PRINTED, may_download=True)
    page = open_page(None, viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto(f"/s/{made.share.key}/#{made.handed.secret}")
    page.get_by_role("button", name="Open the images").click()
    page.get_by_role("textbox").first.fill(made.handed.proof)
    page.get_by_role("button", name="Show the images").click()
    page.get_by_role("link", name="Add these images to a health wallet").click()
    looked_at(page, "wallet")
    page.get_by_role("button", name="Make a link for my wallet").click()
    page.get_by_role("img", name="QR code of the link").wait_for()
    looked_at(page, "wallet-made")
    address = page.get_by_label("Link", exact=True).input_value()
    passcode = page.locator("dd code").inner_text()

    other = open_page(None, viewport=PHONE, has_touch=True, is_mobile=True)
    sent: list[str] = []
    other.on(
        "request", lambda request: sent.append(f"{request.url} {request.post_data or ''} {json.dumps(request.headers)}")
    )
    other.goto(f"/s/{made.share.key}/shl#{address.partition('#')[2]}")
    other.get_by_label("The passcode of the link").fill(passcode)
    looked_at(other, "wallet-here")
    other.get_by_role("button", name="Open the images").click()
    other.locator(".shared-study").first.wait_for()
    assert "#" not in other.url
    assert not [line for line in sent if "shlink:" in line or address.partition("#")[2][9:60] in line]
    assert ShareHealthLink.objects.count() == 1
    assert Share.objects.get().opens == 2


def test_a_link_that_is_cut_off_says_so(chest: Study, sharing: Sharing, open_page: OpenPage) -> None:
    made = sharing(chest, factor=Factor.PRINTED, may_download=True)
    page = open_page(None, viewport=PHONE, has_touch=True, is_mobile=True)
    page.goto(f"/s/{made.share.key}/shl#shlink:/eyJ1cmwiOiJo")
    assert page.get_by_text("The link is not whole").is_visible()
    assert page.get_by_label("The passcode of the link").is_hidden()
    looked_at(page, "wallet-cut")
