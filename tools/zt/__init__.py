"""The command line `zt` and the tools behind it. Runs on CPython only."""
