"""What the product is made of: a bill of its packages, their licences, and the advisories that were looked at."""
