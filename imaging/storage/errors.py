"""What can go wrong with kept bytes. None of these tells where the bytes lie."""

from typing import ClassVar


class StorageError(Exception):
    """Something is wrong with one content; ``code`` is a stable slug for problems shown to people."""

    code: ClassVar[str] = "storage_error"


class ObjectMissing(StorageError):
    """No copy of the content can be found."""

    code = "object_missing"


class ObjectDamaged(StorageError):
    """The bytes read are not the bytes that were kept: the digest or the length differs."""

    code = "object_damaged"


class StorageAway(StorageError):
    """A copy exists, and the place where it lies does not answer: nothing is lost, it can be tried again."""

    code = "storage_away"


class StorageFull(StorageError):
    """There is no room left to write."""

    code = "storage_full"


class StoreTrouble(OSError):
    """A store on the network cannot do what it was asked: an ``OSError`` for those who read, with a slug for people.

    Raised by backends only; the services make a ``StorageError`` of it.
    """

    def __init__(self, number: int, sentence: str, *, slug: str) -> None:
        """Keep the errno, a sentence without names or addresses, and the slug (see ``CopyOrder.Problem``)."""
        super().__init__(number, sentence)
        self.slug = slug
