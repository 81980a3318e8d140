"""Leaves an interface with a bridge behind, for the prompt that follows: micropython -i prompt.py PORT PEER_PORT."""

import bridge

end = bridge.from_arguments("b")
print("ready")
