"""A text column that is unreadable in a database dump."""

import base64
import hashlib
from typing import Any

from cryptography.fernet import Fernet, InvalidToken
from django.conf import settings
from django.db import models
from django.db.models.query_utils import DeferredAttribute


class UndecipherableSecretError(ValueError):
    """A stored secret was made with another SECRET_KEY."""


def _fernet() -> Fernet:
    key = hashlib.sha256(b"agon.secret-field:" + settings.SECRET_KEY.encode()).digest()
    return Fernet(base64.urlsafe_b64encode(key))


class _Ciphertext(str):
    """A stored value that nobody has read yet."""

    __slots__ = ()


class _DecipheredWhenRead(DeferredAttribute):
    """Whoever loads a row for something else needs no key, and pays for none."""

    def __get__(self, instance: Any, cls: Any = None) -> Any:  # Django's own signature
        value = super().__get__(instance, cls)
        if isinstance(value, _Ciphertext):
            value = instance.__dict__[self.field.attname] = self._decipher(value)
        return value

    def __set__(self, instance: Any, value: str | None) -> None:  # or __get__ would not be asked
        instance.__dict__[self.field.attname] = value

    def _decipher(self, value: _Ciphertext) -> str:
        try:
            return _fernet().decrypt(value.encode()).decode()
        except InvalidToken as error:
            raise UndecipherableSecretError(
                f"The stored {self.field.name} cannot be read: SECRET_KEY has changed since it "
                "was saved. Restore the old SECRET_KEY or enter the value again."
            ) from error


class EncryptedTextField(models.TextField):  # type: ignore[type-arg]  # generic only in the stubs
    """Text encrypted with a key derived from ``SECRET_KEY`` (Fernet: AES-128-CBC, HMAC-SHA256).

    Reading the attribute raises UndecipherableSecretError where the key has changed; loading the
    row does not, and saving it for another reason keeps what is stored.
    """

    descriptor_class = _DecipheredWhenRead

    def from_db_value(self, value: str | None, *_: Any) -> str | None:  # Django's own signature
        return _Ciphertext(value) if value else value

    def pre_save(self, model_instance: models.Model, add: bool) -> Any:  # text, or what is stored
        if isinstance(model_instance.__dict__.get(self.attname), _Ciphertext):
            return model_instance.__dict__[self.attname]
        return super().pre_save(model_instance, add)

    def get_prep_value(self, value: str | None) -> str | None:
        if isinstance(value, _Ciphertext):
            return str(value)
        text = super().get_prep_value(value)
        return _fernet().encrypt(text.encode()).decode() if text else text
