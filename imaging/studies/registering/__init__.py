"""Registration: from what arrived to rows, one batch in one transaction."""
