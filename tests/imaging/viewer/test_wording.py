"""What failed is told in words."""

from imaging.pipeline.reactions import STEPS
from imaging.rendering.models import Rendition
from imaging.viewer import wording


def test_every_step_and_every_picture_has_a_sentence_of_its_own() -> None:
    assert {*STEPS, *Rendition.Kind.values} <= set(wording.TRIED)


def test_only_a_missing_picture_is_explained_as_one() -> None:
    assert "picture" in wording.problem_text("thumbnail", "unheard_of")
    assert "picture" not in wording.problem_text("settle", "unheard_of")
