"""VL1: peers, paths and roots. Knows nothing of networks."""
