"""A node with nothing to do, in a program that sleeps for two seconds."""

import time

import bridge

bridge.Bridge("a", 0, 9)
time.sleep(2)
