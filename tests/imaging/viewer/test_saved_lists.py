"""Saved lists: kept as filters, given to a department or a role, changed by those who may, and no right for anybody."""

import re
from uuid import uuid4

import pytest
from django.test import Client

from accounts.models import AuditEvent, Department, User
from accounts.roles import Role
from imaging.studies.models import ListLayout, SavedList
from tests.factories import arrivals
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db


@pytest.fixture
def reader(alice: User, client: Client) -> Client:
    """A browser in which Alice has signed in."""
    client.force_login(alice)
    return client


@pytest.fixture
def dora(emergency: Department) -> User:
    """Another clinician of emergency."""
    user = UserFactory.create(username="dora")
    MembershipFactory.create(user=user, department=emergency, role=Role.CLINICIAN)
    return user


@pytest.fixture
def manager(emergency: Department) -> User:
    """Who manages emergency."""
    user = UserFactory.create(username="manager")
    MembershipFactory.create(user=user, department=emergency, role=Role.DEPARTMENT_MANAGER)
    return user


def signed_in(user: User) -> Client:
    """A browser of that person."""
    client = Client()
    client.force_login(user)
    return client


def save(client: Client, name: str, state: str = "modality=CT&from=7d", recipient: str = "mine") -> SavedList:
    """Save the list of an address, and return it."""
    answer = client.post("/lists/save", {"name": name, "state": state, "recipient": recipient})
    assert answer.status_code == 302, answer.content
    return SavedList.objects.get(key=answer.headers["Location"].removeprefix("/?list="))


def side(client: Client, address: str = "/") -> str:
    """What stands beside the list."""
    text = client.get(address).content.decode()
    found = re.search(r'<nav class="side".*?</nav>', text, re.DOTALL)
    assert found
    return found[0]


def columns_in(text: str) -> str:
    """The columns of a page, in order, with the widths that were given."""
    found = re.search(r'data-columns="([^"]*)"', text)
    assert found
    return found[1]


def test_a_saved_list_keeps_filters_and_order_and_stays_relative(reader: Client) -> None:
    kept = save(reader, "  CT of\tthe week ", "from=7d&modality=CT&modality=MR&order=name&cursor=x&nonsense=1")
    assert kept.name == "CT of the week"
    assert kept.query == "from=7d&modality=CT&modality=MR&order=name"
    text = reader.get(f"/?list={kept.key}").content.decode()
    assert "CT, MR" in text
    assert "last 7 days" in text
    assert 'aria-sort="ascending"' in text
    assert "<bdi>CT of the week</bdi></h1>" in text


def test_what_is_typed_beside_a_list_replaces_its_filters(archive: Archive, reader: Client) -> None:
    archive.receive(arrivals.dataset(PatientName="Ct^A", Modality="CT"))
    archive.receive(arrivals.dataset(PatientName="Mr^B", Modality="MR", PatientID="2"))
    kept = save(reader, "CT", "modality=CT")
    assert "1 study" in reader.get(f"/?list={kept.key}").content.decode()
    changed = reader.get(f"/?modality=MR&list={kept.key}").content.decode()
    assert ">MR<" in changed
    assert "Keep these filters in the list" in changed
    answer = reader.post(f"/lists/{kept.key}/change", {"do": "filters", "state": f"modality=MR&list={kept.key}"})
    assert answer.status_code == 302
    kept.refresh_from_db()
    assert kept.query == "modality=MR"


def test_the_last_filter_of_a_list_can_be_removed(reader: Client) -> None:
    kept = save(reader, "CT", "modality=CT")
    text = reader.get(f"/?list={kept.key}").content.decode()
    removal = re.search(r'class="chip-x"\s+href="([^"]+)"', text)
    assert removal
    assert removal[1] == "/"


def test_a_list_given_to_a_department_is_found_by_its_members_only(
    reader: Client, dora: User, bob: User, emergency: Department
) -> None:
    kept = save(reader, "Hips after a fall", "q=hip", f"department:{emergency.code}")
    assert "Hips after a fall" in side(signed_in(dora))
    assert "Hips after a fall" not in side(signed_in(bob))
    stranger = signed_in(bob).get(f"/?list={kept.key}").content.decode()
    assert "not there any more, or is not yours" in stranger
    assert "Hips" not in stranger
    absent = signed_in(bob).get(f"/?list={uuid4()}").content.decode()
    assert "not there any more, or is not yours" in absent


