"""Which traces are imbalances, how sure that is, and how a finding is explained. Pure."""
