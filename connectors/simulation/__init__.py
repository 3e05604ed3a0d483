"""What simulators of vendors' systems have in common."""
