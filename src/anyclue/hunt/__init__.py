"""From trials to the clue: select cells, judge, minimise, localise, hear suspects, report."""
