"""Writing and signing a report, and what follows a signature."""
