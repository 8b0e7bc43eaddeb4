"""What of a study this reader may take home: the whole of it, each series, and what it comes to."""

from dataclasses import dataclass

from django.db.models import Count, Sum
from django.http import QueryDict
from django.template.defaultfilters import filesizeformat
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.roles import Right
from accounts.scope import Scope
from imaging.studies import selectors as studies
from imaging.studies.models import Series, Study
from imaging.viewer import wording


@dataclass(frozen=True, slots=True)
class Offer:
    """One zip: where it is, what it is called, what it holds."""

    address: str
    label: str
    modality: str
    detail: str


@dataclass(frozen=True, slots=True)
class Menu:
    """What the download dialog shows. Without ``whole`` the reader may look and not take.

    ``without_identity`` is the address of the page that gives the study so.
    """

    whole: Offer | None
    series: tuple[Offer, ...]
    without_identity: str = ""


def offered(study: Study, *, scope: Scope) -> Menu:
    """What there is to download of a study. Two queries, and none about a right that the reader holds nowhere."""
    if not scope.may(Right.DOWNLOAD):
        return Menu(None, ())
    sums = {
        row["instance__series_id"]: (row["count"], row["total"] or 0)
        for row in studies.versions_of(study, scope=scope, right=Right.DOWNLOAD)
        .order_by()
        .values("instance__series_id")
        .annotate(count=Count("pk"), total=Sum("stored_object__length"))
    }
    if not sums:
        return Menu(None, ())
    uid = study.study_instance_uid
    rows = [row for row in studies.series_of(study, scope=scope, right=Right.DOWNLOAD) if row.pk in sums]
    offers = tuple(
        Offer(
            reverse("viewer:download-series", args=[uid, row.series_instance_uid]),
            wording.series_label(row),
            row.modality,
            _detail(*sums[row.pk]),
        )
        for row in rows
    )
    count, total = (sum(values) for values in zip(*sums.values(), strict=True))
    whole = Offer(reverse("viewer:download-study", args=[uid]), "", "", _detail(count, total))
    return Menu(whole, offers, reverse("viewer:download-clean", args=[uid]))


def of_image(
    series: Series, sop_instance_uid: str, *, scope: Scope, frame: int | None = None, window: str = ""
) -> tuple[Offer, ...]:
    """One image of a series as a picture, in the window (`centre,width`) and of the frame that is shown; none without the right."""
    if not studies.series_of(series.study, scope=scope, right=Right.DOWNLOAD).filter(pk=series.pk).exists():
        return ()
    names = [series.study.study_instance_uid, series.series_instance_uid, sop_instance_uid]
    query = QueryDict(mutable=True)
    query.update({name: value for name, value in {"frame": str(frame or ""), "window": window}.items() if value})

    def offer(label: str, **form: str) -> Offer:
        asked = query.copy()
        asked.update(form)
        return Offer(f"{reverse('viewer:download-image', args=names)}?{asked.urlencode(safe=',')}", label, "", "")

    return (
        offer(_("JPEG"), **{"as": "jpeg"}),
        offer(_("PNG"), **{"as": "png"}),
        offer(_("JPEG with the patient’s name below"), **{"as": "jpeg", "words": "1"}),
    )


def _detail(count: int, total: int) -> str:
    objects = ngettext("%(count)d object", "%(count)d objects", count) % {"count": count}
    return f"{objects}, {filesizeformat(total)}"
