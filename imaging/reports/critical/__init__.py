"""Critical findings: who has to know, and whether they do."""
