"""FHIR R4 (4.0.1) resources: plain values in, JSON values out. Nothing here knows of a database, a reader or an address."""
