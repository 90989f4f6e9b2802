"""An experiment as one Workflow Run RO-Crate: written, described, unpacked and audited."""
