use super::encoded::decode;
use super::*;

const PEM: &str = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\n-----END PRIVATE KEY-----\n";
const BODY: &str = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
const JWK: &str = r#"{"kty":"OKP","crv":"Ed25519","d":"nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}"#;

fn base64(text: &str) -> String {
    crate::jose::base64url::encode_standard(text)
}

#[test]
fn a_key_is_known_in_every_wrapping() {
    let hexadecimal: String =
        decode(BODY.as_bytes()).unwrap().iter().map(|byte| format!("{byte:02X}")).collect();
    for (text, form) in [
        (PEM.to_owned(), SecretForm::PrivateKey),
        (PEM.replace('\n', "\\n"), SecretForm::PrivateKey),
        (PEM.replace('\n', " "), SecretForm::PrivateKey),
        (format!("\"{PEM}\""), SecretForm::PrivateKey),
        (format!("--key={PEM}"), SecretForm::PrivateKey),
        (format!("env:{PEM}"), SecretForm::PrivateKey),
        (PEM[..60].to_owned(), SecretForm::PrivateKey),
        (PEM[60..].to_owned(), SecretForm::PrivateKey),
        ("-----BEGIN CERTIFICATE-----\nMIIB".to_owned(), SecretForm::Pem),
        (JWK.to_owned(), SecretForm::Json),
        (format!(" [{JWK}]"), SecretForm::Json),
        (format!("'{JWK}'"), SecretForm::Json),
        (format!("\u{feff}{JWK}"), SecretForm::Json),
        (BODY.to_owned(), SecretForm::Encoded),
        (BODY.replace('+', "-").replace('/', "_"), SecretForm::Encoded),
        (BODY.replace('+', "%2B").replace('/', "%2f"), SecretForm::Encoded),
        (format!("{}\n{}", &BODY[..32], &BODY[32..]), SecretForm::Encoded),
        (hexadecimal.to_lowercase(), SecretForm::Encoded),
        (hexadecimal, SecretForm::Encoded),
        (base64(PEM), SecretForm::Encoded),
        (base64(JWK), SecretForm::Encoded),
        (base64(&base64(PEM)), SecretForm::Encoded),
        (base64(&base64(&base64(PEM))), SecretForm::Encoded),
        (format!("{}.{}.c2ln", base64(r#"{"alg":"ES256"}"#), "e30"), SecretForm::Jwt),
        (format!("Bearer {}.{}.c2ln", base64("{ \"alg\":\"ES256\"}"), "e30"), SecretForm::Jwt),
        (format!("x={}.e30.c2ln", base64("{\n  \"typ\":\"JWT\"}")), SecretForm::Jwt),
        (PEM.replace("-----", "\u{2014}\u{2013}"), SecretForm::PrivateKey),
        (format!("\u{2014}\u{2013}BEGIN RSA PRIVATE KEY\u{2014}\u{2013} {BODY}"), SecretForm::PrivateKey),
        ("<RSAKeyValue><Modulus>xA7S</Modulus><D>nWGx</D></RSAKeyValue>".to_owned(), SecretForm::PrivateKey),
        ("{kty:'OKP',crv:'Ed25519',d:'nWGxne'}".to_owned(), SecretForm::Json),
        (JWK.replace('"', "%22").replace('{', "%7B"), SecretForm::Json),
        (JWK.replace('"', "\\u0022").replace('{', "\\u007b"), SecretForm::Json),
        (JWK.replace('"', "&quot;"), SecretForm::Json),
        (format!("key={BODY}"), SecretForm::Encoded),
        (format!("file:{BODY}"), SecretForm::Encoded),
        (format!("./keys/{BODY}"), SecretForm::Encoded),
        (format!("data:application/x-pem-file;base64,{}", base64(PEM)), SecretForm::Encoded),
        (base64(&format!("[{JWK}]")), SecretForm::Encoded),
        (base64(&base64(&JWK.replace('{', "{\n  "))), SecretForm::Encoded),
        (
            "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMwAAAAtzc2gtZWQy".to_owned(),
            SecretForm::Encoded,
        ),
        ("redis://:hunter2@cache.example:6379/0".to_owned(), SecretForm::Password),
        ("postgres://user:p/w@db.example/x".to_owned(), SecretForm::Password),
        ("Endpoint=sb://x;SharedAccessKeyName=a;SharedAccessKey=b".to_owned(), SecretForm::Password),
        ("Server=db;User Id=a;Password=b;".to_owned(), SecretForm::Password),
    ] {
        assert_eq!(SecretForm::of(&text), Some(form), "{text}");
        assert_eq!(SecretForm::suspect(&text), Some(form), "{text}");
    }
}

#[test]
fn bits_at_the_end_of_damaged_base64_do_not_matter() {
    for (text, expected) in
        [("QUJD", "ABC"), ("QUJDR", "ABC"), ("QUJDR=", "ABC"), ("QUJDRB==", "ABCD"), ("QUJD_", "ABC")]
    {
        let decoded = encoded::decode(text.as_bytes()).unwrap();
        assert_eq!(decoded.as_slice(), expected.as_bytes(), "{text}");
    }
    assert!(encoded::decode(b"QU JD").is_none());
}

#[test]
fn a_name_a_path_and_a_url_are_no_secrets() {
    for text in [
        "",
        "-",
        "key.pem",
        "env:CLIENT_KEY",
        "/etc/keys/my client.pem",
        r"C:\Users\John Doe\AuthKey_2X9R4HXF34.p8",
        "AuthKey_2X9R4HXF34.p8",
        "/run/secrets/0b9b5f8e-2c55-4a3e-8f6c-1f2d3e4a5b6c/kubernetes.io~secret/key.pem",
        "https://as.example/oauth2/default?tenant=a@b",
        "https://user@as.example/",
        "https://login.microsoftonline.com/0b9b5f8e-2c55-4a3e-8f6c-1f2d3e4a5b6c/v2.0",
        "client-authentication+jwt",
        "com.example.identity.oauth2.exceptions.InvalidClientException",
        "PrivateKeyJwtAuthenticationProvider",
        "newsletter",
        "{8F3C1C2E-1B7A-4A3C-9A54-0A1B2C3D4E00}",
        "{tenantid}",
        "RS256",
        "api:read api.write",
        "password",
        "token_endpoint",
    ] {
        assert_eq!(SecretForm::of(text), None, "{text}");
    }
    // A thumbprint, a UUID and a passphrase may be names, but not paths.
    for text in [
        "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k",
        "0b9b5f8e-2c55-4a3e-8f6c-1f2d3e4a5b6c",
        "correct horse battery staple",
        "cAnArY-7f3a9c51-sEcReT",
    ] {
        assert_eq!(
            (SecretForm::of(text), SecretForm::suspect(text)),
            (None, Some(SecretForm::Opaque)),
            "{text}"
        );
    }
    for text in
        ["key.pem", "/etc/keys/my client.pem", "RS257", "token-endpoint", "signing-key-2026-01", "--isuer"]
    {
        assert_eq!(SecretForm::suspect(text), None, "{text}");
    }
}

#[test]
fn json_in_base64_is_known_by_what_it_decodes_to() {
    for text in ["eyJhbGci", "eyJhbGciOiJFUzI1NiJ9", "ewogICJhbGciOiJFUzI1NiIKfQ", "eyAiYWxnIjoiUlMyNTYi"] {
        assert!(begins_json(text.as_bytes()), "{text}");
    }
    for text in ["", "eyJ", "eyJwtAuthentication", "eyJwkSet", "ewardship", "eyes-and-ears", "eyJhbG"] {
        assert!(!begins_json(text.as_bytes()), "{text}");
    }
}
