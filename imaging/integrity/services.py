"""Writing to the ledger. Leaves are appended in the transaction of what they tell of, and never changed."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from imaging.integrity.models import LedgerLeaf

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Leaf:
    """What is to be stated of one content; ``kind`` is a value of ``LedgerLeaf.Kind``. No patient data."""

    kind: str
    file_sha256: str
    dataset_sha256: str
    recorded_at: datetime


def append_leaves(leaves: Iterable[Leaf]) -> None:
    """Append to the ledger's leaf queue, in the order given, within the caller's transaction."""
    LedgerLeaf.objects.bulk_create(
        [
            LedgerLeaf(
                kind=LedgerLeaf.Kind(leaf.kind),
                file_sha256=leaf.file_sha256,
                dataset_sha256=leaf.dataset_sha256,
                recorded_at=leaf.recorded_at,
            )
            for leaf in leaves
        ],
        batch_size=_BATCH,
    )
