//! A server that echoes the request: no part of it is in an error or in a log line, in any encoding
//! and any place; and the words of real servers stay readable.

use std::error::Error as _;
use std::sync::Arc;

use base64ct::Encoding as _;
use private_key_jwt::oauth::{
    CodeVerifier, DeviceAuthorization, Endpoint, HintedToken, JwtGrant, TokenExchange, TokenKind,
};
use private_key_jwt::{AuthorizationServer, Error, TokenClient, TokenRequest};
use proptest::prelude::*;
use serde_json::json;

use crate::support::http::ScriptedHttp;
use crate::support::{all_texts, key, now};

const ISSUER: &str = "https://as.example";

type Form = Vec<(String, String)>;
type Answer = http::Response<Vec<u8>>;

fn client(answer: impl Fn(&Form) -> Answer + Send + Sync + 'static) -> TokenClient {
    let mut server = AuthorizationServer::new(ISSUER, format!("{ISSUER}/token")).unwrap();
    for endpoint in Endpoint::ALL {
        server = server.with_endpoint(endpoint, format!("{ISSUER}/{}", endpoint.metadata_name())).unwrap();
    }
    TokenClient::builder(server, "client", key("ed25519.pkcs8.pem"))
        .http(ScriptedHttp::answering(move |request| {
            Ok(answer(&form_urlencoded::parse(request.body()).into_owned().collect()))
        }))
        .without_retries()
        .build()
        .unwrap()
}

fn block_on<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap().block_on(future)
}

/// Every way to send a secret: the parameter that holds it, and the error of the call.
const WAYS: [&str; 16] = [
    "refresh_token",
    "code",
    "code_verifier",
    "assertion",
    "subject_token",
    "actor_token",
    "token",
    "request",
    "device_code",
    "client_assertion",
    "password",
    "mfa_token",
    "auth_req_id",
    "pre-authorized_code",
    "SAMLResponse",
    "otp",
];

fn send(
    way: &'static str,
    secret: &str,
    answer: impl Fn(&str) -> Answer + Send + Sync + 'static,
) -> (String, Error) {
    let sent = Arc::new(std::sync::Mutex::new(String::new()));
    let seen = Arc::clone(&sent);
    let client = client(move |form| {
        let value = &form.iter().find(|(name, _)| name == way).unwrap().1;
        seen.lock().unwrap().clone_from(value);
        answer(value)
    });
    let verifier = || CodeVerifier::new("0123456789-abcdefghijklmnopqrstuvwxyz-ABCDEF").unwrap();
    let error = block_on(async {
        let request = match way {
            "refresh_token" => TokenRequest::refresh_token(secret),
            "code" => TokenRequest::authorization_code(secret, "https://app.example/cb", &verifier()),
            "code_verifier" => TokenRequest::authorization_code("c", "https://app.example/cb", &verifier()),
            "assertion" => TokenRequest::jwt_bearer(&JwtGrant::from_jwt(secret)),
            "subject_token" => {
                TokenRequest::token_exchange(&TokenExchange::new(secret, TokenKind::AccessToken))
            }
            "actor_token" => TokenRequest::token_exchange(
                &TokenExchange::new("s", TokenKind::AccessToken).actor(secret, TokenKind::AccessToken),
            ),
            "token" => return client.introspect(HintedToken::new(secret)).await.map(drop).unwrap_err(),
            "device_code" => {
                let codes = json!({"device_code": secret, "user_code": "u", "verification_uri": ISSUER, "expires_in": 60});
                let codes = DeviceAuthorization::from_http(json(200, codes), now()).unwrap();
                TokenRequest::device_code(&codes)
            }
            "client_assertion" => TokenRequest::client_credentials(()),
            other => TokenRequest::client_credentials(()).parameter(other, secret).unwrap(),
        };
        client.request(&request).await.map(drop).unwrap_err()
    });
    (sent.lock().unwrap().clone(), error)
}

/// Encodes each character separately, so that a piece of the secret is a piece of the echo.
fn each(text: &str, encode: impl Fn(char) -> String) -> String {
    text.chars().map(encode).collect()
}

