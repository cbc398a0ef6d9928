"""HTTP: one resource of a feed, asked for politely, and its bytes whole or not at all."""
