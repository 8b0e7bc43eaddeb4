"""A health record on loopback: npm's oidc-provider as its authorization server, Medplum's router as its FHIR server."""
