"""Authlib's session for requests, with its PrivateKeyJWT: RS256, an hour, no kid."""

import os

from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT
from joserfc import jwt
from joserfc.jwk import KeySet

from checks import ISSUER, REDIRECT_URI, check, login, metadata, pem

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"
server = metadata()
token_endpoint = server["token_endpoint"]
session = OAuth2Session(
    "rsa",
    pem("rsa2048.pkcs8"),
    token_endpoint_auth_method=PrivateKeyJWT(token_endpoint),
    revocation_endpoint_auth_method=PrivateKeyJWT(token_endpoint),
    scope="openid api:read",
    redirect_uri=REDIRECT_URI,
    code_challenge_method="S256",
    token_endpoint=token_endpoint,
)


def client_credentials():
    token = session.fetch_token(grant_type="client_credentials", scope="api:read")
    return f"{token['token_type']} {token['scope']}"


def by_code():
    verifier = "v" * 64
    url, state = session.create_authorization_url(
        server["authorization_endpoint"], code_verifier=verifier, nonce="nonce-1"
    )
    token = session.fetch_token(authorization_response=login(url), state=state, code_verifier=verifier)
    keys = KeySet.import_key_set(session.get(server["jwks_uri"], withhold_token=True).json())
    claims = jwt.decode(token["id_token"], keys, algorithms=["RS256"]).claims
    return f"{claims['iss'] == ISSUER} {claims['sub']} {claims['aud']} {claims['nonce']}"


def refresh():
    before = session.token["refresh_token"]
    token = session.refresh_token(token_endpoint)
    return token["refresh_token"] != before


def userinfo():
    return session.get(server["userinfo_endpoint"]).json()["sub"]


def introspection():
    token = session.token["access_token"]
    answer = session.introspect_token(server["introspection_endpoint"], token=token)
    return f"{answer.json()['active']} {answer.json()['sub']}"


def revocation():
    token = session.token["refresh_token"]
    answer = session.revoke_token(server["revocation_endpoint"], token=token, token_type_hint="refresh_token")
    return answer.status_code


check("client credentials", client_credentials)
check("login", by_code)
check("userinfo", userinfo)
check("refresh", refresh)
check("introspection", introspection)
check("revocation", revocation)
