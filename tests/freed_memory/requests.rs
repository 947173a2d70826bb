//! Requests that contain codes, tokens and assertions, made and dropped; and the other side, which
//! reads them.

use std::path::Path;
use std::sync::Arc;

use base64ct::{Base64UrlUnpadded, Encoding as _};
use private_key_jwt::oauth::{Endpoint, HintedToken, TokenKind};
use private_key_jwt::{
    AccessTokenBuilder, AccessTokenVerifier, AuthorizationResponse, AuthorizationServer, ClientAssertion,
    ClientAssertionVerifier, CodeVerifier, JwkSet, JwtGrant, PrivateKey, PublicKeySet, TokenExchange,
    TokenRequest,
};
use serde_json::json;
use time::OffsetDateTime;
use zeroize::Zeroize as _;

use crate::marks::Marks;
use crate::spelling;
use crate::watch::{is_clean, record, turn};

const CODE: &str = "cD6t/Rb+2mVx8/Gq4+Ns9Wz1yLe7Ph3==";
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const SUBJECT: &str = "sJ8u/Yc+5nKf1/Dw7+Xb3Qm6zTg9Rv4==";

fn now() -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
}

fn server() -> AuthorizationServer {
    AuthorizationServer::new("https://as.example", "https://as.example/token").unwrap()
}

fn key(file: &str) -> PrivateKey {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("testdata/keys");
    PrivateKey::from_file(folder.join(file)).unwrap()
}

/// An assertion that is the same each time.
fn assertion() -> ClientAssertion {
    let builder = ClientAssertion::builder("7f3a-9c51", &server()).claim("more", "x".repeat(300)).unwrap();
    builder.sign(&key("ed25519.pkcs8.pem"), now(), "a-jti").unwrap()
}

/// A JWT from its payload on, and its signature before encoding. Its header is no secret.
fn jwt(marks: Marks, name: &str, jwt: &str) -> Marks {
    let (_, signed) = jwt.split_once('.').unwrap();
    let (_, signature) = signed.split_once('.').unwrap();
    let marks = marks
        .text(format!("{name}, the signature's bytes"), Base64UrlUnpadded::decode_vec(signature).unwrap());
    marks.text(name, signed)
}

fn marks() -> Marks {
    let marks = Marks::default()
        .text("the code", CODE)
        .text("the verifier", VERIFIER)
        .text("the subject token", SUBJECT);
    jwt(marks, "the assertion", assertion().secret())
}

/// The response has it, and is the caller's.
#[test]
fn an_issued_access_token_leaves_nothing() {
    let turn = turn();
    let key = key("ed25519.pkcs8.pem");
    let token = AccessTokenBuilder::new("https://as.example", "https://api.example", "7f3a-9c51")
        .claim("more", "x".repeat(300))
        .unwrap();
    let issued = token.sign(&key, now(), "a-jti").unwrap();
    let marks = Arc::new(jwt(Marks::default(), "the access token", issued.secret()).ready());
    is_clean(&turn, "an access token", &marks, || {
        let unsigned = token.prepare(&key, now(), "a-jti").unwrap();
        let signature = key.sign(unsigned.signing_input()).unwrap();
        let by_hand = unsigned.attach(signature.clone()).unwrap();
        let issued = token.sign(&key, now(), "a-jti").unwrap();
        assert_eq!(by_hand.secret(), issued.secret());
        let mut response = issued.to_http();
        assert_eq!(response.status(), 200);
        response.body_mut().zeroize();
        drop((by_hand, issued, signature, unsigned));
    });
}

#[test]
fn an_assertion_leaves_nothing() {
    let turn = turn();
    let marks = Arc::new(marks().ready());
    is_clean(&turn, "an assertion", &marks, || {
        let builder =
            ClientAssertion::builder("7f3a-9c51", &server()).claim("more", "x".repeat(300)).unwrap();
        let key = key("ed25519.pkcs8.pem");
        let unsigned = builder.prepare(&key, now(), "a-jti").unwrap();
        let signature = key.sign(unsigned.signing_input()).unwrap();
        let assertion = unsigned.attach(signature.clone()).unwrap();
        assert_eq!(assertion.form().len(), 3);
        drop((assertion, signature, unsigned));
        drop(builder);
    });
    // The other signatures differ each time.
    for file in ["p256.pkcs8.pem", "p521.pkcs8.pem"] {
        let mut made = None;
        let making = record(&turn, || {
            made =
                Some(ClientAssertion::builder("7f3a-9c51", &server()).sign(&key(file), now(), "j").unwrap())
        });
        let made = made.unwrap();
        making.is_clean(file, &jwt(Marks::default(), "an assertion", made.secret()).ready());
    }
}

#[test]
fn a_grant_leaves_nothing() {
    let turn = turn();
    let sign = || {
        let builder = JwtGrant::builder("https://issuer.example", "user", &server()).unwrap();
        builder
            .claim("more", "x".repeat(300))
            .unwrap()
            .sign(&key("ed25519.pkcs8.pem"), now(), "a-jti")
            .unwrap()
    };
    let marks = Arc::new(jwt(Marks::default(), "the grant", sign().secret()).ready());
    is_clean(&turn, "a grant", &marks, || drop(sign()));
}

