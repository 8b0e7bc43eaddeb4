"""The record opens images with a proof of who does: SMART App Launch (LA-3), and the signed launch of records without OAuth (LA-2)."""
