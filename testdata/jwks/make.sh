#!/usr/bin/env bash
# Makes the JWK Sets of this folder anew, in place. Needs OpenSSL and python3. The keys that tests sign with are those of
# ../keys; the private halves of the others are not kept.
set -euo pipefail
cd "$(dirname "$0")"
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

for name in rsa-a rsa-b rsa-c rsa-d; do
  openssl genpkey -quiet -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$work/$name.pem"
done
for name in p256-a p256-b p256-c; do
  openssl genpkey -quiet -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$name.pem"
done
for curve in P-384 P-521; do
  openssl genpkey -quiet -algorithm EC -pkeyopt "ec_paramgen_curve:$curve" -out "$work/$curve.pem"
done
openssl req -x509 -new -key "$work/rsa-a.pem" -subj '/CN=tenant.eu.auth0.com' -days 36500 -outform DER -out "$work/rsa-a.der"

python3 - "$work" <<'PY'
import base64, hashlib, json, re, subprocess, sys

work, keys = sys.argv[1], "../keys"

def url64(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()

def members(path):
    """The public members of a key, from the text that openssl prints."""
    text = subprocess.run(["openssl", "pkey", "-in", path, "-noout", "-text_pub"], check=True, capture_output=True, text=True).stdout
    digits = lambda label: bytes.fromhex("".join(re.search(label + r":\n((?:\s+[0-9a-f:]+\n)+)", text)[1].split()).replace(":", ""))
    if "Modulus" in text:
        exponent = int(re.search(r"Exponent: (\d+)", text)[1])
        return {"kty": "RSA", "e": url64(exponent.to_bytes(3, "big")), "n": url64(digits("Modulus").lstrip(b"\0"))}
    point = digits("pub")[1:]
    half = len(point) // 2
    curve = {32: "P-256", 48: "P-384", 66: "P-521"}[half]
    return {"kty": "EC", "x": url64(point[:half]), "y": url64(point[half:]), "crv": curve}

def jwk(path, order, **other):
    found = {**members(path), **other}
    return {name: found[name] for name in order.split()}

def new(name):
    return f"{work}/{name}.pem"

def kept(stem):
    return f"{keys}/{stem}.pkcs8.pem"

def write(name, *jwks):
    with open(name, "w") as file:
        json.dump({"keys": jwks}, file, indent=2)
        file.write("\n")

# PingAccess: elliptic curves; keys roll, so the one before and the one after are there too.
EC = "kty kid use x y crv alg"
access = dict(use="sig")
write("ping-access-authtoken.jwks.json",
      jwk(new("p256-a"), EC, kid="7d", alg="ES256", **access),
      jwk(kept("p256"), EC, kid="7e", alg="ES256", **access),
      jwk(new("p256-b"), EC, kid="7f", alg="ES256", **access))
write("ping-access-oidc.jwks.json",
      jwk(kept("p384"), EC, kid="7e", alg="ES384", **access),
      jwk(new("P-384"), EC, kid="7f", alg="ES384", **access))

# PingFederate: curves with `alg`, several RSA keys, and keys for encryption beside them.
fed = "kty kid use x y crv alg"
rsa = "kty kid use n e alg"
write("ping-federate.jwks.json",
      jwk(kept("p256"), fed, kid="kLm2VtOjBzqT1zS3bHfAqUo5xYc_s", use="sig", alg="ES256"),
      jwk(kept("p521"), fed, kid="kLm2VtOjBzqT1zS3bHfAqUo5xYc_t", use="sig", alg="ES512"),
      jwk(new("p256-c"), "kty kid use x y crv", kid="I-8ZbqeLPG2O5qx_enc_p256", use="enc"),
      jwk(new("P-521"), "kty kid use x y crv", kid="I-8ZbqeLPG2O5qx_enc_p521", use="enc"),
      jwk(new("rsa-b"), rsa, kid="previous_rs256", use="sig", alg="RS256"),
      jwk(kept("rsa2048"), rsa, kid="current_rs256", use="sig", alg="RS256"),
      jwk(new("rsa-c"), rsa, kid="pending_rs256", use="sig", alg="RS256"),
      jwk(new("rsa-d"), "kty kid use n e", kid="rsa_enc", use="enc"))

# PingOne: RSA keys of all key rotation policies of an environment.
write("ping-one.jwks.json",
      jwk(kept("rsa2048"), "kty e use kid n", use="sig", kid="default"),
      jwk(new("rsa-b"), "kty e use kid n", use="sig", kid="5c0b9d6e-1f7a-4f0e-9a55-2f6f5f3a9c11"))

# Auth0: `x5c` with the certificate of the key; `kid` and `x5t` of one kind of tenant are the hex digits of SHA-1 in base64.
def auth0(path, certificate):
    der = open(certificate, "rb").read()
    name = url64(hashlib.sha1(der).hexdigest().upper().encode())
    return jwk(path, "alg kty use n e kid x5t x5c", alg="RS256", use="sig", kid=name, x5t=name,
               x5c=[base64.b64encode(der).decode()])
write("auth0.jwks.json",
      auth0(kept("rsa2048"), f"{keys}/rsa2048.cert.der"),
      auth0(new("rsa-a"), f"{work}/rsa-a.der"))
PY
chmod 644 ./*.json
