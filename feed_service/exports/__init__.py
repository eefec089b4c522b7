"""Data on their way out, as lines of JSON from one snapshot: whole tables, and what one user has made."""
