"""Where the fault is: evidence on functions, combined by likelihood ratios, ranked."""