#[test]
fn a_request_leaves_nothing() {
    let turn = turn();
    let marks = Arc::new(marks().ready());
    let wiped = |request: http::Request<Vec<u8>>| request.into_body().zeroize();
    is_clean(&turn, "requests", &marks, || {
        let (server, assertion) = (server(), assertion());
        let verifier = CodeVerifier::new(VERIFIER).unwrap();
        let exchange = TokenExchange::new(SUBJECT, TokenKind::AccessToken).actor(CODE, TokenKind::Jwt);
        for request in [
            TokenRequest::client_credentials("a b"),
            TokenRequest::authorization_code(CODE, "https://app.example/cb", &verifier),
            TokenRequest::refresh_token(SUBJECT).resource("urn:a").unwrap(),
            TokenRequest::jwt_bearer(&JwtGrant::from_jwt(CODE)).scope("a"),
            TokenRequest::token_exchange(&exchange).audience("x").unwrap(),
            TokenRequest::client_credentials("a").parameter("otp", CODE).unwrap(),
        ] {
            wiped(request.to_http(&server, &assertion).unwrap());
            let more = request.clone().parameter("password", SUBJECT).unwrap();
            assert!(more.clone().parameter("password", SUBJECT).is_err());
            assert!(more.clone().parameter("client_secret", SUBJECT).is_err());
            assert!(
                more.to_http(
                    &AuthorizationServer::from_token_endpoint("https://as.example/`").unwrap(),
                    &assertion
                )
                .is_err()
            );
            wiped(more.to_http(&server, &assertion).unwrap());
        }
        assert!(CodeVerifier::new(CODE).is_err());
        let server = server.with_endpoint(Endpoint::Introspection, "https://as.example/i").unwrap();
        wiped(HintedToken::access_token(CODE).to_introspection(&server, &assertion).unwrap());
    });
}

#[test]
fn a_code_in_a_redirect_leaves_nothing() {
    let turn = turn();
    let marks = Arc::new(marks().ready());
    for code in spelling::form(CODE) {
        for query in [
            format!("code={code}&state=s"),
            format!("code={code}&code={code}&state=s"),
            format!("code={code}&state={code}"),
            format!("code={code}&state=s&error=x&error_description=y"),
            format!("co%64e={code}&x={code}&state=s&iss=https%3A%2F%2Fother.example"),
        ] {
            is_clean(&turn, &query, &marks, || {
                let _ = AuthorizationResponse::from_query(&query, &server(), "s");
            });
        }
    }
}

/// The keys of all clients, and their files.
const KEYS: [&str; 4] = ["ed25519.pkcs8.pem", "p256.pkcs8.pem", "p521.pkcs8.pem", "rsa2048.pkcs8.pem"];

#[test]
fn an_assertion_at_the_verifier_leaves_nothing() {
    const TYPE: &str = "urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer";
    let turn = turn();
    for file in KEYS {
        let key = key(file);
        let assertion = ClientAssertion::builder("7f3a-9c51", &server()).sign(&key, now(), "a-jti").unwrap();
        let text = assertion.secret();
        let marks = Arc::new(jwt(marks(), "the client's assertion", text).ready());
        let keys = PublicKeySet::from(JwkSet::from(key.public_jwk().clone()));
        let [plain, all, _] = spelling::form(text);
        let forms = [
            format!("client_assertion_type={TYPE}&client_assertion={plain}"),
            format!("client_assertion_type={TYPE}&client_assertion={all}&client_id=7f3a-9c51"),
            format!("client_assertion_type={TYPE}&client_assertion={all}&client_assertion={all}"),
            format!("client_assertion_type={TYPE}&client_assertion={all}&assertion={all}"),
            format!("client_assertion_type={all}&client_assertion={all}"),
            format!("client_assertion_type={TYPE}&client_assertion={all}&client_secret={all}"),
            format!("client_assertion_type={TYPE}&client_assertion={all}%2E{all}"),
            format!(
                "client_assertion_type={TYPE}&client_assertion={}&client_id={all}",
                &plain[..plain.len() - 2]
            ),
        ];
        for (place, form) in forms.iter().enumerate() {
            is_clean(&turn, &format!("{file} {form}"), &marks, || {
                let verifier = ClientAssertionVerifier::new("https://as.example");
                let unverified = verifier.parse(form.as_bytes());
                assert_eq!(unverified.is_ok(), place < 2, "{form}");
                let verified = unverified.map(|unverified| unverified.verify(&keys, None, now()).unwrap());
                let _ = verified.map(|verified| verified.claims());
                let _ = verifier
                    .parse_assertion(text)
                    .map(|unverified| unverified.verify(&keys, None, now()).map(drop));
            });
        }
    }
}

#[test]
fn an_access_token_at_the_verifier_leaves_nothing() {
    let turn = turn();
    for file in KEYS {
        let key = key(file);
        let part = |value: serde_json::Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let time = now().unix_timestamp();
        let input = format!(
            "{}.{}",
            part(json!({"alg": key.algorithm(), "typ": "at+jwt", "kid": key.key_id().as_str()})),
            part(json!({"iss": "https://as.example", "aud": "api", "sub": "u", "client_id": "c", "jti": "j",
                "iat": time, "exp": time + 60, "scope": "a"}))
        );
        let signature = Base64UrlUnpadded::encode_string(key.sign(input.as_bytes()).unwrap().as_bytes());
        let token = format!("{input}.{signature}");
        let marks = Arc::new(jwt(Marks::default(), "the access token", &token).ready());
        let keys = PublicKeySet::from(JwkSet::from(key.public_jwk().clone()));
        is_clean(&turn, file, &marks, || {
            let verifier = AccessTokenVerifier::new("https://as.example", "api");
            let claims = verifier.verify(&keys, &token, now()).unwrap();
            assert_eq!(claims.all().len(), 8);
            assert!(verifier.verify(&keys, &token[..token.len() - 3], now()).is_err());
            assert!(verifier.verify(&keys, &format!("{}.x", &token[..0]), now()).is_err());
        });
    }
}
