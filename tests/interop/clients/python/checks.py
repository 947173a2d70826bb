"""What the clients share: where the server and the keys are, a browser, and a line for each check."""

import os
import pathlib

import requests

ISSUER = os.environ["ISSUER"]
REDIRECT_URI = "http://127.0.0.1/callback"


def pem(name):
    return (pathlib.Path(os.environ["KEYS"]) / f"{name}.pem").read_text()


def check(name, run):
    """Prints the check and what it brought, or why it failed; the next check runs all the same."""
    try:
        print(f"{name}: {run()}")
    except Exception as error:  # noqa: BLE001: whatever a library raises is the finding
        text = f"{type(error).__name__} {error}".replace("\n", " ")
        print(f"{name}: FAILED {text[:400]}")


def metadata():
    return requests.get(ISSUER + "/.well-known/openid-configuration", timeout=10).json()


def login(url):
    """Opens the authorization endpoint; the server has been told who the user is and redirects at once."""
    response = requests.get(url, allow_redirects=False, timeout=10)
    if "Location" not in response.headers:
        raise RuntimeError(f"no redirect: {response.status_code} {response.text}")
    return response.headers["Location"]


def approve(verification_uri, user_code):
    """Says yes to a device, as a user would at the page."""
    form = {"user_code": user_code, "decision": "approve", "subject": "user-1"}
    requests.post(verification_uri, data=form, timeout=10).raise_for_status()
