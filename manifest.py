# Freezes the node into a firmware: include this file from a board's manifest.
#   include("manifest.py")                           the modules as they are, for machines with memory
#   include("manifest.py", bundle=True)              one module made of them (tools/bundle.py), for small boards
#   include("manifest.py", bundle=True, roles=True)  the same, with the root and the controller
import subprocess
import sys

options.defaults(bundle=False, roles=False)

if options.bundle:
    name = "bundle_roles" if options.roles else "bundle"
    roles = ["--roles"] if options.roles else []
    subprocess.run(
        [sys.executable, "tools/bundle.py", f"build/{name}/zerotier.py", *roles], check=True
    )
    # Without line numbers, which would be those of the bundle.
    module("zerotier.py", base_path=f"build/{name}", opt=3)
else:
    package("zerotier", base_path="firmware")
