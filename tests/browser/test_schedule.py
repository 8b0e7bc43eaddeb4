"""The calendar of rooms in a real browser: booked by dragging and by keys, refused where it has to be, alive, and on a phone."""

import datetime as dt
import re
from zoneinfo import ZoneInfo

import pytest
from playwright.sync_api import Locator, Page, expect

from accounts.actor import SYSTEM
from accounts.models import Department, User
from accounts.roles import Role
from imaging.orders.models import Downtime, ExamRequest, OpeningHours, Room, ScheduledStep
from imaging.orders.scheduling import services
from imaging.orders.transitions import By
from tests.browser.conftest import PHONE, OpenPage, until
from tests.browser.test_access_requests import looked_at, opened
from tests.browser.test_pages import as_reader
from tests.factories.accounts import DepartmentFactory, MembershipFactory, UserFactory
from tests.factories.exam_requests import exam_request, procedure

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]
PARIS = ZoneInfo("Europe/Paris")
#: A Wednesday long ahead.
DAY = dt.date(2031, 3, 12)


@pytest.fixture
def radiology(emergency: Department) -> Department:
    return DepartmentFactory.create(code="radiology", name="Radiology", name_fr="Radiologie", site=emergency.site)


@pytest.fixture
def rita(radiology: Department) -> User:
    user = UserFactory.create(username="rita", display_name="Rita Blanc")
    MembershipFactory.create(user=user, department=radiology, role=Role.RADIOGRAPHER)
    return user


@pytest.fixture
def rooms(radiology: Department) -> list[Room]:
    """Two rooms for CT, open from eight to six; the second is serviced from noon to two."""
    made = [
        Room.objects.create(code=f"ct{number}", name=f"CT {number}", department=radiology, modalities=["CT"])
        for number in (1, 2)
    ]
    for room in made:
        for weekday in range(5):
            OpeningHours.objects.create(room=room, weekday=weekday, opens=dt.time(8), closes=dt.time(18))
    Downtime.objects.create(room=made[1], starts_at=at(12), ends_at=at(14), reason="Tube changed")
    return made


@pytest.fixture
def waiting(emergency: Department, radiology: Department) -> list[ExamRequest]:
    """A STAT and a routine request for CT, of half an hour each."""
    thorax = procedure(code="CT-X", name="CT of the thorax", duration_minutes=30)
    common = {"asking": emergency, "performing": radiology, "state": "vetted", "scheduled_for": None}
    return [
        exam_request(**common, procedure=thorax, typed_name="Nadeau^Philippe", priority=0, priority_reason="Stroke"),
        exam_request(**common, procedure=thorax, typed_name="Durand^Paul"),
    ]


def at(hour: int, minute: int = 0, *, day: dt.date = DAY) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour, minute), tzinfo=PARIS)


def places() -> dict[str, tuple[str, dt.datetime]]:
    """Room and time of everything that is booked, by patient."""
    rows = ScheduledStep.objects.filter(status__in=ScheduledStep.LIVE).select_related("room", "request")
    return {row.request.typed_name: (row.room.code, row.starts_at) for row in rows}


def lane(page: Page, column: int) -> Locator:
    return page.locator("[data-lane]").nth(column)


def drag(page: Page, what: Locator, column: int, moment: dt.datetime) -> None:
    """Carry something to a time of a column, by the grid from eight to six."""
    expect(what).to_be_visible()
    box = what.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + 3)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] / 2 + 20, box["y"] + 20, steps=3)
    goal = lane(page, column).bounding_box()
    assert goal
    down = ((moment - at(8)) / dt.timedelta(hours=10)) * goal["height"]
    page.mouse.move(goal["x"] + goal["width"] / 2, goal["y"] + down + 1, steps=5)
    page.mouse.up()


def said(page: Page, words: str) -> None:
    expect(page.locator("[data-schedule-said]")).to_contain_text(words)


def test_a_request_is_dragged_to_a_place_moved_and_refused_where_somebody_lies(
    rooms: list[Room], waiting: list[ExamRequest], rita: User, open_page: OpenPage
) -> None:
    page = opened(open_page, as_reader(rita, "en", "dark"))
    page.set_viewport_size({"width": 1440, "height": 1300})
    page.goto(f"/schedule/?day={DAY}")
    drag(page, page.get_by_role("link", name="NADEAU Philippe"), 0, at(9))
    said(page, "Booked")
    expect(lane(page, 0).get_by_role("link", name="NADEAU Philippe")).to_be_visible()
    assert places() == {"Nadeau^Philippe": ("ct1", at(9))}

    drag(page, page.locator(".waiting-list").get_by_role("link", name="DURAND Paul"), 0, at(9, 15))
    said(page, "the place is taken")
    assert len(places()) == 1
    expect(page.locator(".waiting-list").get_by_role("link", name="DURAND Paul")).to_be_visible()

    drag(page, page.locator(".lane").get_by_role("link", name="NADEAU Philippe"), 1, at(15, 30))
    said(page, "Booked")
    expect(lane(page, 1).get_by_role("link", name="NADEAU Philippe")).to_be_visible()
    assert places() == {"Nadeau^Philippe": ("ct2", at(15, 30))}

    drag(page, page.locator(".waiting-list").get_by_role("link", name="DURAND Paul"), 1, at(12, 30))
    said(page, "the room is closed then")
    expect(page.locator("#schedule-one")).not_to_be_visible()
    looked_at(page, "schedule")


