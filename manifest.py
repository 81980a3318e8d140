# Freezes the node into a firmware: include this file from a board's manifest.
#   include("manifest.py")               the modules as they are, for machines with memory
#   include("manifest.py", bundle=True)  one module made of them (tools/bundle.py), for small boards
# and with a bundle:
#   roles=True                           with the root and the controller
#   mapping=True                         with port mapping (PCP, NAT-PMP), which is left out otherwise
#   sockets=True                         for boards where the node talks through a socket of Wi-Fi's lwIP
import subprocess
import sys

options.defaults(bundle=False, roles=False, mapping=False, sockets=False)

if options.bundle:
    chosen = [name for name in ("roles", "mapping", "sockets") if getattr(options, name)]
    folder = "_".join(["build/bundle", *chosen])
    words = [f"--{name}" for name in chosen]
    subprocess.run(
        [sys.executable, "tools/bundle.py", f"{folder}/zerotier.py", *words], check=True
    )
    # Without line numbers, which would be those of the bundle.
    module("zerotier.py", base_path=folder, opt=3)
else:
    package("zerotier", base_path="firmware")
