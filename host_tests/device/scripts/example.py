"""Runs a piece of an example: example.py NAME HOME BIND PLANET EXPRESSION.

Owns the node that boot.py would have started on a board. An expression that ends with its own node has no planet.
"""

import sys

import zerotier

name, home, bind, planet, expression = sys.argv[1:]
sys.path.append("examples")
if planet != "-":
    with open(planet, "rb") as file:
        zerotier.node = zerotier.ZeroTier(home, bind=bind, planet=file.read())
example = __import__(name)
result = eval(expression)
print("result", result)
if planet == "-":
    sys.stdin.readline()
