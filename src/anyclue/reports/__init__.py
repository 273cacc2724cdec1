"""What people and programs read: HTML, mail text, JUnit, JSON."""