def test_a_list_shows_each_reader_only_their_own_studies(
    archive: Archive, reader: Client, orthopaedics: Department, emergency: Department
) -> None:
    archive.receive(arrivals.dataset(PatientName="Mine^A"))
    archive.receive(arrivals.dataset(PatientName="Theirs^B", PatientID="2"), department=orthopaedics)
    kept = save(reader, "All", "order=name", f"department:{emergency.code}")
    member = UserFactory.create()
    MembershipFactory.create(user=member, department=emergency, role=Role.TRAINEE)
    text = signed_in(member).get(f"/?list={kept.key}").content.decode()
    assert "MINE" in text
    assert "THEIRS" not in text


def test_a_list_cannot_be_given_where_one_may_not(reader: Client, orthopaedics: Department) -> None:
    for recipient in (
        f"department:{orthopaedics.code}",
        "department:nowhere",
        "role:radiologist",
        "role:nonsense",
        "x",
    ):
        answer = reader.post("/lists/save", {"name": "N", "state": "", "recipient": recipient}, follow=True)
        refused = "cannot give lists" in answer.content.decode()
        assert refused is (recipient != "x"), recipient
    assert {kept.audience for kept in SavedList.objects.all()} == {"mine"}


def test_a_manager_keeps_lists_of_a_role_and_its_people_find_them(manager: User, alice: User, bob: User) -> None:
    kept = save(signed_in(manager), "For clinicians", "from=today", "role:clinician")
    assert "For clinicians" in side(signed_in(alice))
    assert "For clinicians" in side(signed_in(bob))
    assert signed_in(alice).post(f"/lists/{kept.key}/delete").status_code == 404
    assert SavedList.objects.filter(pk=kept.pk).exists()


def test_others_cannot_change_a_list_of_the_department_and_its_manager_can(
    reader: Client, dora: User, manager: User, emergency: Department
) -> None:
    kept = save(reader, "Old", "q=hip", f"department:{emergency.code}")
    for do in ("change", "up", "filters"):
        body = {"do": do, "name": "Mine now", "state": "q=knee", "recipient": "mine"}
        assert signed_in(dora).post(f"/lists/{kept.key}/change", body).status_code == 404
    assert signed_in(dora).post(f"/lists/{kept.key}/delete").status_code == 404
    new = {"do": "change", "name": "New", "recipient": f"department:{emergency.code}"}
    assert signed_in(manager).post(f"/lists/{kept.key}/change", new).status_code == 302
    kept.refresh_from_db()
    assert (kept.name, kept.query, kept.audience) == ("New", "q=hip", "department")
    assert signed_in(manager).post(f"/lists/{kept.key}/delete").status_code == 302
    assert not SavedList.objects.exists()


def test_who_left_a_department_decides_no_more_what_its_readers_find(
    dora: User, emergency: Department, manager: User
) -> None:
    kept = save(signed_in(dora), "Ours", recipient=f"department:{emergency.code}")
    dora.memberships.all().delete()
    gone = signed_in(dora)
    for do in ("filters", "up"):
        answer = gone.post(f"/lists/{kept.key}/change", {"do": do, "state": "q=nobody"})
        assert answer.status_code == 404, do
    assert gone.post(f"/lists/{kept.key}/delete").status_code == 404
    kept.refresh_from_db()
    assert "nobody" not in kept.query
    assert signed_in(manager).post(f"/lists/{kept.key}/delete").status_code == 302


def test_a_stranger_gets_the_same_answer_for_a_list_of_others_and_for_none(reader: Client, bob: User) -> None:
    kept = save(reader, "Secret name")
    for key in (kept.key, uuid4()):
        for step in ("change", "delete"):
            answer = signed_in(bob).post(f"/lists/{key}/{step}", {"do": "change", "name": "x", "recipient": "mine"})
            assert answer.status_code == 404
            assert b"Secret name" not in answer.content


def test_lists_are_arranged(reader: Client) -> None:
    names = ["One", "Two", "Three"]
    kept = {name: save(reader, name) for name in names}
    reader.post(f"/lists/{kept['Three'].key}/change", {"do": "up"})
    reader.post(f"/lists/{kept['One'].key}/change", {"do": "up"})
    assert [row.name for row in SavedList.objects.all()] == ["One", "Three", "Two"]
    text = reader.get("/lists/").content.decode()
    assert text.index(">Three<") < text.index(">Two<")


