# Freezes the node into a firmware: include this file from a board's manifest.
package("zerotier", base_path="firmware")
