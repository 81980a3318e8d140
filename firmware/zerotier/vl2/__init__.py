"""VL2: networks, membership and frames, on top of VL1."""
