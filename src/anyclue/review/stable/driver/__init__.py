"""What histories hold of a fix and its culprits."""
