"""A second authorization server for the interop tests, made of Authlib's parts.

    python authlib_server.py CONFIG.json

CONFIG.json:

    { "clients": [ { "client_id": "...", "jwks": { "keys": [...] } } ],
      "issuers": [ { "issuer": "...", "jwks": { "keys": [...] } } ] }

Listens on an ephemeral port of 127.0.0.1 and then prints the one line
`ISSUER http://127.0.0.1:PORT` on stdout; why a request was refused goes to stderr.
Ends when its stdin closes.

Authlib does everything that the tests are about: it reads the forms, authenticates the
client by its assertion at each endpoint, and checks the JWT of the JWT bearer grant.
What stands here is what Authlib leaves to its user: the records, and the way from and
to HTTP. Authlib's JWT bearer grant does not authenticate the client by itself, so that
is asked for here.
"""

import json
import os
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # loopback

from authlib.common.security import generate_token
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, TokenMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7009 import RevocationEndpoint
from authlib.oauth2.rfc7523 import JWTBearerClientAssertion, JWTBearerGrant
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc8628 import DeviceAuthorizationEndpoint, DeviceCodeGrant, DeviceCredentialDict
from joserfc.jwk import KeySet
from joserfc.jws import JWSRegistry

# Authlib names no algorithms, and joserfc then takes RS256 and ES256 alone.
JWSRegistry.recommended = [
    "RS256", "RS384", "RS512",
    "PS256", "PS384", "PS512",
    "ES256", "ES384", "ES512",
    "EdDSA", "Ed25519",
]

METHOD = JWTBearerClientAssertion.CLIENT_AUTH_METHOD
PATHS = {
    "/token": None,
    "/introspect": "introspection",
    "/revoke": "revocation",
    "/device_authorization": "device_authorization",
}
SCOPES = {"api:read", "api:write"}
USER = "user-1"


class Client(ClientMixin):
    def __init__(self, client_id, jwks):
        self.client_id = client_id
        self.jwks = KeySet.import_key_set(jwks)

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return " ".join(name for name in (scope or "").split() if name in SCOPES)

    def check_endpoint_auth_method(self, method, endpoint):
        return method == METHOD

    def check_grant_type(self, grant_type):
        return True


class Token(TokenMixin):
    def __init__(self, client_id, subject, members):
        self.client_id, self.subject, self.members = client_id, subject, members
        self.revoked = False

    def check_client(self, client):
        return self.client_id == client.client_id

    def is_expired(self):
        return False

    def is_revoked(self):
        return self.revoked


class Server(AuthorizationServer):
    def __init__(self, issuer, clients, issuers):
        super().__init__()
        self.issuer, self.clients, self.issuers = issuer, clients, issuers
        self.tokens = {}
        self.spent, self.lock = set(), threading.Lock()
        self.devices, self.answers = {}, {}
        self.register_token_generator(
            "default", BearerTokenGenerator(lambda **_: generate_token(42), expires_generator=300)
        )
        self.register_client_auth_method(METHOD, Assertion(self))
        self.register_grant(ClientCredentials)
        self.register_grant(JWTBearer)
        self.register_grant(DeviceCode)
        self.register_endpoint(Introspection)
        self.register_endpoint(Revocation)
        self.register_endpoint(DeviceAuthorization)

    def query_client(self, client_id):
        return self.clients.get(client_id)

    def save_token(self, token, request):
        self.tokens[token["access_token"]] = Token(request.client.client_id, request.user, token)

    def create_oauth2_request(self, request):
        return request

    def handle_response(self, status, body, headers):
        return status, body, headers

    def send_signal(self, name, *args, **kwargs):
        pass


class Assertion(JWTBearerClientAssertion):
    def __init__(self, server):
        super().__init__(leeway=0)
        self.server = server

    def get_audiences(self):
        return [self.server.issuer, f"{self.server.issuer}/token"]

    def validate_jti(self, claims, jti):
        with self.server.lock:
            fresh = (claims["iss"], jti) not in self.server.spent
            self.server.spent.add((claims["iss"], jti))
        return fresh

    def resolve_client_public_key(self, client):
        return client.jwks


