"""Testing: made-up inputs that hold together, for our own tests and for those of whoever builds on the platform."""
"""Contract tests: whoever writes a backend of their own subclasses these and gives them fixtures."""
