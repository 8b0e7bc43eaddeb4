"""Which health record is meant."""

from imaging.ehr.models import HealthRecord


def record_at(address: str) -> HealthRecord | None:
    """The active record whose launches come from this address (``iss``); a slash at the end does not matter."""
    bare = address.rstrip("/")
    found = HealthRecord.objects.filter(is_active=True, address__in=(bare, f"{bare}/"), provider__is_active=True)
    return found.select_related("site", "provider").first()


def record_named(slug: str) -> HealthRecord | None:
    """The active record of a short name that launches."""
    found = HealthRecord.objects.filter(is_active=True, slug=slug, provider__is_active=True)
    return found.select_related("site", "provider").first()


def records_whose_tokens_are_taken() -> list[HealthRecord]:
    """The records that are asked about the tokens of programs (SMART Imaging Access)."""
    found = HealthRecord.objects.filter(is_active=True, accepts_tokens=True)
    return list(found.select_related("site").order_by("pk"))


def record_read_for(issuer_of_patient_id: str) -> HealthRecord | None:
    """The record that is read for the patients of an issuer."""
    found = HealthRecord.objects.filter(is_active=True, site__issuer_of_patient_id=issuer_of_patient_id)
    return found.exclude(access=HealthRecord.Access.NONE).select_related("site").order_by("pk").first()
