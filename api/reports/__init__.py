"""What analysts ask: the SQL, written once, and the engines that run it."""
