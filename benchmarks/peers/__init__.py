"""Other servers of the same operations, which `make bench` compares the service with."""
