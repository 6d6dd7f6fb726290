"""A text column that is unreadable in a database dump."""

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import models


class UndecipherableSecretError(ValueError):
    """A stored secret was made with another SECRET_KEY."""


def _fernet() -> Fernet:
    key = hashlib.sha256(b"agon.secret-field:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # generic only in the stubs
    """Text encrypted with a key derived from ``SECRET_KEY`` (Fernet: AES-128-CBC, HMAC-SHA256)."""

    def from_db_value(self, value: str | None, *_: Any) -> str | None:  # Django's own signature
        if not value:
            return value
        try:
            return _fernet().decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise UndecipherableSecretError(
                f"The stored {self.name} cannot be read: SECRET_KEY has changed since it was "
                "saved. Restore the old SECRET_KEY or enter the value again."
            ) from error

    def get_prep_value(self, value: str | None) -> str | None:
        text = super().get_prep_value(value)
        return _fernet().encrypt(text.encode()).decode() if text else text
