"""What CACHE_URL may be."""

FORMS = (
    "CACHE_URL must begin with memory://, or be redis://HOST:PORT/0, redis+sentinel://HOST:PORT,HOST:PORT/SERVICE or "
    "redis+cluster://HOST:PORT,HOST:PORT, with rediss instead of redis for TLS."
)
SCHEMES = {"memory"} | {f"redis{tls}{kind}" for tls in ("", "s") for kind in ("", "+sentinel", "+cluster")}
