"""The reading list: what is to be read, by whom, until when."""
