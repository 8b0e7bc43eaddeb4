"""What the health record tells of a patient, shown beside the images: asked, kept for a short time, and never of somebody else."""
