"""What runs on an instance: its installer, units, web server, and the two programs that they start."""
