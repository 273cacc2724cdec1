"""Evidence on functions, combined by likelihood ratios, ranked. Pure."""
