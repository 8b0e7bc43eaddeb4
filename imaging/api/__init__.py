"""The REST API under /api/v1/: resources for machines and scripts, with the scope, filters and words of the pages."""