class ClientCredentials(ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = [METHOD]


class JWTBearer(JWTBearerGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = [METHOD]
    LEEWAY = 0

    def validate_token_request(self):
        client = self.authenticate_token_endpoint_client()
        super().validate_token_request()
        self.request.client = client

    def get_audiences(self):
        return [self.server.issuer]

    def resolve_issuer_client(self, issuer):
        return self.server.issuers.get(issuer)

    def resolve_client_public_key(self, client):
        return client.jwks

    def authenticate_user(self, subject):
        return subject if subject.startswith("user-") else None

    def has_granted_permission(self, client, user):
        return True


class Introspection(IntrospectionEndpoint):
    CLIENT_AUTH_METHODS = [METHOD]

    def query_token(self, token, hint):
        return self.server.tokens.get(token)

    def check_permission(self, token, client, request):
        return token.check_client(client)

    def introspect_token(self, token):
        return {
            "client_id": token.client_id,
            "sub": token.subject or token.client_id,
            "scope": token.members.get("scope", ""),
            "token_type": token.members["token_type"],
            "iss": self.server.issuer,
        }


class Revocation(RevocationEndpoint):
    CLIENT_AUTH_METHODS = [METHOD]

    def query_token(self, token, hint):
        return self.server.tokens.get(token)

    def revoke_token(self, token, request):
        token.revoked = True


class DeviceAuthorization(DeviceAuthorizationEndpoint):
    CLIENT_AUTH_METHODS = [METHOD]
    INTERVAL = 1

    def get_verification_uri(self):
        return f"{self.server.issuer}/device"

    def save_device_credential(self, client_id, scope, data):
        credential = DeviceCredentialDict(client_id=client_id, scope=scope, **data)
        self.server.devices[data["device_code"]] = credential


class DeviceCode(DeviceCodeGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = [METHOD]

    def query_device_credential(self, device_code):
        return self.server.devices.get(device_code)

    def query_user_grant(self, user_code):
        allowed = self.server.answers.get(user_code)
        return None if allowed is None else (USER, allowed)

    def should_slow_down(self, credential):
        return False


class Form(OAuth2Request):
    """The request as Authlib wants it. A parameter that is there twice is refused before."""

    def __init__(self, method, uri, headers, parameters):
        super().__init__(method, uri, headers=headers)
        self.payload = BasicOAuth2Payload(parameters)

    @property
    def form(self):
        return self.payload.data

    args = form


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        """The user's answer to a device: `/device?user_code=...&answer=yes`."""
        path, _, query = self.path.partition("?")
        answer = dict(parse_qsl(query))
        if path != "/device" or {"user_code", "answer"} - answer.keys():
            return self.answer(404, {})
        self.server.authorization.answers[answer["user_code"]] = answer["answer"] == "yes"
        return self.answer(200, {})

    def do_POST(self):
        server = self.server.authorization
        body = self.rfile.read(int(self.headers["Content-Length"]))
        pairs = parse_qsl(body.decode("ascii"), keep_blank_values=True, strict_parsing=True)
        form = Form("POST", server.issuer + self.path, dict(self.headers), dict(pairs))
        if len(form.form) != len(pairs) or self.path not in PATHS:
            return self.answer(400, {"error": "invalid_request"})
        endpoint = PATHS[self.path]
        respond = server.create_endpoint_response if endpoint else server.create_token_response
        return self.answer(*(respond(endpoint, form) if endpoint else respond(form)))

    def answer(self, status, body, headers=()):
        if status != 200:
            print("refused:", body, file=sys.stderr)
        content = json.dumps(body).encode()
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args):
        pass


def main(path):
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    issuer = f"http://127.0.0.1:{http.server_port}"
    clients = {client["client_id"]: Client(**client) for client in config["clients"]}
    issuers = {one["issuer"]: Client(one["issuer"], one["jwks"]) for one in config["issuers"]}
    http.authorization = Server(issuer, clients, issuers)
    threading.Thread(target=http.serve_forever, daemon=True).start()
    print(f"ISSUER {issuer}", flush=True)
    sys.stdin.read()


main(sys.argv[1])
