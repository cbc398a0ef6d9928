"""Features: what is known at the end of a bar, by definitions that are declared once and looked back on only so far."""
