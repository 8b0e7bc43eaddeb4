"""The catalogue: the starter, its search, its questions and hints, and whole tables by file."""

import pytest
from django.test import Client
from django.urls import reverse

from accounts.actor import SYSTEM
from accounts.models import User
from imaging.orders.catalogue import questions, selectors, services, tables
from imaging.orders.catalogue.questions import About
from imaging.orders.models import AppropriatenessRule, Procedure, SafetyQuestion
from tests.factories.accounts import UserFactory

pytestmark = pytest.mark.django_db
PROCEDURES = tables.TABLES["procedures"]


@pytest.fixture
def starter() -> None:
    services.load_starter(actor=SYSTEM)


@pytest.fixture
def admin() -> User:
    return UserFactory.create(username="boss", is_staff=True, is_superuser=True)


def codes(rows: list[Procedure]) -> list[str]:
    return [row.code for row in rows]


def test_the_starter_catalogue_is_whole_in_both_languages_and_loading_it_again_changes_nothing(starter: None) -> None:
    assert Procedure.objects.count() >= 90
    assert not Procedure.objects.filter(name_fr="").exists()
    assert not SafetyQuestion.objects.filter(text_fr="").exists()
    assert AppropriatenessRule.objects.count() >= 25
    assert not AppropriatenessRule.objects.filter(text_fr="").exists()
    Procedure.objects.filter(code="DX-HAND").update(name="Our own hand")

    assert services.load_starter(actor=SYSTEM) == {"procedures": 0, "questions": 0, "rules": 0}
    assert Procedure.objects.get(code="DX-HAND").name == "Our own hand"


def test_an_exam_is_found_by_the_beginning_of_its_words_in_either_language_without_accents(starter: None) -> None:
    assert codes(selectors.find("hand"))[0] == "DX-HAND"
    assert "US-THYROID" in codes(selectors.find("echographie thyro"))
    assert "CT-ABDPEL-C" in codes(selectors.find("APPENDICITE"))
    assert codes(selectors.find("zzz")) == []
    assert all(row.region == "spine" for row in selectors.find("", "spine"))


def test_questions_of_safety_depend_on_exam_contrast_sex_and_age(starter: None) -> None:
    def asked(code: str, about: About) -> set[str]:
        return {row.code for row in selectors.questions_for(Procedure.objects.get(code=code), about)}

    assert "pregnancy" in asked("DX-HAND", About("F", 30))
    assert "pregnancy" not in asked("DX-HAND", About("M", 30))
    assert "pregnancy" not in asked("DX-HAND", About("F", 60))
    assert "pregnancy" in asked("DX-HAND", About())
    assert {"iodine-allergy", "egfr-iodine", "metformin"} <= asked("CT-ABDPEL-C", About("M", 50))
    assert not asked("CT-ABDPEL", About("M", 50))
    assert {"pacemaker", "metal-eye", "claustrophobia"} <= asked("MR-KNEE", About("M", 50))
    assert asked("US-ABDOMEN", About("F", 30)) == set()


@pytest.mark.parametrize(
    ("alarming", "answer", "expected"),
    [
        ("yes", "yes", True),
        ("yes", "unknown", False),
        ("yes,unknown", "unknown", True),
        ("<30", "29,9", True),
        ("<30", "30", False),
        ("<30", "nonsense", False),
        ("<30", "NaN", False),
        ("", "yes", False),
    ],
)
def test_an_answer_alarms_as_the_catalogue_says(alarming: str, answer: str, expected: bool) -> None:
    assert questions.alarms(SafetyQuestion(alarming=alarming), answer) is expected


def test_hints_speak_of_the_question_and_are_silent_where_a_sign_makes_the_exam_right(starter: None) -> None:
    spine = Procedure.objects.get(code="DX-LSPINE")
    about = About("M", 45)

    assert [hint.score for hint in selectors.hints_for(spine, "Lombalgies depuis 2 jours", about)] == ["usually_not"]
    assert selectors.hints_for(spine, "Low back pain, known cancer", about) == []
    assert selectors.hints_for(spine, "Follow-up of a fusion", about) == []
    ct = Procedure.objects.get(code="CT-LSPINE")
    (hint,) = selectors.hints_for(ct, "low back pain", about)
    assert hint.suggests is not None
    assert hint.suggests.code == "MR-LSPINE"


