"""The clue of a run: sources of the kernels kept and compared, places, suspects."""
