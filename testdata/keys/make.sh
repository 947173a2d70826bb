#!/usr/bin/env bash
# Makes every file of this folder anew, in place.
#
# THESE ARE TEST KEYS. THEY ARE PUBLISHED. NEVER USE ONE FOR ANYTHING.
#
# Needs: openssl 3.0 (with the legacy provider), ssh-keygen, node 20,
# python3 (standard library only). The tests do not need this script: the
# files it made are kept beside it.
set -euo pipefail
umask 022
cd "$(dirname "$0")"
mkdir -p bad
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
PW='correct horse'
DAYS=36500

# jwk IN.pem OUT.json: the private key as a JWK
jwk() {
  node -e '
    const c = require("crypto"), fs = require("fs");
    const j = c.createPrivateKey(fs.readFileSync(process.argv[1])).export({format: "jwk"});
    fs.writeFileSync(process.argv[2], JSON.stringify(j, null, 2) + "\n");
  ' "$1" "$2"
}
# cert STEM: a self-signed certificate
cert() {
  openssl req -x509 -new -key "$1.pkcs8.pem" -subj '/CN=private-key-jwt test' -days $DAYS -out "$1.cert.pem"
}

### RSA
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out rsa2048.pkcs8.pem 2>/dev/null
openssl pkcs8 -topk8 -nocrypt -in rsa2048.pkcs8.pem -outform DER -out rsa2048.pkcs8.der
openssl rsa -traditional -in rsa2048.pkcs8.pem -out rsa2048.pkcs1.pem 2>/dev/null
openssl rsa -traditional -in rsa2048.pkcs8.pem -outform DER -out rsa2048.pkcs1.der 2>/dev/null
openssl pkey -in rsa2048.pkcs8.pem -pubout -out rsa2048.pub.pem
jwk rsa2048.pkcs8.pem rsa2048.jwk.json
cert rsa2048
openssl x509 -in rsa2048.cert.pem -outform DER -out rsa2048.cert.der
for bits in 3072 4096 8192; do
  openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:$bits -out rsa$bits.pkcs8.pem 2>/dev/null
done
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -out rsa2048-pss.pkcs8.pem 2>/dev/null
openssl pkey -in rsa2048-pss.pkcs8.pem -pubout -out rsa2048-pss.pub.pem
openssl genpkey -algorithm RSA-PSS -pkeyopt rsa_keygen_bits:2048 -pkeyopt rsa_pss_keygen_md:sha256 \
  -pkeyopt rsa_pss_keygen_mgf1_md:sha256 -pkeyopt rsa_pss_keygen_saltlen:32 \
  -out rsa2048-pss-sha256.pkcs8.pem 2>/dev/null

