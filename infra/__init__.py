"""Where docproc runs: embedded AWS for local mode, and the real one."""
