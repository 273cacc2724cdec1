"""Pure statistics: from the recordings of a run to one verdict a cell."""
