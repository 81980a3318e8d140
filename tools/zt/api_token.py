"""The token that opens the API: the file authtoken.secret of a node's home (protocol/10 §10.1).

Owns the file and the comparison. Never answers a request.
"""

import hmac
import secrets
import string

from zerotier.store import FileStore

from .http_server import Request

TOKEN_KEY = "authtoken.secret"
_LETTERS = string.ascii_lowercase + string.digits
_LENGTH = 24
_BEARER = "bearer "


def load_token(store: FileStore) -> str:
    """The token of this home; a new one at the first start. ValueError if the file is empty or no text."""
    stored = store.get(TOKEN_KEY)
    if stored is None:
        token = "".join(secrets.choice(_LETTERS) for _ in range(_LENGTH))
        store.put(TOKEN_KEY, token.encode())
        return token
    try:
        token = stored.decode("ascii").strip()
    except ValueError:
        token = ""
    if not token:
        raise ValueError(
            f"{store.path}/{TOKEN_KEY} holds no token: delete it, and there will be one"
        )
    return token


def allows(token: str, request: Request) -> bool:
    """Whether a request brings the token: X-ZT1-Auth, Authorization: bearer, or ?auth= (protocol/10 §10.3)."""
    shown = request.headers.get("x-zt1-auth")
    if shown is None:
        authorization = request.headers.get("authorization", "")
        if authorization.lower().startswith(_BEARER):
            shown = authorization[len(_BEARER) :]
        else:
            shown = request.query.get("auth", "")
    return hmac.compare_digest(shown.strip().encode(), token.encode())
