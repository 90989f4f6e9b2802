"""Signatures of crates: what is signed, by OpenSSH's keys, at a time that an authority attests."""
