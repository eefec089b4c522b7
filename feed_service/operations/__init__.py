"""What the operator can see: statements, plans, indexes, sizes, connections, and a report of it all."""
