"""The ledger of what was kept, and its proofs. Holds no patient data."""
