"""What papers claim, measured: one file a claim, declared and recorded by the ledger."""
