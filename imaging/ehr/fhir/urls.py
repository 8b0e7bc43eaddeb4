"""Addresses of the FHIR facade (R4 section 3.1.0)."""

from django.urls import path, register_converter

from imaging.ehr.fhir import views


class TypeConverter:
    """The name of a resource type."""

    regex = r"[A-Z][A-Za-z]{1,40}"

    def to_python(self, value: str) -> str:
        """Give the view the name as it is."""
        return value

    def to_url(self, value: str) -> str:
        """Write the name as it is."""
        return value


class IdConverter(TypeConverter):
    """The id of a resource (R4 section 2.24)."""

    regex = r"[A-Za-z0-9\-.]{1,64}"


register_converter(TypeConverter, "fhirtype")
register_converter(IdConverter, "fhirid")

app_name = "fhir"

urlpatterns = [
    path("metadata", views.metadata, name="metadata"),
    path(".well-known/smart-configuration", views.smart_configuration, name="smart-configuration"),
    path("<fhirtype:name>", views.resources, name="resources"),
    path("<fhirtype:name>/_search", views.search_form, name="search-form"),
    path("<fhirtype:name>/<fhirid:key>", views.resource, name="resource"),
]
