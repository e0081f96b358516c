"""TAXII 2.1 collections, read page by page when the user asks for it; nothing else here opens a connection."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from stillhunt.errors import InputError, MissingExtraError
from stillhunt.knowledge.importer import Imported, Terms
from stillhunt.knowledge.importers.stix import stix_claims

__all__ = ["fetch"]

_PAGE = 1_000
"""Objects asked for at once; a server may give fewer."""


def fetch(
    url: str, *, user: str | None = None, password: str | None = None, token: str | None = None, terms: Terms
) -> Imported:
    """Read a collection and return what it says, as claims.

    Args:
        url: Address of the collection: it ends in ``/collections/ID/``.
        user: For basic authentication.
        password: Likewise.
        token: Sent as a bearer token instead.
        terms: What the user says about it.

    Raises:
        InputError: The server refuses, cannot be reached, or does not answer in TAXII.
        MissingExtraError: The client library is not installed.
    """
    objects: dict[tuple[str, str], Any] = {}
    for page in _pages(url, user=user, password=password, token=token):
        for one in page.get("objects") or ():
            if isinstance(one, dict):
                objects[str(one.get("id")), str(one.get("modified", ""))] = one
    latest = {identifier: one for (identifier, _), one in sorted(objects.items(), key=lambda item: item[0])}
    bundle = msgspec.json.encode({"type": "bundle", "objects": list(latest.values())})
    return stix_claims(bundle, where=terms.title or url, terms=terms)


def _pages(url: str, *, user: str | None, password: str | None, token: str | None) -> Iterator[dict[str, Any]]:
    try:
        from taxii2client.common import TokenAuth  # noqa: PLC0415  # of an extra
        from taxii2client.exceptions import TAXIIServiceException  # noqa: PLC0415
        from taxii2client.v21 import Collection, as_pages  # noqa: PLC0415
    except ModuleNotFoundError as error:
        raise MissingExtraError("taxii2-client", "taxii") from error
    auth = TokenAuth(key=token) if token else None
    try:
        collection = Collection(url, user=user, password=password, auth=auth)
        yield from as_pages(collection.get_objects, per_request=_PAGE)
    except (TAXIIServiceException, OSError, ValueError) as error:
        raise InputError(f"the collection cannot be read: {error}", where=url) from error