def test_a_file_is_looked_at_first_and_written_as_a_whole() -> None:
    content = (
        b"code;name;modality;region;effective_dose_msv;preparation\nX-1;One;CT;head;1,5;a\\nb\n'=X;Two;CT;head;;\n"
    )

    plan = services.planned(content, PROCEDURES)

    assert [number for number, _problem in plan.refused] == [3]
    with pytest.raises(services.CatalogueRefused):
        services.take_in(content, PROCEDURES, actor=SYSTEM)
    assert not Procedure.objects.exists()

    services.take_in(content.rsplit(b"'", 1)[0], PROCEDURES, actor=SYSTEM)
    row = Procedure.objects.get()
    assert (row.code, str(row.effective_dose_msv), row.preparation, row.duration_minutes) == (
        "X-1",
        "1.500",
        "a\nb",
        15,
    )


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ("X-1,One,CT,nowhere,none,10", "region"),
        ("X 1,One,CT,head,none,10", "code"),
        ("X-1,,CT,head,none,10", "name"),
        ("X-1,One,CT,head,none,ten", "duration_minutes"),
        ("X-1,One,CT,head,none,0", "duration_minutes"),
        ("X-1,One,CT,head,gold,10", "contrast"),
    ],
)
def test_each_refused_row_is_told_with_its_line_and_column(line: str, told: str) -> None:
    content = f"code,name,modality,region,contrast,duration_minutes\n{line}\n".encode()

    ((number, problem),) = services.planned(content, PROCEDURES).refused

    assert number == 2
    assert told in problem


@pytest.mark.parametrize("content", [b"", b"\x00\x01", b"name,colour\na,b\n", b"code,code\na,b\n", b"x" * 2_000_000])
def test_what_is_no_table_is_refused_in_words(content: bytes) -> None:
    with pytest.raises(tables.UnreadableTable):
        services.planned(content, PROCEDURES)


def test_what_is_exported_can_be_taken_in_again_and_changes_nothing(starter: None, client: Client, admin: User) -> None:
    client.force_login(admin)
    Procedure.objects.filter(code="DX-HAND").update(words="=cmd|calc", preparation="one\ntwo")
    for name, model in (("procedure", "procedures"), ("safetyquestion", "questions"), ("appropriatenessrule", "rules")):
        answer = client.get(reverse(f"admin:imaging_{name}_export"))
        plan = services.planned(answer.content, tables.TABLES[model])
        assert (plan.lines, plan.refused) == ([], [])
        assert plan.same > 10


def test_the_page_of_a_file_shows_what_would_change_and_then_writes_it(client: Client, admin: User) -> None:
    from django.core.files.uploadedfile import SimpleUploadedFile

    client.force_login(admin)
    address = reverse("admin:imaging_procedure_file")
    file = SimpleUploadedFile("a.csv", b"code,name,modality,region\nX-1,<b>One</b>,CT,head\n")

    shown = client.post(address, {"file": file})

    assert "&lt;b&gt;One" in shown.text
    plan = shown.context["plan"]
    assert not Procedure.objects.exists()
    done = client.post(address, {"text": shown.context["text"], "seen": plan.digest})
    assert done.status_code == 302
    assert Procedure.objects.get().name == "<b>One</b>"


def test_a_file_looked_at_before_the_catalogue_changed_is_shown_again(client: Client, admin: User) -> None:
    client.force_login(admin)
    text = "code,name,modality,region\nX-1,One,CT,head\n"
    seen = services.planned(text.encode(), PROCEDURES).digest
    services.take_in(text.replace("One", "Other").encode(), PROCEDURES, actor=SYSTEM)

    answer = client.post(reverse("admin:imaging_procedure_file"), {"text": text, "seen": seen})

    assert answer.status_code == 200
    assert Procedure.objects.get().name == "Other"


def test_the_button_loads_the_starter_and_nobody_else_may_press_it(client: Client, admin: User) -> None:
    client.force_login(UserFactory.create(is_staff=True))
    assert client.post(reverse("admin:imaging_procedure_starter")).status_code == 403
    client.force_login(admin)
    asked = client.get(reverse("admin:imaging_procedure_starter")).content.decode()
    assert "123 procedures" in asked
    client.post(reverse("admin:imaging_procedure_starter"))
    assert not Procedure.objects.exists(), "Without the confirmation nothing is written"
    client.post(reverse("admin:imaging_procedure_starter"), {"sure": "yes"})
    Procedure.objects.filter(code="CT-HEAD").update(name="Ours")
    Procedure.objects.filter(code="CT-CHEST").delete()
    assert "1 procedures" in client.get(reverse("admin:imaging_procedure_starter")).content.decode()
    client.post(reverse("admin:imaging_procedure_starter"), {"sure": "yes"})
    assert Procedure.objects.count() == 123
    assert Procedure.objects.get(code="CT-HEAD").name == "Ours"
