"""Radiology's answer to a request: a protocol, a question, or a reason why not."""
