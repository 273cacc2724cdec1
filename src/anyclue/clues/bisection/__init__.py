"""Bisection as inference: a posterior over commits, from runs that err, and what to run next."""
