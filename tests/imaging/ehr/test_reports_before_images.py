"""Reports that come before their images, and messages that come late (pitfalls 16 and 18): the last word is the last one said."""

import pytest

from accounts.actor import SYSTEM
from imaging.ehr import services
from imaging.ehr.models import AwaitedReport, Hl7Message, Hl7Peer
from imaging.reports.documents import canonical
from imaging.reports.models import Report, ReportVersion
from tests.imaging.ehr.sent import oru
from tests.imaging.ehr.test_reports import received, reporter, tell
from tests.studies_in_archive import Archive

__all__ = ["reporter"]

pytestmark = pytest.mark.django_db

FIRST, SECOND = (f"OBX|1|TX|1^Text||{words}||||||F" for words in ("First.", "Second."))


class TestBeforeImages:
    """Pitfall 16."""

    def test_a_report_waits_and_is_there_with_the_images(self, reporter: Hl7Peer, archive: Archive) -> None:
        assert "MSA|AA" in tell(oru())
        row = Hl7Message.objects.get()
        assert (row.state, row.note) == ("awaiting", "The report waits for its images.")
        received(archive, AccessionNumber="OTHER", PatientID="P5")
        study = received(archive, AccessionNumber="A77")
        services.images_arrived(study.study_instance_uid)
        row.refresh_from_db()
        assert row.state == "applied"
        assert Report.objects.get().study == study
        assert not AwaitedReport.objects.exists()

    def test_the_same_bytes_again_wait_no_second_time(self, reporter: Hl7Peer) -> None:
        raw = oru()
        assert "AA" in tell(raw)
        assert "AA" in tell(raw)
        assert AwaitedReport.objects.count() == 1
        services.skip(Hl7Message.objects.get(), actor=SYSTEM)
        assert not AwaitedReport.objects.exists()

    def test_images_of_another_patient_leave_it_to_a_person(self, reporter: Hl7Peer, archive: Archive) -> None:
        uid = "1.2.826.0.1.3680043.10.77.1"
        tell(oru(uid=uid))
        study = received(archive, StudyInstanceUID=uid, PatientID="P9", PatientName="Other^Person")
        services.images_arrived(study.study_instance_uid)
        row = Hl7Message.objects.get()
        assert (row.state, row.error_code) == ("failed", "204")
        assert not Report.objects.exists()

    def test_a_report_that_was_withdrawn_before_its_images_came_is_withdrawn(
        self, reporter: Hl7Peer, archive: Archive
    ) -> None:
        assert "MSA|AA" in tell(oru(FIRST))
        assert "MSA|AA" in tell(oru(status="X"))
        study = received(archive, AccessionNumber="A77")
        services.images_arrived(study.study_instance_uid)
        assert Report.objects.get().state == "withdrawn"
        assert not AwaitedReport.objects.exists()

    def test_what_waited_does_not_overtake_what_was_said_after_it(self, reporter: Hl7Peer, archive: Archive) -> None:
        tell(oru(FIRST))
        study = received(archive, AccessionNumber="A77")
        tell(oru(SECOND, status="C"))
        services.images_arrived(study.study_instance_uid)
        (version,) = ReportVersion.objects.all()
        assert canonical.read(version.content).sections[0].text == "Second."
        assert set(Hl7Message.objects.values_list("state", flat=True)) == {"applied"}


def test_a_message_that_is_sent_in_again_late_does_not_overtake_a_later_one(
    reporter: Hl7Peer, archive: Archive
) -> None:
    received(archive, AccessionNumber="A77")
    reporter.may_report = False
    reporter.save()
    tell(oru(FIRST))
    reporter.may_report = True
    reporter.save()
    tell(oru(SECOND))
    services.retry(Hl7Message.objects.get(state="refused"), actor=SYSTEM)
    assert ReportVersion.objects.count() == 1
