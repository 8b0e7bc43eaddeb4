"""Coverage-guided fuzzers of the parsers that meet strangers' bytes: bounded in `make test`, long in `make fuzz`."""
