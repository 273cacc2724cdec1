"""The words that every other package shares: frozen data, enums, protocols and errors.

Standard library only; importing this package starts nothing and reads nothing.
"""
