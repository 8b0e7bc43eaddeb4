"""Health records as FHIR servers that we ask: which there are, and reading from them."""
