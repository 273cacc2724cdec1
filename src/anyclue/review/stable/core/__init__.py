"""What commit messages tell of backports and reverts, judged by branch. Pure."""
