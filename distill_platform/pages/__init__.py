"""Pages: what every page and figure of the platform has in common. Knows no domain word; same values, same bytes."""
