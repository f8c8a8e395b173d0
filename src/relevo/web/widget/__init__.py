"""The web chat: what its script on customers' sites asks, the script itself, and a page with nothing else."""
