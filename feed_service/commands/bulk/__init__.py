"""Many rows in one transaction: every row gets an outcome, and a bad one keeps no other from being done.

Rows of a chunk are done as if one after another, in their order; statements are as many for one row as for 5,000. Who
may do this is decided where a bulk is asked for: `uploads.begin`, or the operator's shell.
"""
