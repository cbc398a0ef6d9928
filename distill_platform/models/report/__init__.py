"""Reports on one model of a training week: what a researcher reads first. Same values in, same bytes out."""
