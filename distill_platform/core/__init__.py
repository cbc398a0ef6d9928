"""Floor 0: errors, canonical JSON, time, configuration, the expression language. No domain words here."""
