"""From whom a report is kept back, as the system says that wrote it: professionals, the patient, who acts for the patient (FR-5)."""

import pytest

from accounts.actor import SYSTEM
from accounts.labels import Label
from imaging.reports.models import Report, ReportVersion
from imaging.studies import protecting
from imaging.studies.models import Protection, Study
from tests.imaging.ehr.sent import WORDS, oru
from tests.imaging.ehr.test_reports import reporter, study, tell

__all__ = ["reporter", "study"]

pytestmark = pytest.mark.django_db


def mark(code: str, value: str) -> str:
    return f"OBX|9|CE|{code}^Masque^MetaDMPMSS||{value}^^expandedYes-NoIndicator||||||F"


def hidden() -> tuple[bool, bool, bool]:
    report = Report.objects.get()
    return report.is_hidden_from_professionals, report.is_hidden_from_patient, report.is_hidden_from_proxies


def test_who_is_not_to_see_a_report_is_kept_and_is_no_word_of_it(study: Study) -> None:
    """FR-5."""
    marks = [mark("MASQUE_PS", "N"), mark("INVISIBLE_PATIENT", "Y"), mark("INVISIBLE_REPRESENTANTS_LEGAUX", "O")]
    assert "MSA|AA" in tell(oru(*WORDS, *marks))
    assert hidden() == (False, True, True)
    text = str(ReportVersion.objects.get().content)
    assert "Masque" not in text
    assert "Metastases" in text
    # The same words, and now the patient may read them; of representatives nothing is said.
    assert "MSA|AA" in tell(oru(*WORDS, mark("INVISIBLE_PATIENT", "N")))
    assert hidden() == (False, False, True)
    assert ReportVersion.objects.count() == 1
    assert not Protection.objects.exists()


def test_a_report_that_is_masked_from_professionals_protects_its_study_once(study: Study) -> None:
    """FR-5."""
    assert "MSA|AA" in tell(oru(*WORDS, mark("MASQUE_PS", "Y")))
    label = Protection.objects.get()
    assert (label.study, label.label) == (study, Label.PROTECTED)
    protecting.lift_protection(label, reason="wrongly masked", actor=SYSTEM)
    assert "MSA|AA" in tell(oru("OBX|2|FT|19005-8^Impression^LN||Other.||||||F", mark("MASQUE_PS", "Y"), status="C"))
    assert not Protection.objects.live().exists(), "the person's decision holds"


def test_a_mark_that_is_neither_yes_nor_no_is_not_passed_over(study: Study) -> None:
    answer = tell(oru(*WORDS, mark("INVISIBLE_PATIENT", "PERHAPS")))
    assert "MSA|AE" in answer
    assert "103" in answer
    assert not Report.objects.exists()