@pytest.mark.parametrize(
    ("name", "told"),
    [("", "needs a name"), (" \x00\u200b\t", "needs a name"), ("x" * 81, "longer than 80")],
)
def test_a_name_that_cannot_be_kept_is_said(name: str, told: str, reader: Client) -> None:
    answer = reader.post("/lists/save", {"name": name, "state": "modality=CT", "recipient": "mine"}, follow=True)
    assert told in answer.content.decode()
    assert not SavedList.objects.exists()


def test_a_hostile_name_is_shown_as_text_and_a_hostile_state_leads_nowhere_else(reader: Client) -> None:
    save(reader, "<img src=x onerror=alert(1)>\u202egnp.exe", "q=%3Cb%3E")
    text = side(reader)
    assert "<img src=x" not in text
    assert "&lt;img src=x" in text
    answer = reader.post("/lists/layout", {"state": "//evil.example/?q=1", "do": "keep"})
    assert answer.headers["Location"].startswith("/")
    assert "evil" not in answer.headers["Location"]


def test_too_many_filters_are_refused_and_so_is_the_hundred_and_first_list(reader: Client, alice: User) -> None:
    long = "&".join(f"body=PART{number:060}" for number in range(40))
    answer = reader.post("/lists/save", {"name": "Long", "state": long, "recipient": "mine"}, follow=True)
    assert "too many filters" in answer.content.decode()
    SavedList.objects.bulk_create(SavedList(name=str(number), owner=alice) for number in range(100))
    answer = reader.post("/lists/save", {"name": "One more", "state": "", "recipient": "mine"}, follow=True)
    assert "you have 100 lists" in answer.content.decode()


def test_what_is_done_with_lists_is_on_record_without_their_filters(reader: Client) -> None:
    kept = save(reader, "Durand", "q=durand")
    reader.post(f"/lists/{kept.key}/change", {"do": "change", "name": "D", "recipient": "mine"})
    reader.post(f"/lists/{kept.key}/delete")
    events = AuditEvent.objects.filter(subject_uid=str(kept.key)).order_by("at")
    assert [event.action for event in events] == ["list.saved", "list.changed", "list.deleted"]
    assert "durand" not in str([event.detail for event in events if event.action != "list.saved"]).lower()
    assert "q=" not in str([event.detail for event in events])


def test_columns_order_width_and_density_are_kept_per_reader_and_list(reader: Client, alice: User) -> None:
    kept = save(reader, "CT")
    form = {
        "state": f"list={kept.key}",
        "position": ["study", "name", "mrn", "date", "referring", "nonsense"],
        "column": ["mrn", "date", "referring", "nonsense"],
        "width-mrn": "123",
        "width-date": "9999",
        "width-referring": "-5; color:red",
        "density": "compact",
        "do": "keep",
    }
    assert reader.post("/lists/layout", form).headers["Location"] == f"/?list={kept.key}"
    text = reader.get(f"/?list={kept.key}").content.decode()
    assert columns_in(text) == "select,image,study,name,mrn.123,date.800,referring"
    assert "studies-compact" in text
    assert "studies-compact" not in reader.get("/").content.decode()
    reader.post("/lists/layout", {**form, "do": "up:date"})
    assert "date.800,mrn.123" in columns_in(reader.get(f"/?list={kept.key}").content.decode())
    reader.post("/lists/layout", {**form, "do": "reset"})
    assert "mrn.123" not in columns_in(reader.get(f"/?list={kept.key}").content.decode())
    assert not ListLayout.objects.filter(user=alice, saved_list=kept).exists()


def test_columns_given_with_a_list_are_what_its_readers_see_first(
    reader: Client, dora: User, emergency: Department
) -> None:
    kept = save(reader, "Ours", "modality=CT", f"department:{emergency.code}")
    form = {"state": f"list={kept.key}", "position": ["name", "study", "source"], "column": ["source"], "do": "give"}
    reader.post("/lists/layout", form)
    theirs = signed_in(dora)
    assert columns_in(theirs.get(f"/?list={kept.key}").content.decode()) == "select,image,name,study,source"
    assert theirs.post("/lists/layout", form).status_code == 404


def test_the_style_sheet_of_columns_holds_nothing_of_the_address_but_widths(reader: Client) -> None:
    answer = reader.get("/studies/columns.css?columns=name.240,mrn,%7D*%7Bcolor:red%7D,date.5x,body.00")
    text = answer.content.decode()
    assert answer.headers["Content-Type"].startswith("text/css")
    assert "240px" in text
    assert "red" not in text
    assert text.count("{") == text.count("}")
