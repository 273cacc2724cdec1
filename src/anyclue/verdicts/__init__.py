"""Pure statistics: from the recordings of a run to one verdict a cell."""

from anyclue.verdicts.judge import judge_cells

__all__ = ["judge_cells"]
