"""What a recipient sees of a share: one page, the viewer, the report, the download."""
