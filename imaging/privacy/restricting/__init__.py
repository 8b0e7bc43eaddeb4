"""Restriction of processing (GDPR article 18): a record that nobody opens but in an emergency."""