### EC
for pair in p256:prime256v1 p384:secp384r1 p521:secp521r1; do
  k=${pair%%:*} curve=${pair#*:}
  openssl ecparam -name $curve -genkey -out $k.sec1-params.pem
  openssl ec -in $k.sec1-params.pem -out $k.sec1.pem 2>/dev/null
  openssl ec -in $k.sec1-params.pem -outform DER -out $k.sec1.der 2>/dev/null
  openssl pkcs8 -topk8 -nocrypt -in $k.sec1.pem -out $k.pkcs8.pem
  openssl pkcs8 -topk8 -nocrypt -in $k.sec1.pem -outform DER -out $k.pkcs8.der
  openssl pkey -in $k.pkcs8.pem -pubout -out $k.pub.pem
  jwk $k.pkcs8.pem $k.jwk.json
  cert $k
done
openssl pkey -in p256.pkcs8.pem -pubout -ec_conv_form compressed -out p256.compressed.pub.pem
openssl pkey -in p384.pkcs8.pem -pubout -ec_conv_form compressed -out p384.compressed.pub.pem
openssl pkey -in p521.pkcs8.pem -pubout -ec_conv_form compressed -out p521.compressed.pub.pem
openssl ec -no_public -in p256.sec1.pem -outform DER -out p256.no-public.sec1.der 2>/dev/null
# p256.no-public.pkcs8.pem: python, below

### Ed25519
openssl genpkey -algorithm ED25519 -out ed25519.pkcs8.pem
openssl pkey -in ed25519.pkcs8.pem -outform DER -out ed25519.pkcs8.der
openssl pkey -in ed25519.pkcs8.pem -pubout -out ed25519.pub.pem
jwk ed25519.pkcs8.pem ed25519.jwk.json
cert ed25519
# ed25519.pkcs8v2.pem: python, below

### Encrypted PKCS#8
p8() { openssl pkcs8 -topk8 -in "$1.pkcs8.pem" -passout "pass:$PW" "${@:2}"; }
p8 p256 -v2 aes-128-cbc -v2prf hmacWithSHA1   -out p256.pbkdf2-sha1-aes128.pem
p8 p256 -v2 aes-128-cbc -v2prf hmacWithSHA224 -out p256.pbkdf2-sha224-aes128.pem
p8 p256 -v2 aes-128-cbc -v2prf hmacWithSHA256 -out p256.pbkdf2-sha256-aes128.pem
p8 p256 -v2 aes-192-cbc -v2prf hmacWithSHA256 -out p256.pbkdf2-sha256-aes192.pem
p8 p256 -v2 aes-256-cbc -v2prf hmacWithSHA256 -out p256.pbkdf2-sha256-aes256.pem
p8 p256 -v2 aes-256-cbc -v2prf hmacWithSHA384 -out p256.pbkdf2-sha384-aes256.pem
p8 p256 -v2 aes-256-cbc -v2prf hmacWithSHA512 -out p256.pbkdf2-sha512-aes256.pem
p8 p256 -v2 aes-128-cbc -scrypt -out p256.scrypt-aes128.pem
p8 p256 -v2 aes-192-cbc -scrypt -out p256.scrypt-aes192.pem
p8 p256 -v2 aes-256-cbc -scrypt -out p256.scrypt-aes256.pem
p8 p256 -v2 aes-256-cbc -v2prf hmacWithSHA256 -outform DER -out p256.pbkdf2-sha256-aes256.der
p8 rsa2048 -v2 aes-256-cbc -v2prf hmacWithSHA256 -out rsa2048.pbkdf2-sha256-aes256.pem
p8 p256 -v2 des3 -out p256.pbes2-3des.pem
p8 p256 -v1 PBE-SHA1-3DES -out p256.pbe-3des.pem

### PEM as people have it
openssl pkcs12 -export -inkey p256.pkcs8.pem -in p256.cert.pem -name 'my key' -passout "pass:$PW" -out p256.p12
openssl pkcs12 -in p256.p12 -passin "pass:$PW" -nocerts -noenc -out p256.bag-attributes.pem
sed 's/$/\r/' p256.pkcs8.pem > p256.crlf.pem
{ printf '\n\n'; cat p256.pkcs8.pem; printf '\n\n\n'; } > p256.blank-lines.pem
{ printf '\xef\xbb\xbf'; cat p256.pkcs8.pem; } > p256.bom.pem
body() { sed '/-----/d' "$1" | tr -d '\n'; }
{ echo '-----BEGIN PRIVATE KEY-----'; body p256.pkcs8.pem; printf '\n'; echo '-----END PRIVATE KEY-----'; } > p256.one-line.pem
{ echo '-----BEGIN PRIVATE KEY-----'; body p256.pkcs8.pem | fold -w 76; printf '\n'; echo '-----END PRIVATE KEY-----'; } > p256.wide.pem
sed -e 's/^/    /' -e 's/$/   /' p256.pkcs8.pem > p256.indented.pem
cat p256.cert.pem p256.pkcs8.pem > p256.cert-then-key.pem
cat p256.pkcs8.pem p256.cert.pem > p256.key-then-cert.pem
cat p256.pkcs8.pem p384.cert.pem > p256.key-then-wrong-cert.pem
cat p256.pkcs8.pem p256.pub.pem > p256.key-and-public.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:2048 -out "$tmp/ca.pem" 2>/dev/null
openssl req -x509 -new -key "$tmp/ca.pem" -subj '/CN=private-key-jwt test CA' -days $DAYS -out ca.cert.pem
openssl req -new -key rsa2048.pkcs8.pem -subj '/CN=private-key-jwt test leaf' -out "$tmp/leaf.csr"
openssl x509 -req -in "$tmp/leaf.csr" -CA ca.cert.pem -CAkey "$tmp/ca.pem" -set_serial 2 -days $DAYS \
  -extfile <(echo basicConstraints=CA:FALSE) -out rsa2048.leaf.pem 2>/dev/null
cat rsa2048.pkcs8.pem rsa2048.leaf.pem ca.cert.pem > rsa2048.key-then-chain.pem
# A root, an intermediate and a leaf for p256; an older root of the same name with another key; any order, doubles, a stranger
for authority in root old-root intermediate; do
  openssl ecparam -name prime256v1 -genkey -noout -out "$tmp/$authority.pem"
done
for root in root old-root; do
  openssl req -x509 -new -key "$tmp/$root.pem" -subj '/CN=private-key-jwt test root' -days $DAYS -out "$tmp/$root.cert.pem"
done
openssl req -new -key "$tmp/intermediate.pem" -subj '/CN=private-key-jwt test intermediate' -out "$tmp/intermediate.csr"
openssl x509 -req -in "$tmp/intermediate.csr" -CA "$tmp/root.cert.pem" -CAkey "$tmp/root.pem" -set_serial 3 -days $DAYS \
  -extfile <(printf 'basicConstraints=CA:TRUE\nsubjectKeyIdentifier=hash\nauthorityKeyIdentifier=keyid') \
  -out "$tmp/intermediate.cert.pem" 2>/dev/null
openssl req -new -key p256.pkcs8.pem -subj '/CN=private-key-jwt test leaf' -out "$tmp/p256.csr"
openssl x509 -req -in "$tmp/p256.csr" -CA "$tmp/intermediate.cert.pem" -CAkey "$tmp/intermediate.pem" -set_serial 4 -days $DAYS \
  -extfile <(printf 'basicConstraints=CA:FALSE\nauthorityKeyIdentifier=keyid') -out "$tmp/p256.cert.pem" 2>/dev/null
cat "$tmp"/{p256,intermediate,root}.cert.pem > p256.chain.pem
cat "$tmp"/{old-root,root}.cert.pem p384.cert.pem "$tmp/intermediate.cert.pem" p256.pkcs8.pem \
  "$tmp"/{intermediate,p256,root}.cert.pem > p256.shuffled-chain.pem
openssl req -x509 -new -key p256.pkcs8.pem -subj /CN=localhost -addext basicConstraints=critical,CA:FALSE \
  -addext subjectAltName=DNS:localhost -days $DAYS -out p256.localhost.cert.pem
openssl req -x509 -new -key p256.pkcs8.pem -subj /CN=localhost -addext subjectAltName=DNS:localhost -days $DAYS \
  -out p256.localhost-ca.cert.pem
: > "$tmp/index" && echo 01 > "$tmp/serial" && cat > "$tmp/ca.cnf" <<END
[ca]
default_ca = test
[test]
database = $tmp/index
serial = $tmp/serial
new_certs_dir = $tmp
default_md = sha256
policy = policy
x509_extensions = extensions
[policy]
commonName = supplied
[extensions]
basicConstraints = critical,CA:FALSE
subjectAltName = DNS:localhost
END
openssl req -new -key p256.pkcs8.pem -subj /CN=localhost -out "$tmp/expired.csr"
openssl ca -batch -config "$tmp/ca.cnf" -selfsign -keyfile p256.pkcs8.pem -in "$tmp/expired.csr" -notext \
  -startdate 20200101000000Z -enddate 20200102000000Z -out p256.localhost-expired.cert.pem 2>/dev/null

### PKCS#12 (p256.p12 is above)
p12() { openssl pkcs12 -export -inkey "$1.pkcs8.pem" -passout "pass:$PW" "${@:2}"; }
both() { p12 p256 -in p256.cert.pem -provider default -provider legacy -keypbe "$1" -certpbe "$1" "${@:2}"; }
p12 rsa2048 -in rsa2048.leaf.pem -certfile ca.cert.pem -out rsa2048.chain.p12
p12 rsa2048 -in rsa2048.leaf.pem -certfile <(cat p384.cert.pem ca.cert.pem p256.cert.pem) -out rsa2048.chain-and-others.p12
p12 p256 -nocerts -out p256.no-certificate.p12
both AES-128-CBC -macalg sha384 -out p256.aes128-mac-sha384.p12
both AES-192-CBC -macalg sha512 -out p256.aes192-mac-sha512.p12
both DES-EDE3-CBC -macalg sha224 -out p256.pbes2-3des-mac-sha224.p12
both PBE-SHA1-3DES -macalg sha1 -out p256.pbe-3des.p12
both PBE-SHA1-2DES -macalg sha1 -out p256.pbe-two-key-3des.p12
both PBE-SHA1-RC2-128 -macalg sha1 -out p256.pbe-rc2-128.p12
both PBE-SHA1-RC2-40 -macalg sha1 -out p256.pbe-rc2-40.p12
both AES-256-CBC -nomac -out p256.no-mac.p12
p12 p256 -in p256.cert.pem -iter 1 -out p256.one-iteration.p12
openssl pkcs12 -export -inkey p256.pkcs8.pem -in p256.cert.pem -keypbe NONE -certpbe NONE -nomac -passout pass: -out p256.open.p12
openssl pkcs12 -export -inkey p256.pkcs8.pem -in p256.cert.pem -passout pass: -out p256.empty-passphrase.p12
openssl pkcs12 -export -inkey p256.pkcs8.pem -in p256.cert.pem -keypbe PBE-SHA1-3DES -certpbe PBE-SHA1-3DES -macalg sha1 \
  -passout 'pass:pässwörd🔑' -out p256.unicode-passphrase.p12
{ echo '-----BEGIN PKCS12-----'; openssl base64 -in p256.p12; echo '-----END PKCS12-----'; } > p256.pkcs12.pem
both PBE-SHA1-RC4-128 -macalg sha1 -out bad/rc4.p12
both AES-256-CBC -macalg md5 -out bad/mac-md5.p12
openssl pkcs12 -export -nokeys -in p256.cert.pem -passout "pass:$PW" -out bad/no-key.p12
# p256.ber.p12, p256.pbmac1.p12, bad/wrong-certificate.p12, bad/two-keys.p12, bad/*-billion.p12: python, below
# rsa2048.nss.p12, by hand (NSS 3.87, in an empty folder):
#   certutil -N -d sql:. --empty-password; pk12util -i rsa2048.chain.p12 -d sql:. -W "$PW"
#   pk12util -o rsa2048.nss.p12 -n 'private-key-jwt test leaf' -d sql:. -W "$PW"

### bad/: what must be refused
: > bad/empty.pem
openssl genpkey -algorithm RSA -pkeyopt rsa_keygen_bits:1024 -out bad/rsa1024.pkcs8.pem 2>/dev/null
openssl genrsa -primes 3 -traditional -out bad/rsa2048-3prime.pkcs1.pem 2048 2>/dev/null
openssl pkcs8 -topk8 -nocrypt -in bad/rsa2048-3prime.pkcs1.pem -out bad/rsa2048-3prime.pkcs8.pem
openssl ecparam -name secp256k1 -genkey -noout -out bad/secp256k1.sec1.pem
openssl pkcs8 -topk8 -nocrypt -in bad/secp256k1.sec1.pem -out bad/secp256k1.pkcs8.pem
jwk bad/secp256k1.pkcs8.pem bad/secp256k1.jwk.json
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:secp224r1 -out bad/p224.pkcs8.pem
openssl genpkey -algorithm ED448 -out bad/ed448.pkcs8.pem
openssl genpkey -algorithm X25519 -out bad/x25519.pkcs8.pem
openssl dsaparam -out "$tmp/dsaparam.pem" 2048 2>/dev/null
openssl genpkey -paramfile "$tmp/dsaparam.pem" -out bad/dsa.pkcs8.pem
openssl pkey -traditional -in bad/dsa.pkcs8.pem -out bad/dsa.pem
openssl ec -in p256.sec1.pem -param_enc explicit -out bad/p256.explicit-parameters.pem 2>/dev/null
openssl pkcs8 -topk8 -nocrypt -in bad/p256.explicit-parameters.pem -out bad/p256.explicit-parameters.pkcs8.pem
for t in rsa ed25519; do
  ssh-keygen -q -t $t -N '' -C 'private-key-jwt test' -f "$tmp/ssh-$t"
  cat "$tmp/ssh-$t" > bad/openssh-$t.pem
done
openssl rsa -traditional -aes128 -in rsa2048.pkcs8.pem -passout "pass:$PW" -out bad/dek-info-rsa.pem 2>/dev/null
openssl ec -aes128 -in p256.sec1.pem -passout "pass:$PW" -out bad/dek-info-ec.pem 2>/dev/null
cat p256.pkcs8.pem rsa2048.pkcs8.pem > bad/two-keys.pem
head -c 120 p256.pkcs8.pem > bad/truncated.pem
{ head -c 120 p256.pkcs8.pem; printf '\n'; tail -n 1 p256.pkcs8.pem; } > bad/truncated-with-end.pem
sed '/END/d' p256.pkcs8.pem > bad/no-end.pem
sed 's/END PRIVATE/END RSA PRIVATE/' p256.pkcs8.pem > bad/mismatched-end.pem
sed '2s/^\(.\{20\}\)./\1*/' p256.pkcs8.pem > bad/bad-base64.pem
p8 p256 -v1 PBE-MD5-DES -provider legacy -provider default -out bad/pbes1-md5-des.pem
openssl req -new -key p256.pkcs8.pem -subj '/CN=private-key-jwt test' -out bad/csr.pem
openssl crl2pkcs7 -nocrl -certfile p256.cert.pem -out bad/pkcs7.pem
cat > bad/pgp.asc <<'PGP'
-----BEGIN PGP PRIVATE KEY BLOCK-----

bm90IGEgcmVhbCBPcGVuUEdQIGtleTogYSBtYWRlLXVwIGJvZHkgZm9yIHRoZSB0
ZXN0cyBvZiBwcml2YXRlLWtleS1qd3QK
=AAAA
-----END PGP PRIVATE KEY BLOCK-----
PGP
cat > bad/putty.ppk <<'PPK'
PuTTY-User-Key-File-3: ssh-ed25519
Encryption: none
Comment: private-key-jwt test, a made-up body
Public-Lines: 2
bm90IGEgcmVhbCBQdVRUWSBrZXk6IGEgbWFkZS11cCBib2R5IGZvciB0aGUgdGVz
dHMgb2YgcHJpdmF0ZS1rZXktand0Cg==
Private-Lines: 1
bm90IGEgcmVhbCBwcml2YXRlIGtleSBlaXRoZXIK
Private-MAC: 0000000000000000000000000000000000000000000000000000000000000000
PPK
printf '\xfe\xed\xfe\xed\x00\x00\x00\x02\x00\x00\x00\x01this is not a real Java key store' > bad/jks.bin
openssl ecparam -name prime256v1 -genkey -noout -out "$tmp/other.pem"
jwk "$tmp/other.pem" "$tmp/other.jwk.json"

### What openssl has no command for
OTHER_JWK="$tmp/other.jwk.json" python3 - <<'PY'
import base64, hashlib, hmac, json, math, os, secrets

def tlv(tag, body):
    n = len(body)
    if n < 128:
        return bytes([tag, n]) + body
    ln = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(ln)]) + ln + body
