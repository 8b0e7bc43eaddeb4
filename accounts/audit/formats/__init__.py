"""What an event of the audit looks like outside: DICOM's own XML, FHIR AuditEvent, plain JSON lines."""
