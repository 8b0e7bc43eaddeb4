"""A picture in which another object is seen too is shown to who may see both, and to nobody else."""

import io
from collections.abc import Callable

import numpy as np
import PIL.Image
import pytest

from accounts.actor import SYSTEM
from accounts.models import Department
from accounts.roles import Right
from accounts.scope import Scope, system_scope
from imaging.rendering import selectors, services
from imaging.studies.correction import withdrawal
from imaging.studies.models import InstanceVersion
from tests.decoder_pools import Pool
from tests.imaging.rendering import drawings

pytestmark = pytest.mark.django_db

RIGHTS = frozenset({Right.LIST, Right.VIEW})


def test_who_was_given_the_segments_alone_does_not_see_the_image_under_them(
    register: Callable[..., list[InstanceVersion]], pool: Pool, emergency: Department
) -> None:
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    image = drawings.grey()
    segments = drawings.segmentation([mask], of=image)
    base, version = register([image, segments])
    services.make_thumbnails(image.StudyInstanceUID)
    together = drawings.made(version, "thumbnail").stored_object
    assert together is not None
    assert drawings.made(version, "thumbnail").shown_with == base.instance.sop_instance_uid

    member = Scope(principal=SYSTEM, department_rights=frozenset({(emergency.pk, RIGHTS)}))
    alone = Scope(principal=SYSTEM, series=frozenset({segments.SeriesInstanceUID}), rights=RIGHTS)
    both = Scope(
        principal=SYSTEM,
        series=frozenset({segments.SeriesInstanceUID, image.SeriesInstanceUID}),
        rights=RIGHTS,
    )
    assert selectors.may_be_shown(together, scope=member)
    assert selectors.may_be_shown(together, scope=both)
    assert not selectors.may_be_shown(together, scope=alone)
    own = drawings.made(base, "thumbnail").stored_object
    assert own is not None
    assert selectors.may_be_shown(own, scope=alone)


def test_an_image_that_was_withdrawn_is_not_seen_under_its_segments_any_more(
    register: Callable[..., list[InstanceVersion]], pool: Pool
) -> None:
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    image = drawings.grey()
    base, version = register([image, drawings.segmentation([mask], of=image)])
    services.make_thumbnails(image.StudyInstanceUID)
    services.make_previews(image.StudyInstanceUID)
    together = [drawings.made(version, kind).stored_object for kind in ("thumbnail", "preview")]
    withdrawal.withdraw([base.pk], actor=SYSTEM, reason="another patient")
    member = system_scope("test")
    assert [selectors.may_be_shown(content, scope=member) for content in together if content] == [False, False]
    services.make_thumbnails(image.StudyInstanceUID)
    services.make_previews(image.StudyInstanceUID)
    for kind in ("thumbnail", "preview"):
        assert drawings.made(version, kind).shown_with == ""


def test_an_instance_rendered_on_request_is_drawn_without_others(
    register: Callable[..., list[InstanceVersion]], pool: Pool
) -> None:
    mask = np.zeros((64, 64), bool)
    mask[20:40, 20:40] = True
    image = drawings.grey()
    _base, version = register([image, drawings.segmentation([mask], of=image)])
    drawn = services.render(version, media_type="image/png")
    picture = np.array(PIL.Image.open(io.BytesIO(drawn.data)).convert("RGB"))
    assert picture[:16].max() == 0
    assert picture[30, 30].max() > 100
