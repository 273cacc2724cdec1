"""The TOML that users write: validated whole, and planned into cells."""
