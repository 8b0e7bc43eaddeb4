from datetime import date, timedelta

import pytest

from accounts.actor import SYSTEM
from accounts.roles import Right, Role
from accounts.scope import EMPTY, Scope, scope_of_user, system_scope
from imaging.studies import selectors
from imaging.studies import services as studies
from imaging.studies.models import Placement, Study
from imaging.studies.rows.incoming import PlannedPlacement
from imaging.studies.selectors import Order, StudyFilters
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.arrivals import NOON, dataset, incoming

pytestmark = pytest.mark.django_db

NAMES = ["Dupont^Marie", "Durand^Hélène", "Garcia Lopez^José", "Müller^Jürgen", "O'Brien^Anne-Marie"]


@pytest.fixture
def hospital(data_dir, emergency, orthopaedics):
    """Thirty studies, one a day: even ones in emergency, odd ones in orthopaedics, every third in both."""
    batch = []
    for number in range(30):
        departments = [emergency if number % 2 == 0 else orthopaedics]
        if number % 3 == 0:
            departments = [emergency, orthopaedics]
        made = dataset(
            PatientID=f"MRN{number:03}",
            PatientName=NAMES[number % 5],
            AccessionNumber=f"ACC{number:04}",
            Modality=("CT", "MR", "DX")[number % 3],
            StudyDate=(date(2026, 1, 1) + timedelta(days=number)).strftime("%Y%m%d"),
            StudyTime="120000",
        )
        received = NOON - timedelta(hours=number)
        batch.append(incoming(made, data_dir / "spool", *departments, received_at=received))
    studies.register(batch, actor=SYSTEM)


@pytest.fixture
def both(emergency, orthopaedics):
    """A reader of both departments."""
    user = UserFactory.create(username="both")
    for department in (emergency, orthopaedics):
        MembershipFactory.create(user=user, department=department, role=Role.RADIOLOGIST)
    return scope_of_user(user)


def ids(page):
    return [row.study.accession_number for row in page.rows]


EVERYTHING = StudyFilters()


def all_pages(scope, order, filters=EVERYTHING, limit=7):
    """Forward to the end, then back to the start: the pages must be the same."""
    pages, cursor = [], ""
    while True:
        page = selectors.study_list(scope, filters, order=order, cursor=cursor, limit=limit)
        pages.append(page)
        if not page.next:
            break
        cursor = page.next
    back = [pages[-1]]
    while back[-1].previous:
        back.append(selectors.study_list(scope, filters, order=order, cursor=back[-1].previous, limit=limit))
    assert [ids(page) for page in reversed(back)] == [ids(page) for page in pages]
    return [uid for page in pages for uid in ids(page)]


def naive(studies, order):
    """The studies in the list's order, the slow way: blank keys last, ties by the row's number in the same direction."""

    def key(study):
        if order.column == "modality_key":
            return "\\".join(study.modalities)
        of_patient = order.column in {"name_norm", "patient_id", "birth_date", "sex"}
        return getattr(study.patient if of_patient else study, order.column)

    told = sorted(
        (s for s in studies if key(s) not in {"", None}), key=lambda s: (key(s), s.pk), reverse=order.descending
    )
    blank = sorted((s for s in studies if key(s) in {"", None}), key=lambda s: s.pk, reverse=order.descending)
    return [*told, *blank]


@pytest.mark.parametrize("order", list(Order))
def test_every_order_pages_forth_and_back_over_several_departments_each_study_once(hospital, both, order):
    expected = naive(Study.objects.select_related("patient"), order)
    assert all_pages(both, order) == [study.accession_number for study in expected]


@pytest.mark.parametrize("order", list(Order))
def test_every_order_pages_over_one_department_and_over_everything(hospital, alice, order):
    mine = all_pages(scope_of_user(alice), order)
    assert len(mine) == len(set(mine)) == 20
    assert len(all_pages(system_scope("test"), order)) == 30


def test_each_department_sees_its_own(hospital, alice, bob, charlie, emergency, orthopaedics):
    placed = {
        department: set(
            Placement.objects.filter(department=department).values_list("study__accession_number", flat=True)
        )
        for department in (emergency, orthopaedics)
    }
    assert set(ids(selectors.study_list(scope_of_user(alice), limit=100))) == placed[emergency]
    assert set(ids(selectors.study_list(scope_of_user(bob), limit=100))) == placed[orthopaedics]
    for scope in (scope_of_user(charlie), EMPTY):
        page = selectors.study_list(scope)
        assert (page.rows, page.total, page.next, page.previous) == ([], 0, "", "")


def test_a_department_filter_never_widens(hospital, alice, emergency, orthopaedics, both):
    foreign = StudyFilters(departments=(orthopaedics.pk,))
    assert selectors.study_list(scope_of_user(alice), foreign).total == 0
    assert selectors.study_list(both, foreign).total == 20
    assert selectors.study_list(system_scope("test"), foreign).rows == []


def test_totals_count_a_study_in_two_departments_once(hospital, both, alice):
    assert (selectors.study_list(both).total, selectors.study_list(both).has_exact_total) == (30, True)
    assert selectors.study_list(scope_of_user(alice)).total == 20


def test_a_row_names_only_the_readers_own_departments(hospital, alice, both, emergency):
    row = selectors.study_list(scope_of_user(alice), StudyFilters(search="ACC0000")).rows[0]
    assert row.departments == (emergency,)
    assert len(selectors.study_list(both, StudyFilters(search="ACC0000")).rows[0].departments) == 2


