"""Verifies a client assertion with PyJWT: the input and output are verify.mjs's.

PyJWT knows Ed25519 keys under the alg EdDSA only, not under the newer name Ed25519.
"""

import json
import sys

import jwt

ALGS = [
    "RS256", "RS384", "RS512",
    "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512",
    "EdDSA",
]


def media_type(typ):
    return str(typ).lower().removeprefix("application/")


def usable(jwk, header):
    """Whether the header's kid and alg and the key's own members point at the key."""
    return (
        ("kid" not in header or jwk.get("kid") == header["kid"])
        and jwk.get("alg", header["alg"]) == header["alg"]
        and jwk.get("use", "sig") == "sig"
    )


def verify(document):
    for name in ("jwt", "issuer", "audience", "typ"):
        if not isinstance(document.get(name), str) or not document[name]:
            raise ValueError(f"the input has no {name}")

    header = jwt.get_unverified_header(document["jwt"])
    if header.get("alg") not in ALGS:
        raise jwt.InvalidAlgorithmError(f"alg {header.get('alg')!r} is not allowed")
    if media_type(header.get("typ")) != media_type(document["typ"]):
        raise jwt.InvalidTokenError(f"typ is {header.get('typ')!r}")

    candidates = [key for key in document["jwks"]["keys"] if usable(key, header)]
    if len(candidates) != 1:
        raise jwt.InvalidKeyError(f"{len(candidates)} keys of the set fit the header")

    jwt.decode(
        document["jwt"],
        jwt.PyJWK(candidates[0], algorithm=header["alg"]),
        algorithms=ALGS,
        issuer=document["issuer"],
        audience=document["audience"],
        options={"require": ["iss", "sub", "aud", "jti", "exp"]},
    )
    return header["alg"]


try:
    print("OK", verify(json.load(sys.stdin)))
except Exception as error:
    print("FAIL", type(error).__name__, str(error).replace("\n", " "))
    sys.exit(1)
