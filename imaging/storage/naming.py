"""What a content is called in every tier."""


def location(kind: str, file_sha256: str) -> str:
    """The name within a tier: from our own digest, never from a tag; the same bytes always have the same name.

    The kind leads, so that deleting a preview can never delete an object that happens to have the same bytes.
    """
    return f"{kind}/{file_sha256[:2]}/{file_sha256[2:4]}/{file_sha256}"
