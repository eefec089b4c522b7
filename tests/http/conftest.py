"""Addresses of running services: of a small schema, and of the real one on an empty, migrated database."""

from collections.abc import Iterator

import pytest

from feed_service.app import create_app
from feed_service.settings import Settings
from tests.http.server import serving
from tests.http.small import small_site


@pytest.fixture(scope="session")
def small_url() -> Iterator[str]:
    with serving(small_site()) as url:
        yield url


@pytest.fixture(scope="session")
def real_url(database_url: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("service")
    variables = {"DATABASE_URL": database_url, "FEED_DATA_DIR": str(folder), "FEED_JOBS": "off"}
    settings = Settings.from_environment(variables)
    with serving(create_app(settings)) as url:
        yield url


@pytest.fixture(params=["small_url", "real_url"])
def service_url(request: pytest.FixtureRequest) -> str:
    """Both, for what must hold whatever the schema."""
    return str(request.getfixturevalue(request.param))
