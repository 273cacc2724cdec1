"""The bisection: which commit to run next, run it in a guest, say what it showed, prove the end."""