def test_a_stat_exam_in_a_closed_room_asks_why(
    rooms: list[Room], waiting: list[ExamRequest], rita: User, open_page: OpenPage
) -> None:
    page = opened(open_page, as_reader(rita, "fr", "light"))
    page.set_viewport_size({"width": 1440, "height": 1300})
    page.goto(f"/schedule/?day={DAY}")
    drag(page, page.get_by_role("link", name="NADEAU Philippe"), 1, at(13))
    expect(page.locator("#schedule-one")).to_be_visible()
    assert page.input_value("#book-at") == "2031-03-12T13:00"
    assert page.input_value("#book-room") == "ct2"
    looked_at(page, "schedule-why")
    page.fill("#book-why", "Alteplase, CT 1 is full")
    page.locator("#schedule-one .btn-primary").click()
    until(lambda: places() == {"Nadeau^Philippe": ("ct2", at(13))}, "it was not booked")


def test_the_keys_do_what_the_pointer_does(
    rooms: list[Room], waiting: list[ExamRequest], rita: User, open_page: OpenPage
) -> None:
    page = opened(open_page, as_reader(rita, "en", "dark"))
    page.goto(f"/schedule/?day={DAY}")
    request = page.locator(".waiting-list").get_by_role("link", name="DURAND Paul")
    request.focus()
    page.keyboard.press("Space")
    said(page, "DURAND Paul picked up, CT 1, 08:00")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowRight")
    said(page, "CT 2, 08:35")
    page.keyboard.press("Escape")
    said(page, "Left where it was")
    assert places() == {}
    page.keyboard.press("Space")
    page.keyboard.press("Shift+ArrowDown")
    page.keyboard.press("Enter")
    said(page, "Booked")
    assert places() == {"Durand^Paul": ("ct1", at(8, 30))}
    expect(lane(page, 0).get_by_role("link", name="DURAND Paul")).to_be_focused()


def test_what_a_colleague_books_appears_and_the_second_is_told(
    rooms: list[Room], waiting: list[ExamRequest], rita: User, open_page: OpenPage
) -> None:
    page = opened(open_page, as_reader(rita, "en", "dark"))
    page.set_viewport_size({"width": 1440, "height": 1300})
    page.goto(f"/schedule/?day={DAY}")
    slot = page.locator(".waiting-list").get_by_role("link", name="DURAND Paul")
    box = slot.bounding_box()
    assert box
    page.mouse.move(box["x"] + 30, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + 60, box["y"] + 40, steps=3)
    services.book(waiting[1].key, rooms[1], at(10), by=By(SYSTEM), seen_version=None)
    goal = lane(page, 0).bounding_box()
    assert goal
    page.mouse.move(goal["x"] + 40, goal["y"] + 40, steps=3)
    page.mouse.up()
    said(page, "Somebody has changed this request meanwhile")
    assert places() == {"Durand^Paul": ("ct2", at(10))}
    expect(lane(page, 1).get_by_role("link", name="DURAND Paul")).to_be_visible()


def test_a_week_of_a_room_on_a_phone_and_a_place_given_back(
    rooms: list[Room], waiting: list[ExamRequest], rita: User, open_page: OpenPage
) -> None:
    services.book(waiting[1].key, rooms[0], at(10), by=By(SYSTEM), seen_version=None)
    page = opened(open_page, as_reader(rita, "fr", "light"))
    page.goto(f"/schedule/?view=week&room=ct1&day={DAY}")
    expect(page.locator("[data-column]")).to_have_count(7)
    looked_at(page, "schedule-week")
    page.set_viewport_size(PHONE)
    page.locator(".lane").get_by_role("link", name="DURAND Paul").click()
    looked_at(page, "schedule-place")
    page.locator("#schedule-one footer button").click()
    expect(page).to_have_url(re.compile(rf"view=week&room=ct1&day={DAY}"))
    assert places() == {}


def test_without_a_script_a_place_is_chosen_on_a_page_of_its_own(
    rooms: list[Room], waiting: list[ExamRequest], rita: User, open_page: OpenPage
) -> None:
    page = open_page(as_reader(rita, "en", "dark"), java_script_enabled=False)
    page.goto(f"/schedule/?day={DAY}")
    with page.expect_navigation():
        page.locator(".waiting-list a").last.click()
    page.fill("#book-at", "2031-03-12T12:30")
    page.select_option("#book-room", "ct2")
    with page.expect_navigation():
        page.click(".btn-primary")
    expect(page.get_by_text("the room is closed then")).to_be_visible()
    assert page.input_value("#book-at") == "2031-03-12T12:30", "what was typed stays"
    page.select_option("#book-room", "ct1")
    with page.expect_navigation():
        page.click(".btn-primary")
    assert places() == {"Durand^Paul": ("ct1", at(12, 30))}
