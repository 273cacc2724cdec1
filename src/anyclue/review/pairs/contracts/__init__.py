"""Which calls acquire and which release: tables, their schema and its checks."""
