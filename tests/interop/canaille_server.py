"""Canaille with its database in memory, and with the clients of the test.

    python canaille_server.py CONFIG.json

CONFIG.json:

    { "clients": [ { "client_id": "...", "jwks": { "keys": [...] } or "jwks_uri": "http://..." } ] }

Listens on an ephemeral port of 127.0.0.1 and then prints the one line
`ISSUER http://127.0.0.1:PORT` on stdout. Ends when its stdin closes. The user is ada with the
password ada.
"""

import json
import logging
import sys
import threading

from werkzeug.serving import WSGIRequestHandler, make_server

from canaille import create_app
from canaille.app import models
from canaille.backends import Backend


class Quiet(WSGIRequestHandler):
    def log(self, *args):
        pass


def register(client):
    keys = {"jwks": json.dumps(client["jwks"])} if "jwks" in client else {"jwks_uri": client["jwks_uri"]}
    Backend.instance.save(
        models.Client(
            client_id=client["client_id"],
            client_name=client["client_id"],
            redirect_uris=["https://app.example/cb"],
            grant_types=["authorization_code", "refresh_token", "client_credentials", "password"],
            response_types=["code"],
            scope=["openid", "profile"],
            token_endpoint_auth_method="private_key_jwt",
            client_uri="http://127.0.0.1",  # trusted, so there is no page for consent
            **keys,
        )
    )


def main(path):
    with open(path, encoding="utf-8") as file:
        config = json.load(file)
    logging.disable(logging.CRITICAL)
    app = None
    http = make_server(
        "127.0.0.1", 0, lambda *call: app(*call), threaded=True, request_handler=Quiet
    )
    host = f"127.0.0.1:{http.server_port}"
    settings = {
        "SECRET_KEY": "a secret of the interop tests",
        "SERVER_NAME": host,
        "PREFERRED_URL_SCHEME": "http",
        "CANAILLE": {"DATABASE": "memory"},
        "CANAILLE_OIDC": {"REQUIRE_NONCE": False},
    }
    app = create_app(config=settings, init_backend=True)
    with app.app_context(), Backend.instance.session():
        for client in config["clients"]:
            register(client)
        Backend.instance.save(
            models.User(
                user_name="ada", password="ada", family_name="Test", emails=["ada@example.test"]
            )
        )
    threading.Thread(target=http.serve_forever, daemon=True).start()
    print(f"ISSUER http://{host}", flush=True)
    sys.stdin.read()


main(sys.argv[1])
