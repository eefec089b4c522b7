"""compose.yaml can be read, and speaks of what there is."""

from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parent.parent
SETTINGS = (ROOT / "feed_service" / "settings.py").read_text()


@pytest.fixture(scope="module")
def services() -> dict[str, Any]:
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]  # type: ignore[no-any-return]


def test_it_has_the_database_the_cache_the_migration_and_the_service(services: dict[str, Any]) -> None:
    assert services.keys() == {"postgres", "valkey", "migrate", "feed"}


def test_whatever_is_waited_for_can_be_waited_for(services: dict[str, Any]) -> None:
    for service in services.values():
        for name, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in services[name]
            else:
                assert how["condition"] == "service_completed_successfully"
    assert services["feed"]["depends_on"].keys() == {"migrate", "valkey"}


def test_every_variable_of_the_service_is_a_setting(services: dict[str, Any]) -> None:
    for name in ("migrate", "feed"):
        for variable in services[name]["environment"]:
            assert f'environment.get("{variable}")' in SETTINGS


def test_no_password_is_written_down(services: dict[str, Any]) -> None:
    required = "${POSTGRES_PASSWORD:?set POSTGRES_PASSWORD}"
    assert services["postgres"]["environment"]["POSTGRES_PASSWORD"] == required
    for name in ("migrate", "feed"):
        assert services[name]["environment"]["DATABASE_URL"] == f"postgresql://feed:{required}@postgres/feed"
