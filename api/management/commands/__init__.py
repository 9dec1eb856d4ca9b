"""One module a command: arguments in, one call, a line out."""
