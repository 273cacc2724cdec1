"""Pure statistics: floors, rates, signatures, surges, against references."""
