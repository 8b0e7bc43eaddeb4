"""The list's filters against the slowest implementation there is, and against what nobody should type."""

from datetime import date, timedelta

import pytest
from django.utils import timezone
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from accounts.actor import SYSTEM
from accounts.roles import Role
from accounts.scope import scope_of_user, system_scope
from imaging.dicom import person_name
from imaging.studies import selectors
from imaging.studies import services as studies
from imaging.studies.finding import list_scan
from imaging.studies.finding.list_choices import list_choices
from imaging.studies.models import Placement, Study
from imaging.studies.selectors import Order, Status, StudyFilters
from tests.factories.accounts import MembershipFactory, UserFactory
from tests.factories.arrivals import NOON, dataset, incoming

pytestmark = pytest.mark.django_db

FIRST = date(2026, 1, 1)
NAMES = [
    "Dupont^Marie",
    "Nguyễn",
    "Garcia^Ana^Maria^Dr^II",
    "عبد الله^محمد",
    "Yamada^Tarou=山田^太郎",
    "",
    "d'Arc^Zoë",
    "100%^_",
]
REFERRING = ["Martin^Élodie^^Dr", "", "El-Amrani^Karim"]
PARTS = ["CHEST", "HEAD", ""]


@pytest.fixture
def hospital(data_dir, emergency, orthopaedics):
    """Forty-eight studies with every kind of name, gaps in every column and many ties."""
    batch = []
    for number in range(48):
        departments = [(emergency,), (orthopaedics,), (emergency, orthopaedics)][number % 3]
        made = dataset(
            PatientID=f"MRN{number:03}" if number % 7 else "",
            PatientName=NAMES[number % len(NAMES)],
            PatientBirthDate="" if number % 5 == 0 else f"19{50 + number % 4}0101",
            AccessionNumber=f"ACC{number:04}" if number % 6 else "",
            Modality=("CT", "MR", "PT")[number % 3],
            StudyDate=(FIRST + timedelta(days=number // 4)).strftime("%Y%m%d") if number % 11 else "",
            StudyDescription=("Écho", "echo abdo", "")[number % 3],
            BodyPartExamined=PARTS[number % 3],
            ReferringPhysicianName=REFERRING[number % 3],
        )
        source = f"SCANNER_{number % 4}"
        received = NOON - timedelta(hours=number // 3)
        batch.append(incoming(made, data_dir / "spool", *departments, received_at=received, sender=source))
        if number % 4 == 0:
            more = dataset(StudyInstanceUID=made.StudyInstanceUID, PatientID=made.PatientID, Modality="SR")
            batch.append(incoming(more, data_dir / "spool", *departments, received_at=received, sender="SECOND"))
    studies.register(batch, actor=SYSTEM)
    for study in Study.objects.filter(pk__in=sorted(Study.objects.values_list("pk", flat=True))[::2]):
        studies.settle(study.study_instance_uid)


@pytest.fixture
def both(emergency, orthopaedics):
    """A reader of both departments."""
    user = UserFactory.create(username="both")
    for department in (emergency, orthopaedics):
        MembershipFactory.create(user=user, department=department, role=Role.RADIOLOGIST)
    return scope_of_user(user)


def says(text, words):
    """Whether a normalised text has each word: a short one at the beginning of a part of it, a longer one anywhere."""
    return all(word in text if len(word) > 2 else any(part.startswith(word) for part in text.split()) for word in words)


def matches(study, filters):
    """Whether the list should have a study, by looking at it."""
    found = True
    for word in filters.search.split():
        parts = person_name.normalised(word).split()
        named = bool(parts) and says(study.patient.name_norm, parts)
        numbers = not parts or any(char.isdigit() for char in word)
        found &= named or (
            numbers and (study.patient.patient_id.startswith(word) or study.accession_number.startswith(word))
        )
    day = timezone.localdate(study.study_at)
    return (
        found
        and says(study.referring_norm, person_name.normalised(filters.referring).split())
        and (not filters.modalities or bool(set(filters.modalities) & set(study.modalities)))
        and (filters.date_from is None or day >= filters.date_from)
        and (filters.date_to is None or day <= filters.date_to)
        and (not filters.body_parts or study.body_part_examined in filters.body_parts)
        and (not filters.statuses or study.status in filters.statuses)
        and (not filters.sources or study.source in filters.sources)
        and (not filters.departments or study.placements.filter(department__in=filters.departments).exists())
    )


def in_order(found, order):
    """The studies in the list's order: blank keys last, ties by the row's number in the same direction."""

    def key(study):
        if order.column == "modality_key":
            return "\\".join(study.modalities)
        of_patient = order.column in {"name_norm", "patient_id", "birth_date", "sex"}
        return getattr(study.patient if of_patient else study, order.column)

    told = [study for study in found if key(study) not in {"", None}]
    blank = [study for study in found if key(study) in {"", None}]
    told.sort(key=lambda study: (key(study), study.pk), reverse=order.descending)
    blank.sort(key=lambda study: study.pk, reverse=order.descending)
    return [study.pk for study in (*told, *blank)]


def few(values):
    return st.lists(st.sampled_from(values), max_size=2, unique=True).map(tuple)


DAYS = st.none() | st.dates(FIRST - timedelta(days=2), FIRST + timedelta(days=14))
SEARCHES = [
    "",
    "dup",
    "marie dupont",
    "a",
    "山",
    "عبد",
    "MRN00",
    "ACC00",
    "ng",
    "100%",
    "_",
    "%",
    "zoe",
    "nobody",
    "MRN001 x",
]
FILTERS = st.builds(
    StudyFilters,
    search=st.sampled_from(SEARCHES),
    modalities=few(["CT", "MR", "SR", "ZZ", ""]),
    date_from=DAYS,
    date_to=DAYS,
    body_parts=few(["CHEST", "HEAD", "chest"]),
    statuses=few(list(Status)),
    referring=st.sampled_from(["", "elodie", "el", "amrani karim", "%"]),
    sources=few(["SCANNER_0", "SCANNER_1", "SECOND"]),
)


@pytest.mark.parametrize("few_rows", [20_000, 0], ids=["found first", "read in order"])
def test_every_filter_and_order_give_what_a_look_at_every_study_gives(hospital, both, few_rows, monkeypatch):
    monkeypatch.setattr(list_scan, "FEW", few_rows)
    everything = list(Study.objects.select_related("patient"))

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(filters=FILTERS, order=st.sampled_from(list(Order)), limit=st.integers(1, 9))
    def check(filters, order, limit):
        expected = in_order([study for study in everything if matches(study, filters)], order)
        listed, cursor, before = [], "", None
        while True:
            page = selectors.study_list(both, filters, order=order, cursor=cursor, limit=limit)
            if before is not None:
                back = selectors.study_list(both, filters, order=order, cursor=page.previous, limit=limit)
                assert [row.study.pk for row in back.rows] == before
            before = [row.study.pk for row in page.rows]
            listed += before
            if not page.next:
                break
            cursor = page.next
        assert listed == expected
        assert selectors.study_count(both, filters) == selectors.Total(len(expected), is_exact=True)
        skipped = selectors.study_list(both, filters, order=order, offset=limit, limit=limit)
        assert [row.study.pk for row in skipped.rows] == expected[limit : 2 * limit]

    check()


def test_what_is_open_by_name_is_sorted_with_what_is_placed(hospital):
    for order in Order:
        page = selectors.study_list(system_scope("test"), order=order, limit=100)
        assert [row.study.pk for row in page.rows] == in_order(Study.objects.select_related("patient"), order), order


HOSTILE = [
    *("martin " * 1500, "a" * 10_000, "% _ * ? \\ ' \" ; --", "\x00\x00", "\u202e\u200f\u0301\u0301", "🫀" * 50),
    "a b c d e f g h i j k",
]


def test_a_hostile_search_is_only_a_search(hospital, both):
    for text, order in zip(HOSTILE * 3, Order, strict=False):
        for filters in (
            StudyFilters(search=text),
            StudyFilters(referring=text),
            StudyFilters(sources=(text,), body_parts=(text,), modalities=(text,)),
        ):
            page = selectors.study_list(both, filters, order=order)
            assert page.total == len(page.rows) == selectors.study_count(both, filters).number
            assert selectors.study_list_version(both, filters, order=order)


def test_combining_characters_and_other_scripts_are_found_however_they_are_typed(hospital, both):
    for text in ("Nguye\u0302\u0303n", "nguyen", "NGUYỄN", "山田", "太", "محمد", "عبد"):
        assert selectors.study_list(both, StudyFilters(search=text)).total == 6, text


def test_a_filter_of_departments_never_widens(hospital, alice, emergency, orthopaedics):
    scope = scope_of_user(alice)
    assert selectors.study_list(scope, StudyFilters(departments=(orthopaedics.pk,))).rows == []
    mine = selectors.study_list(scope, StudyFilters(departments=(orthopaedics.pk, emergency.pk, 0, -1)), limit=100)
    assert len(mine.rows) == Placement.objects.filter(department=emergency).count()


def test_the_choices_are_those_of_the_readers_own_departments(hospital, alice, both):
    choices = list_choices(both)
    assert choices.modalities == ("CT", "MR", "PT", "SR")
    assert choices.body_parts == ("CHEST", "HEAD")
    assert choices.sources == ("SCANNER_0", "SCANNER_1", "SCANNER_2", "SCANNER_3")
    assert list_choices(scope_of_user(alice)).modalities == ("CT", "PT", "SR")


def test_what_only_protected_or_ended_placements_have_is_no_choice(hospital, alice, emergency):
    rows = Placement.objects.filter(department=emergency)
    for hidden in ({"sensitivity": "vip"}, {"until": timezone.now() - timedelta(days=1)}, {"instance_count": 0}):
        one = rows.first()
        Placement.objects.filter(pk=one.pk).update(
            body_part_examined="FETUS", source="SECRET_WARD", modality_key="XX", **hidden
        )
        choices = list_choices(scope_of_user(alice))
        assert "FETUS" not in choices.body_parts, hidden
        assert "SECRET_WARD" not in choices.sources, hidden
        assert "XX" not in choices.modalities, hidden
        Placement.objects.filter(pk=one.pk).delete()


def test_a_study_that_changes_under_the_cursor_neither_breaks_the_list_nor_hides_the_others(hospital, both):
    first = selectors.study_list(both, order=Order.NAME, limit=5)
    Study.objects.get(pk=first.rows[-1].study.pk).placements.all().delete()
    rest, cursor = [], first.next
    while cursor:
        page = selectors.study_list(both, order=Order.NAME, cursor=cursor, limit=5)
        rest += [row.study.pk for row in page.rows]
        cursor = page.next
    expected = in_order(Study.objects.filter(placements__isnull=False).distinct().select_related("patient"), Order.NAME)
    assert [row.study.pk for row in first.rows[:-1]] + rest == expected


def test_a_list_beyond_what_is_counted_at_once_says_so_and_is_counted_on_request(hospital, both, monkeypatch):
    monkeypatch.setattr(list_scan, "FEW", 10)
    monkeypatch.setattr("imaging.studies.finding.study_list.COUNTED", 10)
    for filters in (StudyFilters(), StudyFilters(search="a")):
        page = selectors.study_list(both, filters, limit=5)
        exact = selectors.study_count(both, filters)
        assert not page.has_exact_total
        assert page.total <= 10 < exact.number
        assert exact.is_exact
