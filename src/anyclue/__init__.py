"""anyclue: from "any clue?" to the clue, for memory leaks in Linux file systems."""
