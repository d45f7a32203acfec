"""What papers claim, measured: one module a chapter, declared and recorded by the ledger."""
