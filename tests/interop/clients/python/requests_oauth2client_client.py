"""requests-oauth2client, found by discovery, with one kind of key after the other: 60 s, a kid."""

from requests_oauth2client import (
    DeviceAuthorizationPollingJob,
    OAuth2Client,
    OAuth2ClientCredentialsAuth,
    PrivateKeyJwt,
)
from jwskate import Jwk

from checks import ISSUER, REDIRECT_URI, approve, check, login, metadata, pem

KEYS = [
    ("rsa", "rsa2048.pkcs8", "RS256"),
    ("rsa", "rsa2048.pkcs8", "PS256"),
    ("ec", "p256.pkcs8", "ES256"),
    ("ed", "ed25519.pkcs8", "EdDSA"),
]


def try_all(client_id, file, alg):
    key = Jwk.from_pem(pem(file)).with_kid_thumbprint()
    client = OAuth2Client.from_discovery_endpoint(
        issuer=ISSUER,
        auth=PrivateKeyJwt(client_id, key, alg=alg),
        redirect_uri=REDIRECT_URI,
        testing=True,
        # It does not read this one from the metadata.
        device_authorization_endpoint=metadata()["device_authorization_endpoint"],
    )

    def client_credentials():
        token = client.client_credentials(scope="api:read")
        return f"{token.token_type} {token.scope}"

    def with_auth_handler():
        auth = OAuth2ClientCredentialsAuth(client, scope="api:read")
        auth.renew_token()
        return auth.token.scope

    def by_code():
        request = client.authorization_request(scope="openid api:read")
        pushed = client.pushed_authorization_request(request)
        answer = request.validate_callback(login(str(pushed.uri)))
        return client.authorization_code(answer)

    def introspection():
        answer = client.introspect_token(client.client_credentials().access_token)
        return f"{answer['active']} {answer['client_id']}"

    def device():
        waiting = client.authorize_device(scope="openid api:read")
        approve(waiting.verification_uri, waiting.user_code)
        token = DeviceAuthorizationPollingJob(client, waiting)()
        return token.scope

    check(f"{alg} client credentials", client_credentials)
    check(f"{alg} auth handler", with_auth_handler)
    check(f"{alg} introspection", introspection)
    tokens = []
    check(f"{alg} login with PAR", lambda: tokens.append(by_code()) or tokens[0].id_token.subject)
    if tokens:
        check(f"{alg} userinfo", lambda: client.userinfo(tokens[0])["sub"])
        check(f"{alg} refresh", lambda: tokens.append(client.refresh_token(tokens[0])) or tokens[1].scope)
    if len(tokens) > 1:
        check(f"{alg} revocation", lambda: client.revoke_refresh_token(tokens[1].refresh_token))
    if alg == "RS256":
        check(f"{alg} device", device)


for it in KEYS:
    try_all(*it)
