"""Testing: made-up inputs that hold together, and contract tests for whoever writes a backend of their own.

They are for our own tests and for those of whoever builds on the platform: subclass a contract and give it fixtures.
"""
