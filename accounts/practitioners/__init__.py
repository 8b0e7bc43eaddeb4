"""The numbers by which orders and images name a person: RPPS, ADELI, NPI or the hospital's own."""
