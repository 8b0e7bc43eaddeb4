"""The desk of who shares: one's own shares, a department's, and all of them for the privacy officer."""
