"""What ops and analysts type."""
