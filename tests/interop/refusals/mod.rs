//! Every kind of request that a server should reject, made by hand: what it answers, and the hint.

pub(crate) mod expected;

use std::sync::atomic::{AtomicUsize, Ordering};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use private_key_jwt::jose::CompactJws;
use private_key_jwt::oauth::OAuthError;
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use private_key_jwt::{Algorithm, PrivateKey, TokenResponse};
use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::support::{clean, key};

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// A token request that a server accepts, before it is spoilt.
pub(crate) struct Draft {
    pub(crate) token_endpoint: String,
    pub(crate) key: PrivateKey,
    pub(crate) header: Value,
    pub(crate) claims: Value,
    pub(crate) form: Vec<(&'static str, String)>,
}

/// A kind of request that is rejected, and how it is made.
type Kind = (&'static str, fn(&mut Draft));

const KINDS: [Kind; 20] = [
    ("another audience", |draft| draft.claims["aud"] = "https://elsewhere.example".into()),
    ("two audiences", |draft| {
        draft.claims["aud"] = json!([draft.claims["aud"], "https://elsewhere.example"])
    }),
    ("no audience", |draft| draft.without("aud")),
    ("an unknown client", |draft| {
        (draft.claims["iss"], draft.claims["sub"]) = ("unknown".into(), "unknown".into());
        draft.set("client_id", Some("unknown"));
    }),
    ("another iss", |draft| draft.claims["iss"] = "another".into()),
    ("another sub", |draft| draft.claims["sub"] = "another".into()),
    ("another client_id", |draft| draft.set("client_id", Some("another"))),
    ("an unknown kid", |draft| draft.header["kid"] = "unknown".into()),
    ("another key", |draft| draft.key = another_key()),
    ("another algorithm", |draft| {
        draft.key = key("rsa2048.pkcs8.pem");
        draft.header["alg"] = draft.key.algorithm().as_str().into();
    }),
    ("the algorithm none", |draft| draft.header["alg"] = "none".into()),
    ("an expired assertion", |draft| draft.move_by(-600)),
    ("an assertion of the future", |draft| draft.move_by(600)),
    ("no exp", |draft| draft.without("exp")),
    ("no jti", |draft| draft.without("jti")),
    ("no assertion type", |draft| draft.set("client_assertion_type", None)),
    ("another assertion type", |draft| {
        draft.set("client_assertion_type", Some("urn:ietf:params:oauth:client-assertion-type:saml2-bearer"));
    }),
    ("no assertion", |draft| draft.set("client_assertion", None)),
    ("an assertion that is no JWT", |draft| draft.set("client_assertion", Some("e30.e30"))),
    ("a secret beside it", |draft| draft.set("client_secret", Some("secret"))),
];

fn another_key() -> PrivateKey {
    PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap()
}

impl Draft {
    pub(crate) fn new(token_endpoint: &str, client_id: &str, audience: &str) -> Self {
        let key = key("p256.pkcs8.pem");
        let now = OffsetDateTime::now_utc().unix_timestamp();
        Self {
            token_endpoint: token_endpoint.to_owned(),
            header: json!({"alg": "ES256", "kid": key.key_id().as_str(), "typ": "JWT"}),
            claims: json!({"iss": client_id, "sub": client_id, "aud": audience, "iat": now, "exp": now + 60,
                "jti": format!("{}-{}", now, NEXT.fetch_add(1, Ordering::Relaxed))}),
            form: vec![
                ("grant_type", "client_credentials".to_owned()),
                ("client_id", client_id.to_owned()),
                ("client_assertion_type", private_key_jwt::oauth::CLIENT_ASSERTION_TYPE.to_owned()),
                ("client_assertion", String::new()),
            ],
            key,
        }
    }

    fn without(&mut self, claim: &str) {
        self.claims.as_object_mut().unwrap().remove(claim);
    }

    fn move_by(&mut self, seconds: i64) {
        for claim in ["iat", "exp"] {
            self.claims[claim] = (self.claims[claim].as_i64().unwrap() + seconds).into();
        }
    }

    /// Sets or removes a parameter of the form.
    fn set(&mut self, name: &'static str, value: Option<&str>) {
        self.form.retain(|(other, _)| *other != name);
        self.form.extend(value.map(|value| (name, value.to_owned())));
    }

    fn request(&self) -> http::Request<Vec<u8>> {
        let encode = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let input = format!("{}.{}", encode(&self.header), encode(&self.claims));
        let signature = match self.header["alg"].as_str() {
            Some("none") => String::new(),
            _ => URL_SAFE_NO_PAD.encode(self.key.sign(input.as_bytes()).unwrap().as_bytes()),
        };
        let assertion = format!("{input}.{signature}");
        let form = self.form.iter().map(|(name, value)| match (*name, &**value) {
            ("client_assertion", "") => (*name, &*assertion),
            (name, value) => (name, value),
        });
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(form).finish();
        http::Request::post(&self.token_endpoint)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(form.into_bytes())
            .unwrap()
    }
}

/// A line for each kind: what was sent, the status, `error`, its text, and its likely causes. A
/// server that accepts the request is named, too.
pub(crate) async fn of(server: &str, draft: impl AsyncFn() -> Draft) -> Vec<String> {
    let mut lines = vec![one(server, "nothing wrong", &draft().await).await];
    for (name, spoil) in KINDS {
        let mut draft = draft().await;
        spoil(&mut draft);
        lines.push(one(server, name, &draft).await);
    }
    let copied = draft().await.request();
    line("the original", copied.clone()).await;
    lines.push(line("a copy", copied).await);
    println!("{server}, {}", lines[lines.len() - 1]);
    lines
}

/// The line of one request.
pub(crate) async fn one(server: &str, name: &str, draft: &Draft) -> String {
    let line = line(name, draft.request()).await;
    println!("{server}, {line}");
    line
}

async fn line(name: &str, request: http::Request<Vec<u8>>) -> String {
    let sent = request.clone();
    let origin = url::Url::parse(&sent.uri().to_string()).unwrap().origin().ascii_serialization();
    let response = ReqwestClient::new().unwrap().send(request).await.unwrap();
    let what = match TokenResponse::from_http(response, OffsetDateTime::now_utc()) {
        Ok(_) => return format!("{name}: accepted"),
        Err(OAuthError::Refused(refusal)) => {
            let (error, text) = (refusal.error().unwrap_or("-"), refusal.description().unwrap_or("-"));
            let hints: Vec<_> = refusal.hint().iter().map(|cause| format!("{:?}", cause.kind())).collect();
            let hint = if hints.is_empty() { "-".to_owned() } else { hints.join("|") };
            format!("{} {error}, {text}, {hint}", refusal.status())
        }
        Err(error) => clean(error).to_string(),
    };
    // No answer shows the assertion.
    let form = form_urlencoded::parse(sent.body());
    let assertion = form.into_iter().find(|(name, _)| name == "client_assertion");
    let assertion = assertion.map(|(_, value)| value.into_owned()).unwrap_or_default();
    assert!(CompactJws::parse(&assertion).is_err() || !what.contains(&assertion), "{name}: {what}");
    // Times in a text are different every time.
    let what = match (what.split_once(" (iat: "), what.rsplit_once("), ")) {
        (Some((text, _)), Some((_, hint))) => format!("{text} TIMES, {hint}"),
        _ => what,
    };
    format!("{name}: {what}").replace(&origin, "ORIGIN")
}
