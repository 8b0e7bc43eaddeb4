"""Accesses that deserve a second look: shown to officers, who write down what they found."""
