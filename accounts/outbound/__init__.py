"""The one way out: requests to other systems, to listed hosts alone (allow-list, pinned addresses, no redirects)."""
