"""Pictures that could not be drawn, over all studies that a reader may view."""

from django.db.models import QuerySet

from accounts.roles import Right
from accounts.scope import Scope
from imaging.rendering.models import Rendition
from imaging.studies.models import Instance, InstanceVersion


def failed_pictures(scope: Scope, *, study_instance_uid: str = "") -> QuerySet[Rendition]:
    """Failures of the versions that are served, with instance, series and study; of one study where it is named."""
    seen = Instance.objects.visible_to(scope, Right.VIEW)
    if study_instance_uid:
        seen = seen.filter(study__study_instance_uid=study_instance_uid)
    return (
        Rendition.objects.filter(
            state=Rendition.State.FAILED,
            version__state=InstanceVersion.State.CURRENT,
            version__instance__in=seen,
        )
        # A moving picture is a convenience: its film has its thumbnail, or says there what is wrong.
        .exclude(kind=Rendition.Kind.CINE)
        .select_related("version__instance__series__study")
    )
