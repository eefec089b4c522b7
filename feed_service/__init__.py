"""A social feed GraphQL service on PostgreSQL."""
