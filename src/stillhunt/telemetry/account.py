r"""Accounts in one form: lower case, ``DOMAIN\name`` with the domain's first label where a domain is logged.

Windows and IIS log one account as ``CORP\alice``, ``corp.example\alice``, ``alice@CORP.EXAMPLE`` and, where no name
was looked up, by its security identifier.
"""

from __future__ import annotations

import re

__all__ = ["account_name", "account_of_sid", "qualified"]

_WELL_KNOWN = {
    "s-1-5-7": "nt authority\\anonymous logon",
    "s-1-5-18": "nt authority\\system",
    "s-1-5-19": "nt authority\\local service",
    "s-1-5-20": "nt authority\\network service",
}
"""Source: Microsoft, [MS-DTYP] 2.4.2.4, well-known SID structures."""

_ADDRESS = re.compile(r"[0-9.]+$")


def account_name(text: str) -> str:
    r"""Return an account in its one form; empty for none.

    >>> account_name("alice@CORP.EXAMPLE"), account_name("corp.example\\Alice"), account_name("-")
    ('corp\\alice', 'corp\\alice', '')
    """
    text = text.strip().lower()
    if text in {"", "-"}:
        return ""
    name, at, realm = text.partition("@")
    if at and realm and "\\" not in text:
        return f"{_first_label(realm)}\\{name}"
    domain, slash, name = text.partition("\\")
    return f"{_first_label(domain)}\\{name}" if slash else text


def qualified(domain: str, name: str) -> str:
    r"""Return domain and name as one account, as logged; empty for none.

    >>> qualified("CORP", "Alice"), qualified("-", "Alice"), qualified("CORP", "-")
    ('CORP\\Alice', 'Alice', '')
    """
    if not name or name == "-":
        return ""
    is_whole = not domain or domain == "-" or "\\" in name or "@" in name
    return name if is_whole else f"{domain}\\{name}"


def account_of_sid(sid: str) -> str:
    r"""Return the account of a security identifier: the name of the system's own, else the identifier itself.

    >>> account_of_sid("S-1-5-18"), account_of_sid("S-1-5-21-1-2-3-1000")
    ('nt authority\\system', 's-1-5-21-1-2-3-1000')
    """
    sid = sid.strip().lower()
    return _WELL_KNOWN.get(sid, sid if sid.startswith("s-1-") else "")


def _first_label(domain: str) -> str:
    return domain if _ADDRESS.match(domain) else domain.partition(".")[0]
