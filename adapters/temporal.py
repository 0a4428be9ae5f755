"""The connection to Temporal: pydantic payloads, compressed and encrypted, failures included."""

from __future__ import annotations

import os
import zlib
from collections.abc import Sequence

from temporalio.api.common.v1 import Payload
from temporalio.client import Client
from temporalio.contrib.pydantic import PydanticJSONPlainPayloadConverter
from temporalio.converter import (
    CompositePayloadConverter,
    DataConverter,
    DefaultFailureConverterWithEncodedAttributes,
    DefaultPayloadConverter,
    JSONPlainPayloadConverter,
    PayloadCodec,
)
from temporalio.envconfig import ClientConfig

from adapters.keyring import Keyring

PURPOSE = "temporal payloads"
ENCODING = b"binary/loopkeeper"
_COMPRESS_FROM = 200
_PLAIN, _DEFLATED = b"\x00", b"\x01"


_JSON = PydanticJSONPlainPayloadConverter(max_cached_type_adapters=None)
_CONVERTERS = tuple(
    _JSON if isinstance(converter, JSONPlainPayloadConverter) else converter for converter in DefaultPayloadConverter().converters.values()
)


class SharedPydanticPayloads(CompositePayloadConverter):
    """Pydantic's JSON for every payload. Temporal makes one converter for each workflow; all of them share what pydantic has compiled,
    which would otherwise be compiled anew for each case (measured: a tenth of the worker's time)."""

    def __init__(self) -> None:
        super().__init__(*_CONVERTERS)


class SealedPayloads(PayloadCodec):
    """AES-GCM over every payload; larger ones are compressed first. The key's id stands in the metadata and before the ciphertext."""

    def __init__(self, keyring: Keyring) -> None:
        self._keyring = keyring
        self._key_id = keyring.keys[0][0].encode()

    async def encode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Seal."""
        return [self._sealed(p) for p in payloads]

    async def decode(self, payloads: Sequence[Payload]) -> list[Payload]:
        """Open. Payloads that we did not seal pass through. Raises KeyProblem."""
        return [self._opened(p) if p.metadata.get("encoding") == ENCODING else p for p in payloads]

    def _sealed(self, payload: Payload) -> Payload:
        plain = payload.SerializeToString()
        content = _DEFLATED + zlib.compress(plain, 1) if len(plain) >= _COMPRESS_FROM else _PLAIN + plain
        return Payload(metadata={"encoding": ENCODING, "key": self._key_id}, data=self._keyring.seal(PURPOSE, content))

    def _opened(self, payload: Payload) -> Payload:
        content = self._keyring.open(PURPOSE, payload.data)
        plain = zlib.decompress(content[1:]) if content[:1] == _DEFLATED else content[1:]
        return Payload.FromString(plain)


def data_converter(keyring: Keyring) -> DataConverter:
    """How everything that passes through Temporal is written."""
    return DataConverter(
        payload_converter_class=SharedPydanticPayloads,
        payload_codec=SealedPayloads(keyring),
        failure_converter_class=DefaultFailureConverterWithEncodedAttributes,
    )


async def connect(keyring: Keyring, *, lazy: bool = False, address: str | None = None) -> Client:
    """A client by Temporal's own environment configuration (TEMPORAL_ADDRESS, TEMPORAL_NAMESPACE, TEMPORAL_TLS_…, a profile file).

    `lazy`: it connects when it is first used, and Temporal need not be there yet. `address`: where it is, whatever is configured.
    """
    config = ClientConfig.load_client_connect_config()
    if address is not None:
        config["target_host"] = address
    config.setdefault("target_host", os.environ.get("TEMPORAL_ADDRESS", "localhost:7233"))
    return await Client.connect(**config, data_converter=data_converter(keyring), lazy=lazy)
