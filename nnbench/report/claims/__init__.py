"""Claims: a page's section and table, and the ledger of all studies."""
