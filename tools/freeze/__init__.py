"""Makes C of the node's Python, for boards: `python3 -m freeze`, with tools/ in PYTHONPATH."""
