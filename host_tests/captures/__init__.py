"""Recorded traffic of reference nodes against the wire layer. CPython only: needs `cryptography`."""
