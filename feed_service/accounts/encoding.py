"""Bytes as text for tokens: base64 for addresses, without padding."""

import base64


def unpadded(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
