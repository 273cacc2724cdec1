"""Bisection as inference: a posterior over commits, from runs that err. Pure."""
