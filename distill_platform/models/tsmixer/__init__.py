"""TSMixer: the student, a small network over real sequences, taught by what came after and by the tabular teacher."""