@pytest.mark.parametrize(
    ("search", "count"),
    [
        ("dupont", 6),
        ("DUPONT marie", 6),
        ("marie dupont", 6),
        ("helene", 6),
        ("Hélène", 6),
        ("muller", 6),
        ("Müller", 6),
        ("lop jos", 6),
        ("anne-marie", 6),
        ("o'brien", 6),
        ("marie", 12),
        ("MRN007", 1),
        ("MRN00", 10),
        ("ACC0012", 1),
        ("marie ACC0000", 1),
        ("durand ACC0000", 0),
        ("nobody", 0),
        ("%", 0),
        ("_", 0),
        ("' OR 1=1 --", 0),
        ("<script>alert(1)</script>", 0),
        ("\x00", 30),
        ("", 30),
        ("   ", 30),
    ],
)
def test_a_search_finds_names_in_any_order_ids_and_accession_numbers(hospital, both, search, count):
    page = selectors.study_list(both, StudyFilters(search=search), limit=100)
    assert (len(page.rows), page.total) == (count, count)


def test_filters_by_modality_and_days(hospital, both):
    assert selectors.study_list(both, StudyFilters(modalities=("MR",))).total == 10
    days = StudyFilters(date_from=date(2026, 1, 10), date_to=date(2026, 1, 12))
    assert sorted(ids(selectors.study_list(both, days))) == ["ACC0009", "ACC0010", "ACC0011"]
    assert selectors.study_list(both, StudyFilters(date_to=date.max, date_from=date.min.replace(year=2))).total == 30
    assert len(all_pages(both, Order.NAME, StudyFilters(modalities=("CT",)), limit=3)) == 10


@pytest.mark.parametrize(
    "cursor",
    ["x", "!!!!", "bm90IGpzb24", "W10", "WzEsMiwzLDRd", "A" * 5000, "é", "WyItc3R1ZHlfYXQiLCJ4IiwxLGZhbHNlXQ"],
)
def test_a_cursor_that_cannot_be_read_is_the_first_page(hospital, both, cursor):
    page = selectors.study_list(both, cursor=cursor, limit=5)
    assert ids(page) == ids(selectors.study_list(both, limit=5))
    assert page.previous == ""


def test_a_new_study_does_not_shift_the_next_page(hospital, both, data_dir, emergency):
    first = selectors.study_list(both, limit=10)
    expected = ids(selectors.study_list(both, cursor=first.next, limit=10))
    studies.register([incoming(dataset(), data_dir / "spool", emergency)], actor=SYSTEM)
    assert ids(selectors.study_list(both, cursor=first.next, limit=10)) == expected


def test_the_version_changes_with_what_the_reader_would_see_and_only_then(
    hospital, alice, bob, data_dir, emergency, orthopaedics
):
    scope, stranger = scope_of_user(alice), scope_of_user(bob)
    before, foreign = selectors.study_list_version(scope), selectors.study_list_version(stranger)
    assert selectors.study_list_version(scope) == before
    made = dataset()
    studies.register([incoming(made, data_dir / "spool", emergency)], actor=SYSTEM)
    after = selectors.study_list_version(scope)
    assert after != before
    assert selectors.study_list_version(stranger) == foreign
    more = dataset(StudyInstanceUID=made.StudyInstanceUID)
    studies.register([incoming(more, data_dir / "spool")], actor=SYSTEM)
    assert selectors.study_list_version(scope) != after
    study = Study.objects.get(study_instance_uid=made.StudyInstanceUID)
    studies.place_study(study, PlannedPlacement(orthopaedics.pk, "grant", "by_hand"), actor=SYSTEM)
    assert selectors.study_list_version(stranger) != foreign


def test_a_page_knows_the_version_that_a_cheap_question_gives(hospital, both):
    for order in (Order.LATEST, Order.NAME):
        cursor = ""
        for _ in range(3):
            page = selectors.study_list(both, order=order, cursor=cursor, limit=7)
            assert page.version == selectors.study_list_version(both, order=order, cursor=cursor, limit=7)
            cursor = page.next


def test_a_named_study_is_listed_without_any_department(hospital):
    study = Study.objects.first()
    scope = Scope(principal=SYSTEM, studies=frozenset({study.study_instance_uid}), rights=frozenset({Right.LIST}))
    page = selectors.study_list(scope)
    assert [row.study for row in page.rows] == [study]
    assert page.rows[0].departments == ()
    assert page.total == 1


def test_an_ended_placement_and_an_empty_study_are_not_listed(hospital, alice):
    scope = scope_of_user(alice)
    Placement.objects.filter(study__accession_number="ACC0000").update(until=NOON - timedelta(days=400))
    Placement.objects.filter(study__accession_number="ACC0002").update(instance_count=0)
    listed = ids(selectors.study_list(scope, limit=100))
    assert not {"ACC0000", "ACC0002"} & set(listed)
    assert selectors.study_list(scope).total == len(listed) == 18


def test_a_page_costs_a_fixed_number_of_queries(hospital, both, django_assert_max_num_queries):
    with django_assert_max_num_queries(5):
        page = selectors.study_list(both, limit=30)
        assert [row.study.patient.display_name for row in page.rows]
        assert [department.code for row in page.rows for department in row.departments]
