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


class StorageFull(StorageError):
    """There is no room left to write."""

    code = "storage_full"
