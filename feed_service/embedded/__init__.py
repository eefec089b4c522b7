"""PostgreSQL and Valkey for one machine, started from wheels as direct children; nothing else starts a server."""
