"""MSAL for Python, with a certificate: x5t or x5t#S256, one assertion for ten minutes. It takes https alone;
REQUESTS_CA_BUNDLE has the server's certificate."""

import hashlib
from urllib.parse import parse_qsl, urlsplit

import msal
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from checks import ISSUER, REDIRECT_URI, check, login, pem

certificate = pem("rsa2048.cert")
der = x509.load_pem_x509_certificate(certificate.encode()).public_bytes(Encoding.DER)
sha1 = hashlib.sha1(der).hexdigest()


def acquired(answer):
    if "error" in answer:
        raise RuntimeError(f"{answer['error']}: {answer.get('error_description')}")
    return answer


def try_all(name, credential):
    application = msal.ConfidentialClientApplication(
        "certificate", client_credential=credential, oidc_authority=ISSUER
    )

    def client_credentials():
        answer = acquired(application.acquire_token_for_client(["api:read"]))
        return f"{answer['token_type']} {answer['token_source']}"

    def by_code():
        flow = application.initiate_auth_code_flow(["api:read"], redirect_uri=REDIRECT_URI)
        back = dict(parse_qsl(urlsplit(login(flow["auth_uri"])).query))
        answer = acquired(application.acquire_token_by_auth_code_flow(flow, back))
        return answer["id_token_claims"]["sub"]

    def refresh():
        account = application.get_accounts()[0]
        answer = application.acquire_token_silent_with_error(["api:read"], account, force_refresh=True)
        return acquired(answer)["token_source"]

    check(f"{name} client credentials", client_credentials)
    check(f"{name} client credentials from the cache", client_credentials)
    check(f"{name} login", by_code)
    check(f"{name} refresh", refresh)


key = pem("rsa2048.pkcs8")
try_all("x5t", {"private_key": key, "thumbprint": sha1})
try_all("x5t#S256 and x5c", {"private_key": key, "public_certificate": certificate})
