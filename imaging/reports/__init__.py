"""Reading and reporting: what is to be read, the report from its first word to its signed versions, critical findings."""