def seq(*a): return tlv(0x30, b"".join(a))
def octets(b): return tlv(0x04, b)
def integer(i): return tlv(0x02, i.to_bytes(i.bit_length() // 8 + 1, "big"))
def bits(b): return tlv(0x03, b"\0" + b)
def oid(s):
    a = [int(x) for x in s.split(".")]
    out = bytearray([a[0] * 40 + a[1]])
    for v in a[2:]:
        enc = [v & 0x7F]
        v >>= 7
        while v:
            enc.append(0x80 | (v & 0x7F))
            v >>= 7
        out += bytes(reversed(enc))
    return tlv(0x06, bytes(out))
NULL = b"\x05\x00"

def pem(label, der):
    b = base64.b64encode(der).decode()
    return "-----BEGIN %s-----\n%s\n-----END %s-----\n" % (
        label, "\n".join(b[i:i + 64] for i in range(0, len(b), 64)), label)
def write(name, data):
    with open(name, "wb") as f:
        f.write(data if isinstance(data, bytes) else data.encode())
def load(name):
    with open(name) as f:
        return json.load(f)
def dump(name, v): write(name, json.dumps(v, indent=2) + "\n")
def un64(s): return base64.urlsafe_b64decode(s + "=" * (-len(s) % 4))
def en64(b): return base64.urlsafe_b64encode(b).decode().rstrip("=")

p256, p384 = load("p256.jwk.json"), load("p384.jwk.json")
rsa, ed = load("rsa2048.jwk.json"), load("ed25519.jwk.json")
other = load(os.environ["OTHER_JWK"])
P256 = oid("1.2.840.10045.3.1.7")
d = un64(p256["d"])
point = lambda j: b"\x04" + un64(j["x"]) + un64(j["y"])

# EC variants
no_public = seq(integer(1), octets(d))
write("p256.no-public.pkcs8.pem", pem("PRIVATE KEY", seq(
    integer(0), seq(oid("1.2.840.10045.2.1"), P256), octets(no_public))))
write("bad/p256.wrong-public.sec1.der",
      seq(integer(1), octets(d), tlv(0xA0, P256), tlv(0xA1, bits(point(other)))))
dump("bad/p256.wrong-public.jwk.json", {**p256, "x": other["x"], "y": other["y"]})
dump("bad/p256.public-only.jwk.json", {k: v for k, v in p256.items() if k != "d"})
dump("bad/p256.oct.jwk.json", {"kty": "oct", "k": en64(d)})

# As GnuTLS writes it when the first bit of the private value is set: one zero more
write("p256.leading-zero.sec1.der", seq(integer(1), octets(b"\0" + d), tlv(0xA0, P256), tlv(0xA1, bits(point(p256)))))
# As ring writes it: the public key in an EXPLICIT tag
write("ed25519.ring.pkcs8.der", seq(integer(1), seq(oid("1.3.101.112")), octets(octets(un64(ed["d"]))),
    tlv(0xA1, bits(un64(ed["x"])))))
# Ed25519, RFC 5958 OneAsymmetricKey: version 1 and [1] IMPLICIT BIT STRING
write("ed25519.pkcs8v2.pem", pem("PRIVATE KEY", seq(
    integer(1), seq(oid("1.3.101.112")), octets(octets(un64(ed["d"]))),
    tlv(0x81, b"\0" + un64(ed["x"])))))

# RSA variants
v = {k: int.from_bytes(un64(rsa[k]), "big") for k in ("n", "e", "d", "p", "q", "dp", "dq", "qi")}
v["n"] ^= 1 << 1000
write("bad/rsa2048.mangled-n.pkcs8.pem", pem("PRIVATE KEY", seq(
    integer(0), seq(oid("1.2.840.113549.1.1.1"), NULL),
    octets(seq(integer(0), *(integer(v[k]) for k in ("n", "e", "d", "p", "q", "dp", "dq", "qi")))))))
dump("rsa2048.no-crt.jwk.json", {k: rsa[k] for k in ("kty", "n", "e", "d")})
# "oth" holds made-up numbers: its presence is the point
dump("bad/rsa2048.with-oth.jwk.json", {**rsa, "oth": [{"r": rsa["p"], "d": rsa["dp"], "t": rsa["qi"]}]})
dump("bad/rsa2048.e1.jwk.json", {**rsa, "e": "AQ"})
# OpenSSL makes no RSA key of 8k+1 bits, the length at which a PSS encoding is an octet shorter than the modulus
def prime(bits):
    while True:
        c = secrets.randbits(bits) | 3 << bits - 2 | 1
        s = (c - 1 & 1 - c).bit_length() - 1
        def witness(a):
            x = pow(a, c - 1 >> s, c)
            return x != 1 and all(pow(x, 1 << i, c) != c - 1 for i in range(s))
        if (c - 1) % 65537 and not any(witness(2 + secrets.randbelow(c - 3)) for _ in range(40)):
            return c
def members(p, q, e=65537, **other):
    v = {"n": p * q, "e": e, "d": pow(e, -1, math.lcm(p - 1, q - 1))}
    v |= {"p": p, "q": q, "dp": v["d"] % (p - 1), "dq": v["d"] % (q - 1), "qi": pow(q, -1, p)} | other
    return {"kty": "RSA", **{k: en64(i.to_bytes((i.bit_length() + 7) // 8, "big")) for k, i in v.items()}}
p, q = prime(1025), prime(1024)
dump("rsa2049.jwk.json", members(p, q))
# The d of that key above n which is nearest to it, and as many octets long
period = math.lcm(p - 1, q - 1)
d = pow(65537, -1, period)
dump("bad/rsa2049.d-above-n.jwk.json", members(p, q, d=d + -(-(p * q - d) // period) * period))
# Other numbers for the key of rsa2048
p, q = (int.from_bytes(un64(rsa[k]), "big") for k in ("p", "q"))
period = math.lcm(p - 1, q - 1)
dump("rsa2048.swapped.jwk.json", members(q, p))
dump("rsa2048.unreduced-d.jwk.json", members(p, q, d=pow(65537, -1, period) + period))
dump("rsa2560.unbalanced.jwk.json", members(prime(1024), prime(1536)))
dump("bad/rsa2560.short-prime.jwk.json", members(prime(2048), prime(512)))
# Nothing but a test of primality finds this one; it cannot sign
dump("rsa2048.composite-prime.jwk.json", members(prime(512) * prime(512), prime(1024)))

# RSA keys that have the form of one and can be factored
def is_prime(c): return c % 2 and all(pow(a, c - 1, c) == 1 for a in (2, 3, 5, 7, 11, 13))
def next_prime(c):
    c += 1 + c % 2
    while not is_prime(c) or (c - 1) % 65537 == 0: c += 2
    return c
def unlike(p, bits=2048):
    """Another prime of this length, with which the modulus has so many bits."""
    while (p * (q := prime(bits // 2))).bit_length() != bits: pass
    return q
def alone(n, d): return {k: v for k, v in members(3, 5, n=n, d=d).items() if k in ("kty", "n", "e", "d")}
p = prime(1024)
dump("bad/rsa2048.close-primes.jwk.json", members(p, next_prime(p)))
# Not found by Fermat's method, and closer than FIPS 186-5 A.1.3 allows: 2^924
dump("bad/rsa2048.near-primes.jwk.json", members(p, next_prime(p + (1 << 900))))
dump("bad/rsa2048.square.jwk.json", alone(p * p, pow(65537, -1, p * (p - 1))))
p = prime(2048)
dump("bad/rsa2048.prime-modulus.jwk.json", alone(p, pow(65537, -1, p - 1)))
while (p := prime(683)) ** 3 >> 2048: pass
dump("bad/rsa2048.cube.jwk.json", alone(p ** 3, pow(65537, -1, p * p * (p - 1))))
p = 4093 * prime(1012)
dump("bad/rsa2048.small-factor.jwk.json", members(p, unlike(p)))
# CVE-2017-15361: a multiple of the product of the first 126 primes, and a power of 65537
primorial = math.prod([c for c in range(2, 702) if all(c % f for f in range(2, c))])
def roca():
    while True:
        least = 3 << 1022
        k = least // primorial + secrets.randbelow((least // 3) // primorial)
        p = k * primorial + pow(65537, secrets.randbits(64), primorial)
        if is_prime(p) and (p - 1) % 65537: return p
dump("bad/rsa2048.roca.jwk.json", members(roca(), roca()))
# p-1 and q-1 share nearly all of their factors, so d can be as short as one of them
def related():
    while True:
        g = 3 << 1020 | secrets.randbits(1018)
        p, q = 4 * g + 1, 6 * g + 1
        if all(math.gcd(c, primorial) == 1 for c in (p, q)) and is_prime(p) and is_prime(q): return p, q
p, q = related()
e = next(e for e in range(65537, 70000, 2) if math.gcd(e, p * (p - 1) * (q - 1)) == 1
         and pow(e, -1, math.lcm(p - 1, q - 1)).bit_length() <= 1024)
dump("bad/rsa2048.short-d.jwk.json", members(p, q, e))
# q-1 is a multiple of p-1, of which the modulus alone tells
def dependent():
    while True:
        p = prime(1000)
        for k in range(1 << 48, (1 << 48) - 8000, -2):
            q = k * (p - 1) + 1
            if math.gcd(q, primorial) == 1 and (p * q).bit_length() == 2048 and is_prime(q): return p, q
p, q = dependent()
dump("bad/rsa2048.dependent-primes.jwk.json", {k: v for k, v in alone(p * q, 1).items() if k != "d"})

# JWK and JWKS
dump("rsa2048.alg-ps256.jwk.json", {**rsa, "alg": "PS256", "kid": "ps-key"})
dump("one-private.jwks.json", {"keys": [{**p256, "kid": "my-key-1", "use": "sig"}]})
dump("two-private.jwks.json", {"keys": [
    {**p256, "kid": "my-key-1", "use": "sig"}, {**p384, "kid": "my-key-2", "use": "sig"}]})
dump("private-with-enc.jwks.json", {"keys": [
    {**p256, "kid": "my-key-1", "use": "sig"}, {**rsa, "kid": "my-enc-key", "use": "enc"}]})

# Encrypted PKCS#8 that must be refused before any work: the ciphertext is junk
salt, iv, junk = b"saltsaltsaltsalt", b"iviviviviviviviv", bytes(range(144))
AES256_CBC = seq(oid("2.16.840.1.101.3.4.1.42"), octets(iv))
def pbes2(kdf, cipher):
    return pem("ENCRYPTED PRIVATE KEY", seq(
        seq(oid("1.2.840.113549.1.5.13"), seq(kdf, cipher)), octets(junk)))
def scrypt(n, r, p):
    return seq(oid("1.3.6.1.4.1.11591.4.11"), seq(octets(salt), integer(n), integer(r), integer(p)))
def pbkdf2(iterations):
    return seq(oid("1.2.840.113549.1.5.12"),
               seq(octets(salt), integer(iterations), seq(oid("1.2.840.113549.2.9"), NULL)))
write("bad/scrypt-n-2-33.pem", pbes2(scrypt(1 << 33, 8, 1), AES256_CBC))
write("bad/scrypt-huge-p.pem", pbes2(scrypt(1 << 14, 8, 1 << 20), AES256_CBC))
write("bad/pbkdf2-billion.pem", pbes2(pbkdf2(1000000000), AES256_CBC))
# AES-GCM parameters: SEQUENCE { nonce OCTET STRING (12), tag length INTEGER 16 }
# PKCS#12 from the parts of others
def der(data):
    """Tag and content of each element."""
    out = []
    while data:
        tag, n, at = data[0], data[1], 2
        if n & 0x80:
            at += n & 0x7f
            n = int.from_bytes(data[2:at], "big")
        out.append((tag, data[at:at + n]))
        data = data[at + n:]
    return out
def read(name):
    with open(name, "rb") as f:
        return f.read()
DATA = oid("1.2.840.113549.1.7.1")
def data(content): return seq(DATA, tlv(0xA0, octets(content)))
def safe(name):
    """The octets of AuthenticatedSafe."""
    content_info = der(der(read(name))[0][1])[1][1]
    return der(der(content_info)[1][1])[0][1]
def parts(name): return [tlv(*part) for part in der(der(safe(name))[0][1])]
def pfx(content, *mac): return seq(integer(3), data(content), *mac)
def plain(*bags): return data(seq(*bags))
def cert_bag(der): return seq(oid("1.2.840.113549.1.12.10.1.3"), tlv(0xA0, seq(
    oid("1.2.840.113549.1.9.22.1"), tlv(0xA0, octets(der)))))
def key_bag(name): return seq(oid("1.2.840.113549.1.12.10.1.1"), tlv(0xA0, read(name)))
def cert(name):
    body = read(name).decode().split("-----")[2]
    return base64.b64decode("".join(body.split()))
# Every length left open, every long string in pieces, the [0] of EncryptedContentInfo too
def ber(data):
    out = b""
    for tag, content in der(data):
        if tag & 0x20:
            out += bytes([tag, 0x80]) + ber(content) + b"\0\0"
        elif tag in (0x04, 0x80) and len(content) > 32:
            pieces = b"".join(octets(content[i:i + 1000]) for i in range(0, len(content), 1000))
            out += bytes([tag | 0x20, 0x80]) + pieces + b"\0\0"
        else:
            out += tlv(tag, content)
    return out
write("p256.ber.p12", ber(pfx(ber(safe("p256.no-mac.p12")))))
PW = b"correct horse"
NULL_SHA256 = seq(oid("1.2.840.113549.2.9"), NULL)
def pbmac1(content):
    key = hashlib.pbkdf2_hmac("sha256", PW, salt, 2048, 32)
    kdf = seq(oid("1.2.840.113549.1.5.12"), seq(octets(salt), integer(2048), integer(32), NULL_SHA256))
    algorithm = seq(oid("1.2.840.113549.1.5.14"), seq(kdf, NULL_SHA256))
    # RFC 9579 §4: the salt and the count outside are there for old readers
    return seq(seq(algorithm, octets(hmac.digest(key, content, "sha256"))), octets(b"ignored"), integer(1))
content = safe("p256.no-mac.p12")
write("p256.pbmac1.p12", pfx(content, pbmac1(content)))
content = seq(plain(key_bag("p256.pkcs8.der"), cert_bag(cert("p384.cert.pem"))))
write("bad/wrong-certificate.p12", pfx(content))
content = seq(plain(key_bag("p256.pkcs8.der")), plain(key_bag("rsa2048.pkcs8.der")))
write("bad/two-keys.p12", pfx(content))
# The last INTEGER is the count of the MAC, and in a key bag that of its encryption
BILLION = integer(1000000000)
def billion(data): return seq(*(tlv(*part) for part in der(der(data)[0][1])[:-1]), seq(
    *(tlv(*part) for part in der(der(der(data)[0][1])[-1][1])[:-1]), BILLION))
write("bad/mac-billion.p12", billion(read("p256.p12")))
PBE_3DES = seq(oid("1.2.840.113549.1.12.1.3"), seq(octets(salt[:8]), BILLION))
shrouded = seq(oid("1.2.840.113549.1.12.10.1.2"), tlv(0xA0, seq(PBE_3DES, octets(junk))))
write("bad/pbe-billion.p12", pfx(seq(plain(shrouded))))
encrypted = seq(integer(0), seq(DATA, PBE_3DES, tlv(0x80, junk)))
write("bad/encrypted-billion.p12", pfx(seq(seq(oid("1.2.840.113549.1.7.6"), tlv(0xA0, encrypted)))))

write("bad/pbkdf2-aes256-gcm.pem", pbes2(
    pbkdf2(2048), seq(oid("2.16.840.1.101.3.4.1.46"), seq(octets(iv[:12]), integer(16)))))
PY
# openssl writes private keys with mode 600: git keeps only 644 and 755
chmod 644 ./*.pem ./*.der ./*.json ./*.p12 bad/*