fn percent(text: &str, chosen: impl Fn(char) -> bool) -> String {
    each(text, |c| if chosen(c) { format!("%{:02X}", u32::from(c)) } else { c.to_string() })
}

fn is_special(character: char) -> bool {
    !character.is_ascii_alphanumeric()
}

type Encoding = (&'static str, fn(&str) -> String);

const ENCODINGS: [Encoding; 30] = [
    ("as it is", str::to_owned),
    ("upper case", str::to_uppercase),
    ("lower case", str::to_lowercase),
    ("percent, of a form", |text| form_urlencoded::byte_serialize(text.as_bytes()).collect()),
    ("percent, lower case", |text| percent(text, is_special).to_lowercase()),
    ("percent, all", |text| percent(text, |_| true)),
    ("percent, in part", |text| percent(text, |c| "aeiouAEIOU13579".contains(c))),
    ("percent, twice", |text| percent(&percent(text, is_special), is_special)),
    ("percent, three times", |text| percent(&percent(&percent(text, |_| true), is_special), is_special)),
    ("percent of IIS", |text| each(text, |c| format!("%u{:04x}", u32::from(c)))),
    ("JSON, all", |text| each(text, |c| format!("\\u{:04x}", u32::from(c)))),
    ("JSON, in part", |text| {
        each(text, |c| if is_special(c) { format!("\\u{:04X}", u32::from(c)) } else { c.to_string() })
    }),
    ("JSON, slashes", |text| text.replace('/', "\\/")),
    ("JSON in JSON", |text| each(text, |c| format!("\\\\u{:04x}", u32::from(c)))),
    ("JSON of percent", |text| percent(text, is_special).replace('%', "\\u0025")),
    ("hexadecimal escapes", |text| each(text, |c| format!("\\x{:02x}", u32::from(c)))),
    ("Rust's escapes", |text| each(text, |c| c.escape_unicode().to_string())),
    ("HTML, decimal", |text| each(text, |c| format!("&#{};", u32::from(c)))),
    ("HTML, hexadecimal", |text| {
        each(text, |c| if is_special(c) { format!("&#x{:x};", u32::from(c)) } else { c.to_string() })
    }),
    ("HTML, by name", |text| text.replace('+', "&plus;").replace('/', "&sol;").replace('=', "&equals;")),
    ("HTML in HTML", |text| {
        each(text, |c| if is_special(c) { format!("&amp;#{};", u32::from(c)) } else { c.to_string() })
    }),
    ("soft hyphens", |text| each(text, |c| format!("{c}\u{ad}"))),
    ("tag characters", |text| each(text, |c| format!("{c}\u{e0041}"))),
    ("UTF-16 read as bytes", |text| each(text, |c| format!("{c}\0"))),
    ("control characters", |text| each(text, |c| format!("\u{1}{c}"))),
    ("bytes, hexadecimal", |text| each(text, |c| format!("{:02x} ", u32::from(c)))),
    ("bytes, with colons", |text| each(text, |c| format!("{:02X}:", u32::from(c)))),
    ("bytes, decimal", |text| each(text, |c| format!("{}, ", u32::from(c)))),
    ("base64", |text| base64ct::Base64::encode_string(text.as_bytes())),
    ("base64url, inside", |text| to_base64url(format!("code={text}&x=y").as_bytes())),
];

fn to_base64url(bytes: &[u8]) -> String {
    base64ct::Base64UrlUnpadded::encode_string(bytes)
}

fn answer(status: u16, content_type: &str, body: impl Into<Vec<u8>>) -> Answer {
    let response = http::Response::builder().status(status).header("content-type", content_type);
    response.body(body.into()).unwrap()
}

/// A header field, with the characters that it may have.
fn field(status: u16, name: &'static str, value: &str) -> Answer {
    let mut response = answer(status, "application/json", "");
    if let Ok(value) = http::HeaderValue::from_bytes(value.as_bytes()) {
        response.headers_mut().insert(name, value);
    }
    response
}

fn json(status: u16, body: serde_json::Value) -> Answer {
    answer(status, "application/json", body.to_string())
}

/// Members with this many characters each.
fn in_pieces(text: &str, len: usize) -> Answer {
    let characters: Vec<char> = text.chars().collect();
    let pieces = characters.chunks(len).map(|piece| piece.iter().collect::<String>());
    let members = pieces.enumerate().map(|(at, piece)| (format!("part{at}"), json!(piece)));
    json(400, members.chain([("error".to_owned(), json!("invalid_client"))]).collect())
}

type Place = (&'static str, fn(&str) -> Answer);

const PLACES: [Place; 34] = [
    ("error", |text| json(400, json!({"error": text}))),
    ("error twice", |text| answer(400, "", format!(r#"{{"error":"e","error":{}}}"#, json!(text)))),
    ("error_description", |text| {
        json(401, json!({"error": "e", "error_description": format!("bad \"{text}\" here")}))
    }),
    ("error_uri", |text| {
        json(403, json!({"error": "e", "error_uri": format!("https://as.example/?x={text}")}))
    }),
    ("a member", |text| json(400, json!({"error": "e", "trace": text}))),
    ("a member inside", |text| json(400, json!({"error": "e", "x": [{"y": text}]}))),
    ("the name of a member", |text| json(400, json!({"error": "e", text: 1}))),
    ("the name of a member inside", |text| json(400, json!({"error": "e", "x": {text: [1]}}))),
    ("a member twice", |text| answer(400, "", format!(r#"{{"error":"e","x":{0},"x":{0}}}"#, json!(text)))),
    ("pieces of 40", |text| in_pieces(text, 40)),
    ("pieces of 16", |text| in_pieces(text, 16)),
    ("a problem", |text| {
        answer(400, "application/problem+json", json!({"title": text, "detail": text}).to_string())
    }),
    ("a fault", |text| json(400, json!({"fault": {"faultstring": text, "detail": {"errorcode": text}}}))),
    ("a target", |text| json(400, json!({"code": text, "details": [{"target": text, "message": text}]}))),
    ("a field of a form", |text| json(400, json!({"title": "no", "errors": {text: ["is unknown"]}}))),
    ("JSON that broke off", |text| answer(400, "", format!(r#"{{"error":"e","message":{},"x"#, json!(text)))),
    ("text", |text| answer(400, "text/plain", format!("cannot use {text}, sorry"))),
    ("a page", |text| answer(502, "text/html", format!("<title>No {text}</title><p>{text}"))),
    ("XML", |text| answer(503, "text/xml", format!("<e><![CDATA[{text}]]></e>"))),
    ("a form", |text| answer(400, "", format!("error=e&error_description={}", text.replace(['&', ' '], "")))),
    ("a request that came back", |text| {
        answer(500, "text/plain", format!("grant_type=x&refresh_token={text}"))
    }),
    ("the challenge", |text| field(401, "www-authenticate", &format!("Bearer error=\"{text}\""))),
    ("the location", |text| field(302, "location", &format!("https://as.example/{text}"))),
    ("x-request-id", |text| field(503, "x-request-id", text)),
    ("traceparent", |text| field(400, "traceparent", text)),
    ("the content type of a success", |text| field(200, "content-type", &format!("text/{text}"))),
    ("the coding of a success", |text| field(200, "content-encoding", text)),
    ("the coding of an error", |text| field(400, "content-encoding", text)),
    ("a member twice in a success", |text| answer(200, "", format!(r#"{{{0}:1,{0}:2}}"#, json!(text)))),
    ("an error in a success", |text| json(200, json!({"error": text, "error_description": text}))),
    ("a success that is none", |text| answer(200, "text/plain", text)),
    ("another success", |text| json(201, json!({"message": text}))),
    ("a long way down", |text| answer(400, "text/plain", format!("{}{text}", "no ".repeat(160)))),
    ("at the cut", |text| answer(400, "text/plain", text.repeat(20_000 / text.len().max(1) + 1))),
];

/// The pieces of a secret that must not be left: eight characters, or sixteen if they are lowercase
/// letters, as each is echoed.
fn pieces(secret: &str) -> impl Iterator<Item = &str> {
    let is_word = |piece: &&str| !piece.contains(|c: char| c.is_ascii_digit() || c.is_ascii_uppercase());
    let windows =
        |len: usize| (0..=secret.len().saturating_sub(len)).filter_map(move |at| secret.get(at..at + len));
    windows(8).filter(move |piece| !is_word(piece)).chain(windows(16))
}

/// Everything that an error shows, through any method.
fn said(error: &Error) -> String {
    let mut texts = all_texts(error);
    if let Some(refusal) = error.refusal() {
        for text in [
            refusal.error(),
            refusal.description(),
            refusal.uri(),
            refusal.code(),
            refusal.message(),
            refusal.www_authenticate(),
        ] {
            texts.push_str(text.unwrap_or_default());
            texts.push('\n');
        }
        texts.push_str(&format!("{:?} {:?}", refusal.members(), refusal.correlation_ids()));
    }
    assert!(error.source().is_none_or(|source| !source.to_string().contains('\n')));
    texts
}

fn check(way: &'static str, secret: &str, (encoding, encode): Encoding, (place, echo): Place) {
    let (sent, error) = send(way, secret, move |sent| echo(&encode(sent)));
    // As an error shows invisible characters, and as `Debug` shows a backslash.
    let mut texts = said(&error).to_lowercase();
    if encoding.starts_with("base64") {
        texts = texts.replace('+', "-").replace('/', "_");
    }
    let plain = texts
        .replace("\\\\", "\\")
        .replace("\\\\", "\\")
        .replace("\\u{ad}", "")
        .replace("\\u{e0041}", "")
        .replace("\\u{0}", "")
        .replace("\\u{1}", "");
    for piece in pieces(&sent) {
        // The base64 of a piece is known where it does not depend on its surroundings.
        let echoed = if encoding.starts_with("base64") {
            (0..3)
                .map(|at| to_base64url(piece.get(at..).unwrap().as_bytes()))
                .map(|text| text[..text.len() - 2].to_owned())
                .collect()
        } else {
            vec![
                encode(piece)
                    .trim_matches([' ', ',', ':'])
                    .replace(['\u{ad}', '\u{e0041}', '\0', '\u{1}'], ""),
                piece.to_owned(),
            ]
        };
        for echoed in echoed.iter().filter(|text| text.len() >= 8 || !encoding.starts_with("base64")) {
            let echoed = echoed.to_lowercase();
            assert!(
                !texts.contains(&echoed) && !plain.contains(&echoed),
                "{way}, {encoding}, {place}: {echoed} of {sent} is in {texts}"
            );
        }
    }
}

const SECRET: &str = "rT9-Zk3+Qw/7xLm2_Vb8.Ns4~Hd6Jf1Gp5Yc0Ae=Ui-kOqWtBrSzXvEnMl";

#[test]
fn a_secret_is_absent_in_every_encoding_and_place() {
    for encoding in ENCODINGS {
        for place in PLACES {
            check("refresh_token", SECRET, encoding, place);
        }
    }
}

#[test]
fn every_secret_of_a_request_is_masked() {
    for way in WAYS {
        for encoding in [ENCODINGS[0], ENCODINGS[5], ENCODINGS[10], ENCODINGS[28]] {
            for place in [PLACES[2], PLACES[9], PLACES[10], PLACES[22], PLACES[23], PLACES[25], PLACES[28]] {
                check(way, SECRET, encoding, place);
            }
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 300, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_secret_is_absent(
        secret in "[A-Za-z0-9_~.+/=-]{20,120}",
        way in prop::sample::select(WAYS.to_vec()),
        encoding in 0..ENCODINGS.len(),
        place in 0..PLACES.len(),
    ) {
        check(way, &secret, ENCODINGS[encoding], PLACES[place]);
    }

    /// A piece of a secret, as servers show its beginning or end.
    #[test]
    fn any_piece_of_a_secret_is_absent(
        secret in "[A-Za-z0-9_-]{40,120}",
        (start, len) in (0_usize..20, 8_usize..20),
        place in 0..PLACES.len(),
    ) {
        let (_, error) = send("refresh_token", &secret, move |sent| {
            (PLACES[place].1)(sent.get(start..start + len).unwrap())
        });
        let piece = secret.get(start..start + len).unwrap();
        let texts = said(&error).to_lowercase();
        for piece in pieces(piece) {
            prop_assert!(!texts.contains(&piece.to_lowercase()), "{piece} is in {texts}");
        }
    }
}

/// The work grows in proportion to the text, not to its square: nine characters, over and over
/// again.
#[test]
fn the_work_grows_with_the_answer() {
    let secret = "aB3-xY9_z";
    let work = |piece: &str, len: usize| {
        let body = piece.repeat(len / piece.len());
        let client = client(move |_| json(400, json!({"error": "e", "error_description": body.clone()})));
        let request = TokenRequest::refresh_token(secret);
        allocation_counter::measure(|| drop(block_on(client.request(&request)))).bytes_total
    };
    work(secret, 1 << 10);
    // The secret, and text that begins like a list of bytes and is none.
    for piece in [secret, "a 1 ff ", "%61 ", "1, 2, 300, "] {
        let [half, all] = [1 << 19, 1 << 20].map(|len| work(piece, len));
        assert!(all < half * 5 / 2, "{piece}: {half} bytes are allocated for half of it, {all} for all");
        assert!(all < 32 << 20, "{piece}: {all} bytes are allocated");
    }
}

#[test]
fn the_words_of_real_servers_stay() {
    for (error, description) in [
        ("com.example.auth.InvalidClient", "unknown client"),
        ("com.example.identity.oauth2.grant.InvalidClientAuthenticationException", "no"),
        ("invalid_client", "No enum constant org.forgerock.json.jose.jwt.JwtType.CLIENT-AUTHENTICATION+JWT"),
        (
            "invalid_client",
            "Client assertion validation failed: org.keycloak.common.VerificationException: Token is not active",
        ),
        (
            "invalid_client",
            "AADSTS700027: The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '3B5F6C1D8E2A4907B1C2D3E4F5A6978801234567'] Trace ID: 8f3c1c2e-1b7a-4a3c-9a54-0a1b2c3d4e00 Correlation ID: 5e2b7d1a-6f0e-4b1c-8c2d-9e8f7a6b5c4d",
        ),
        ("invalid_client", "the kid kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k is not registered"),
        (
            "invalid_client",
            "no key with the SHA-256 thumbprint 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
        ),
        (
            "invalid_request",
            "The client_assertion_type urn:ietf:params:oauth:client-assertion-type:jwt-bearer is expected",
        ),
        (
            "invalid_client",
            "audience [https://as.example/oauth2/token] is not https://as.example:443/am/oauth2/realms/root/realms/alpha/access_token",
        ),
        ("unauthorized_client", "CSIAQ0155E The requested OAuth 2.0 Client could not be authenticated."),
        (
            "invalid_grant",
            "the refresh token is expired, or the code verifier does not match the code challenge",
        ),
        (
            "invalid_grant",
            "java.lang.IllegalStateException: io.jsonwebtoken.security.SignatureException at JwtClientAssertionAuthenticationConverter",
        ),
        (
            "invalid_client",
            "PrivateKeyJwtClientAuthenticationProvider rejected the assertion: KeyJwk newJwt eyJwt",
        ),
        ("invalid_client", "traceparent 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
    ] {
        let client = client(move |_| json(401, json!({"error": error, "error_description": description})));
        let failed = block_on(client.request(&TokenRequest::refresh_token(SECRET))).unwrap_err();
        let refusal = failed.refusal().unwrap();
        assert_eq!((refusal.error(), refusal.description()), (Some(error), Some(description)));
    }
}
