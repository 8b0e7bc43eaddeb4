"""The change feed, pushed: signed requests to other systems, in order, until they are taken."""
