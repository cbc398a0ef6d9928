"""Promotion: whether a candidate has earned to be tried, decided on values; nobody is promoted by it."""
