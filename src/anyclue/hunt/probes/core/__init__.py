"""What each probe does in a guest, and what its raw data says. Pure."""
