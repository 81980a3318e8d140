"""What makes a node more than a member: the root, if the planet names it, and the controller.

Owns the wiring of the roles to a node. What they do is `root.py`'s and `controller.py`'s. Small boards are without it.
"""

from .controller import Controller
from .groups import GroupDatabase
from .root import Root


def add_roles(node, store, controller: bool) -> "tuple[Root | None, Controller | None]":
    """Give a node the roles that it has. `controller`: also that one, of the networks in `store`."""
    groups = GroupDatabase(node.transport)
    root = None
    if node.topology.is_root:
        root = Root(node.transport, groups)
        node.add_role(root)
        Root.open_gates(node)
    if not controller:
        return root, None
    serving = Controller(node.transport, store)
    groups.serve(serving.authorised)
    node.add_role(serving)
    return root, serving
