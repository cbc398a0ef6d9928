"""Reports on one run: what a reviewer reads in a minute, and a machine too. Same values in, same bytes out."""
