"""The words that every other package shares: frozen data, enums, protocols and errors."""
