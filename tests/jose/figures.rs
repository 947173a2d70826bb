//! The figures of the RFCs: JWS, thumbprints and their keys.

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::jose::{CompactJws, JoseError};
use private_key_jwt::keys::KeyError;
use private_key_jwt::{Algorithm, Jwk, PrivateKey, PublicKey, Signature};
use serde_json::Value;

fn figure(file: &str) -> Value {
    let path = format!("{}/testdata/rfc/{file}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

fn text<'a>(figure: &'a Value, member: &str) -> &'a str {
    figure[member].as_str().unwrap_or_else(|| panic!("no {member}"))
}

fn algorithm(figure: &Value) -> Algorithm {
    text(figure, "alg").parse().unwrap()
}

/// The private key of a figure, with the figure's algorithm.
fn private_key(figure: &Value) -> PrivateKey {
    let key = PrivateKey::from_bytes(figure["jwk"].to_string().as_bytes()).unwrap();
    key.with_algorithm(algorithm(figure)).unwrap()
}

fn public_key(figure: &Value) -> PublicKey {
    PublicKey::from_bytes(figure["public_jwk"].to_string().as_bytes()).unwrap()
}

/// The figure's signature verifies, with the public JWK and with the public half of the private
/// one. A new signature verifies too. After the payload has changed, nothing verifies.
fn verify(file: &str) {
    let figure = figure(file);
    let jws = CompactJws::parse(text(&figure, "compact")).unwrap();
    assert_eq!(jws.header().algorithm, algorithm(&figure));
    assert_eq!(jws.payload(), text(&figure, "payload").as_bytes());
    let encoded = [text(&figure, "header"), text(&figure, "payload")]
        .map(|part| Base64UrlUnpadded::encode_string(part.as_bytes()));
    assert_eq!(jws.signing_input(), encoded.join("."));

    let key = private_key(&figure);
    assert_eq!(key.thumbprint(), public_key(&figure).jwk().thumbprint());
    for public in [public_key(&figure), key.public_key().unwrap()] {
        let input = jws.signing_input().as_bytes();
        public.verify(input, jws.signature()).unwrap();
        public.verify(input, &key.sign(input).unwrap()).unwrap();
        let changed = [input, b"x"].concat();
        assert!(matches!(public.verify(&changed, jws.signature()), Err(KeyError::BadSignature)));
    }
}

/// Signing again gives exactly the bytes of the figure.
fn reproduce(file: &str) {
    verify(file);
    let figure = figure(file);
    let jws = CompactJws::parse(text(&figure, "compact")).unwrap();
    let signature = private_key(&figure).sign(jws.signing_input().as_bytes()).unwrap();
    assert_eq!(&signature, jws.signature());
    let compact =
        format!("{}.{}", jws.signing_input(), Base64UrlUnpadded::encode_string(signature.as_bytes()));
    assert_eq!(compact, text(&figure, "compact"));
}

#[test]
fn rfc7515_a2_signature_is_reproduced() {
    reproduce("rfc7515-a2");
}

#[test]
fn rfc7515_a3_signature_verifies() {
    verify("rfc7515-a3");
}

#[test]
fn rfc7515_a4_signature_verifies() {
    verify("rfc7515-a4");
}

#[test]
fn rfc7515_a5_alg_none_is_refused() {
    let figure = figure("rfc7515-a5");
    assert_eq!(
        CompactJws::parse(text(&figure, "compact")).map(|_| ()).unwrap_err(),
        JoseError::UnsupportedAlgorithm { found: "none".to_owned() }
    );
}

#[test]
fn rfc7520_4_1_signature_is_reproduced() {
    reproduce("rfc7520-4-1");
}

#[test]
fn rfc7520_4_2_signature_verifies() {
    verify("rfc7520-4-2");
}

#[test]
fn rfc7520_4_3_signature_verifies() {
    verify("rfc7520-4-3");
}

#[test]
fn rfc8037_a4_signature_is_reproduced() {
    reproduce("rfc8037-a");
}

/// RFC 8037 A.5 is the verification of A.4; the fully specified name of RFC 9864 takes the same
/// bytes.
#[test]
fn rfc8037_a5_signature_verifies_under_both_names() {
    let figure = figure("rfc8037-a");
    let jws = CompactJws::parse(text(&figure, "compact")).unwrap();
    for name in [Algorithm::EdDSA, Algorithm::Ed25519] {
        let signature = Signature::from_raw(name, jws.signature().as_bytes().to_vec()).unwrap();
        public_key(&figure).verify(jws.signing_input().as_bytes(), &signature).unwrap();
    }
}

/// RFC 7638 §3.3: the thumbprint is the hash of the canonical form, which is rebuilt here from the
/// figure's key.
fn thumbprint(file: &str, members: [&str; 3]) {
    use sha2::Digest;
    let figure = figure(file);
    let public = if figure["public_jwk"].is_object() { &figure["public_jwk"] } else { &figure["jwk"] };
    let jwk = Jwk::from_json(public.to_string().as_bytes()).unwrap();
    assert_eq!(jwk.thumbprint().to_string(), text(&figure, "thumbprint"));

    let written: Value = serde_json::from_str(&jwk.to_json()).unwrap();
    let canonical: Vec<String> =
        members.iter().map(|member| format!("\"{member}\":{}", written[*member])).collect();
    let canonical = format!("{{{}}}", canonical.join(","));
    assert_eq!(canonical, text(&figure, "canonical"));
    assert_eq!(sha2::Sha256::digest(canonical).as_slice(), jwk.thumbprint().as_bytes());
}

#[test]
fn rfc7638_3_1_thumbprint_and_canonical_form() {
    thumbprint("rfc7638-3-1", ["e", "kty", "n"]);
}

#[test]
fn rfc8037_a3_thumbprint_and_canonical_form() {
    thumbprint("rfc8037-a", ["crv", "kty", "x"]);
    let key = private_key(&figure("rfc8037-a"));
    assert_eq!(key.key_id().as_str(), text(&figure("rfc8037-a"), "thumbprint"));
}

/// Our ECDSA may be deterministic or not, depending on the backend. Either way the figures verify.
#[test]
fn rfc6979_a_2_5_to_a_2_7_signatures_verify() {
    for file in ["rfc6979-p256", "rfc6979-p384", "rfc6979-p521"] {
        let figure = figure(file);
        let bytes = Base64UrlUnpadded::decode_vec(text(&figure, "signature")).unwrap();
        let signature = Signature::from_raw(algorithm(&figure), bytes).unwrap();
        let message = text(&figure, "message").as_bytes();
        public_key(&figure).verify(message, &signature).unwrap();
        let key = private_key(&figure);
        assert_eq!(key.thumbprint(), public_key(&figure).jwk().thumbprint(), "{file}");
        key.public_key().unwrap().verify(message, &key.sign(message).unwrap()).unwrap();
    }
}
