"""A card says what the header says, before and after a correction."""

import pytest
from pydicom.uid import EncapsulatedPDFStorage

from accounts.actor import Actor
from imaging.rendering import services as rendering
from imaging.rendering.models import Rendition
from imaging.studies import services
from imaging.studies.models import Study
from tests.factories import arrivals
from tests.imaging.rendering.conftest import Pool
from tests.studies_in_archive import Archive

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_card_is_drawn_anew_when_its_words_were_corrected(archive: Archive, decoders: Pool) -> None:
    made = arrivals.dataset(
        SOPClassUID=EncapsulatedPDFStorage, PixelData=None, Rows=None, Columns=None, StudyDescription="Wrong words"
    )
    made.MIMETypeOfEncapsulatedDocument = "application/pdf"
    archive.receive(made)
    archive.draw(made.StudyInstanceUID)
    assert set(Rendition.objects.values_list("state", flat=True)) == {Rendition.State.TILE}
    before = Rendition.objects.get(kind="thumbnail").stored_object_id
    right = {"00081030": {"vr": "LO", "Value": ["Right words"]}}
    (correction,) = services.correct(
        Study.objects.get(), right, reason="", actor=Actor(kind="user", id="7", name="rita")
    )
    archive.draw(made.StudyInstanceUID)
    after = Rendition.objects.get(kind="thumbnail").stored_object_id
    assert after != before
    rendering.make_thumbnails(made.StudyInstanceUID)
    assert Rendition.objects.get(kind="thumbnail").stored_object_id == after
    services.revert(correction, actor=Actor(kind="user", id="7", name="rita"))
    archive.draw(made.StudyInstanceUID)
    assert Rendition.objects.get(kind="thumbnail").stored_object_id == before
