"""What may become of each instance of a batch: pure rules over what is known, in the order of the batch."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from uuid import UUID

from django.utils.translation import gettext_noop

from imaging.studies.reading import corrections
from imaging.studies.rows import columns
from imaging.studies.rows.columns import PatientKey
from imaging.studies.rows.incoming import IncomingInstance, InheritedCorrection, Registered, State


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """One kept version of an instance: whose it is and which data set it holds."""

    version_id: int | None
    study_instance_uid: str
    series_instance_uid: str
    dataset_sha256: str


@dataclass(slots=True)
class Known:
    """What the archive knows of the UIDs of a batch; judging adds what the batch itself brings."""

    #: Patient key of each study, None for a study without patient ID, and for one of which everything was withdrawn.
    studies: dict[str, PatientKey | None]
    #: Study of each series.
    series: dict[str, str]
    #: Kept versions of each instance.
    instances: dict[str, list[KnownVersion]]
    #: What later objects of a study inherit now, by study; studies that are not corrected are left out.
    inheritable: Mapping[str, Sequence[InheritedCorrection]] = field(default_factory=dict)
    #: The moves that each object of the batch is to follow now, by SOP Instance UID and digest; others follow none.
    moved: Mapping[tuple[str, str], tuple[UUID, ...]] = field(default_factory=dict)
    #: Studies that were there before the batch.
    before: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.before = frozenset(self.studies)

    def judge(self, item: IncomingInstance) -> Registered:
        """The verdict on one instance, remembered for those that follow in the batch."""
        header = item.header
        study_uid = header.study.study_instance_uid
        series_uid = header.series.series_instance_uid
        kept = self.instances.get(header.instance.sop_instance_uid, [])
        for version in kept:
            if version.dataset_sha256 == item.stored.dataset_sha256:
                return Registered(item, State.DUPLICATE, version_id=version.version_id)
        if item.followed != self.moved.get((header.instance.sop_instance_uid, item.stored.dataset_sha256), ()):
            return Registered(item, State.STALE, gettext_noop("images of the study have been moved meanwhile"))
        if item.placements and study_uid in self.before:
            return Registered(item, State.STALE, gettext_noop("the study has come to exist"))
        if self._is_corrected_otherwise(item):
            return Registered(item, State.STALE, gettext_noop("what is put over the study has changed meanwhile"))
        clash = self._clash(item, kept)
        if clash:
            return Registered(item, State.HIERARCHY_CONFLICT, clash)
        key = columns.patient_key(item)
        if _are_two(self.studies.get(study_uid), key, is_overruled=item.identity_overruled):
            return Registered(item, State.IDENTITY_CONFLICT, gettext_noop("the study is known for another patient ID"))
        if self.studies.get(study_uid) is None:
            self.studies[study_uid] = key
        self.series[series_uid] = study_uid
        state = State.CONFLICT if kept else State.NEW
        mine = KnownVersion(None, study_uid, series_uid, item.stored.dataset_sha256)
        self.instances.setdefault(header.instance.sop_instance_uid, []).append(mine)
        return Registered(item, state)

    def _is_corrected_otherwise(self, item: IncomingInstance) -> bool:
        """Whether the study was corrected after the plan was made, in what this instance does not say itself, or no more is."""
        decided = corrections.concerning(item, self.inheritable.get(item.header.study.study_instance_uid, ()))
        planned = {entry.group for entry in item.inherited} - set(item.followed)
        if planned - {entry.group for entry in decided}:
            return True
        return any(
            entry.group not in planned and not entry.attributes.keys() <= item.corrections.keys() for entry in decided
        )

    def _clash(self, item: IncomingInstance, kept: list[KnownVersion]) -> str:
        study_uid = item.header.study.study_instance_uid
        series_uid = item.header.series.series_instance_uid
        if self.series.get(series_uid, study_uid) != study_uid:
            return gettext_noop("the series belongs to another study")
        if any((known.study_instance_uid, known.series_instance_uid) != (study_uid, series_uid) for known in kept):
            return gettext_noop("the instance belongs to another series")
        return ""


def _are_two(known: PatientKey | None, key: PatientKey | None, *, is_overruled: bool) -> bool:
    """Whether a study and an instance name two patients.

    A person may say that issuers do not matter, never that IDs do not: what goes out would name somebody else than the
    study does. The instance has to be corrected first.
    """
    if known is None or key is None:
        return False
    return known[1] != key[1] if is_overruled else known != key
