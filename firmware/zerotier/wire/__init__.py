"""Byte layouts of the protocol and nothing else: no keys, no state, no I/O."""
