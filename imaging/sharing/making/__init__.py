"""Making a share, and ending or changing one."""
