"""Judging: which records may enter which corpus, decided over groups of records, not row by row."""
