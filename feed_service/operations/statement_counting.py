"""Has PostgreSQL count statements where it can and may: the embedded server has the library, and lets us."""

from sqlalchemy import text

from feed_service.database import create_engine

# Another process may be at it as well.
PROVIDE = """
    DO $$
    BEGIN
        IF NOT EXISTS (SELECT FROM pg_extension WHERE extname = 'pg_stat_statements')
            AND current_setting('is_superuser')::boolean
            AND EXISTS (SELECT FROM pg_settings WHERE name = 'pg_stat_statements.max')
            AND EXISTS (SELECT FROM pg_available_extensions WHERE name = 'pg_stat_statements')
        THEN
            CREATE EXTENSION IF NOT EXISTS pg_stat_statements;
        END IF;
    EXCEPTION WHEN unique_violation OR duplicate_object THEN NULL;
    END $$
"""


async def count_statements(url: str) -> None:
    """Create the extension pg_stat_statements, if its library is loaded and this role is a superuser; else nothing."""
    engine = create_engine(url, pool_size=1)
    try:
        async with engine.begin() as connection:
            await connection.execute(text(PROVIDE))
    finally:
        await engine.dispose()
