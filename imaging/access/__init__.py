"""Asking to see what is placed elsewhere: requests, grants, emergency access and its review."""
