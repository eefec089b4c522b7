"""What administrators see: a schema of its own at /admin, made of what `feed_service.operations` finds."""
