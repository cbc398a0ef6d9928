"""Testing: made-up inputs that hold together, for our own tests and for those of whoever builds on the platform."""
