"""Coming in by a share: the link or the typed code, then the second proof."""
