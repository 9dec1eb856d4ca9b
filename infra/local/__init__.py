"""Embedded AWS: what local mode runs against."""
