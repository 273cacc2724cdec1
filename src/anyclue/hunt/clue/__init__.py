"""The clue: what is guilty, where, and which suspects are innocent."""
