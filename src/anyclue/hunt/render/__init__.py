"""The reports of a run: page, mail, JUnit, JSON. Pure."""
