"""What goes out of a report: paper (PDF), page (HTML), and DICOM objects beside the images, all made of one frozen value."""
