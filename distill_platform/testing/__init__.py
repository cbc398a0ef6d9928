"""Contract tests: whoever writes a backend of their own subclasses these and gives them fixtures."""
