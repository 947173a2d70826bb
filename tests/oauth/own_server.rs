//! What the dev server says in its own words, and the cause that the client reads in them.

use base64ct::{Base64UrlUnpadded, Encoding};
use private_key_jwt::dev_server::{ClientKeys, DevServer};
use private_key_jwt::oauth::{Cause, CauseKind, Certainty, OAuthError, explain};
use private_key_jwt::{Algorithm, Audience, JwkSet, PrivateKey, Profile, TokenClient, TokenResponse};
use serde_json::{Map, Value, json};
use url::form_urlencoded::Serializer;

use crate::support::{key, now};

const ORIGIN: &str = "http://127.0.0.1:8080";
const TYPE: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// A token request that the dev server accepts, before it is spoilt.
struct Draft {
    header: Value,
    claims: Value,
    key: PrivateKey,
    /// In place of the signed assertion.
    assertion: Option<String>,
    signature: Option<Vec<u8>>,
    form: Vec<(&'static str, String)>,
    fields: Vec<(&'static str, &'static str)>,
    content_type: &'static str,
}

type Spoil = fn(&mut Draft);

impl Draft {
    fn new(dev: &DevServer, number: usize) -> Self {
        let (key, now) = (key("p256.pkcs8.pem"), now().unix_timestamp());
        Self {
            header: json!({"alg": "ES256", "kid": key.key_id().as_str(), "typ": "client-authentication+jwt"}),
            claims: json!({"iss": "client", "sub": "client", "aud": dev.issuer(), "iat": now, "exp": now + 60,
                "jti": format!("j{number}")}),
            key,
            assertion: None,
            signature: None,
            form: vec![
                ("grant_type", "client_credentials".to_owned()),
                ("client_id", "client".to_owned()),
                ("client_assertion_type", TYPE.to_owned()),
            ],
            fields: Vec::new(),
            content_type: "application/x-www-form-urlencoded",
        }
    }

    fn set(&mut self, name: &'static str, value: Option<&str>) {
        self.form.retain(|(other, _)| *other != name);
        self.form.extend(value.map(|value| (name, value.to_owned())));
    }

    fn without(&mut self, claim: &str) {
        self.claims.as_object_mut().unwrap().remove(claim);
    }

    fn signed(&self) -> String {
        let encode = |value: &Value| Base64UrlUnpadded::encode_string(value.to_string().as_bytes());
        let input = format!("{}.{}", encode(&self.header), encode(&self.claims));
        let signature = match &self.signature {
            Some(signature) => signature.clone(),
            None => self.key.sign(input.as_bytes()).unwrap().as_bytes().to_vec(),
        };
        format!("{input}.{}", Base64UrlUnpadded::encode_string(&signature))
    }

    fn request(&self, dev: &DevServer) -> http::Request<Vec<u8>> {
        let assertion = self.assertion.clone().unwrap_or_else(|| self.signed());
        let mut form = Serializer::new(String::new());
        form.extend_pairs(&self.form);
        if !assertion.is_empty() {
            form.append_pair("client_assertion", &assertion);
        }
        let mut request = http::Request::post(dev.token_endpoint()).header("content-type", self.content_type);
        for (name, value) in &self.fields {
            request = request.header(*name, *value);
        }
        request.body(form.finish().into_bytes()).unwrap()
    }
}

fn server() -> DevServer {
    let dev = DevServer::builder().build(ORIGIN).unwrap();
    dev.register("client", JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone())).unwrap();
    dev.register("by-url", ClientKeys::JwksUrl("https://app.example/jwks".to_owned())).unwrap();
    dev.register("rsa", JwkSet::from(key("rsa2048.pkcs8.pem").public_jwk().clone())).unwrap();
    dev
}

/// What the dev server says, and its causes.
fn said(dev: &DevServer, request: &http::Request<Vec<u8>>) -> (String, Vec<Cause>) {
    let answer = TokenResponse::from_http(dev.respond(request, now()), now());
    let refusal = match answer {
        Err(OAuthError::Refused(refusal) | OAuthError::Unavailable(refusal)) => refusal,
        other => return (format!("no refusal: {other:?}"), Vec::new()),
    };
    let causes = explain(&refusal, None, Some(dev.authorization_server()), None);
    (refusal.to_string(), causes)
}

/// The client as `iss`, `sub` and `client_id`.
fn name(draft: &mut Draft, client: &str) {
    (draft.claims["iss"], draft.claims["sub"]) = (client.into(), client.into());
    draft.set("client_id", Some(client));
}

fn move_by(draft: &mut Draft, seconds: i64) {
    for claim in ["iat", "exp"] {
        draft.claims[claim] = (draft.claims[claim].as_i64().unwrap() + seconds).into();
    }
}

#[test]
fn each_refusal_of_a_client_names_its_cause_for_certain() {
    use CauseKind as Kind;
    let cases: Vec<(&str, Spoil, Kind)> = vec![
        ("another audience", |it| it.claims["aud"] = "https://elsewhere.example".into(), Kind::Audience),
        ("no audience", |it| it.without("aud"), Kind::Audience),
        ("a number as audience", |it| it.claims["aud"] = 7.into(), Kind::Audience),
        ("two audiences", |it| it.claims["aud"] = json!([it.claims["aud"], "b"]), Kind::SingleAudience),
        ("expired", |it| move_by(it, -600), Kind::Expired),
        ("of the future", |it| move_by(it, 600), Kind::NotYetValid),
        ("nbf", |it| it.claims["nbf"] = (now().unix_timestamp() + 600).into(), Kind::NotYetValid),
        ("an hour", |it| it.claims["exp"] = (now().unix_timestamp() + 3600).into(), Kind::Lifetime),
        (
            "an hour, without iat",
            |it| {
                it.without("iat");
                it.claims["exp"] = (now().unix_timestamp() + 3600).into();
            },
            Kind::Lifetime,
        ),
        (
            "milliseconds",
            |it| it.claims["exp"] = (now().unix_timestamp() * 1000 + 60_000).into(),
            Kind::Malformed,
        ),
        ("exp as text", |it| it.claims["exp"] = "soon".into(), Kind::Malformed),
        ("no exp", |it| it.without("exp"), Kind::Malformed),
        ("no jti", |it| it.without("jti"), Kind::TokenIdMissing),
        ("no iss", |it| it.without("iss"), Kind::Subject),
        ("no sub", |it| it.without("sub"), Kind::Subject),
        ("another iss", |it| it.claims["iss"] = "another".into(), Kind::Subject),
        ("another client_id", |it| it.set("client_id", Some("another")), Kind::Subject),
        ("an unknown client", |it| name(it, "clinet"), Kind::UnknownClient),
        ("no assertion type", |it| it.set("client_assertion_type", None), Kind::AssertionType),
        ("another assertion type", |it| it.set("client_assertion_type", Some("x")), Kind::AssertionType),
        ("no assertion", |it| it.assertion = Some(String::new()), Kind::AuthenticationMethod),
        (
            "the assertion of a grant alone",
            |it| {
                it.assertion = Some(String::new());
                it.set("assertion", Some("a.b.c"));
            },
            Kind::AuthenticationMethod,
        ),
        (
            "a secret alone",
            |it| {
                it.assertion = Some(String::new());
                it.set("client_secret", Some("s"));
            },
            Kind::AuthenticationMethod,
        ),
        ("a secret beside it", |it| it.set("client_secret", Some("s")), Kind::AuthenticationMethod),
        (
            "a header alone",
            |it| {
                it.assertion = Some(String::new());
                it.fields = vec![("authorization", "Basic Y2xpZW50OnM=")];
            },
            Kind::AuthenticationMethod,
        ),
        (
            "a header beside it",
            |it| it.fields = vec![("authorization", "Bearer x")],
            Kind::AuthenticationMethod,
        ),
        ("typ of an access token", |it| it.header["typ"] = "at+jwt".into(), Kind::MediaType),
        (
            "a claim of another kind of JWT",
            |it| {
                it.header["typ"] = "JWT".into();
                it.claims["response_type"] = "code".into();
            },
            Kind::MediaType,
        ),
        ("HS256", |it| it.header["alg"] = "HS256".into(), Kind::Algorithm),
        ("none", |it| it.header["alg"] = "none".into(), Kind::Algorithm),
        ("an unknown algorithm", |it| it.header["alg"] = "XX256".into(), Kind::Algorithm),
        ("an unknown kid", |it| it.header["kid"] = "unknown".into(), Kind::KeyId),
        ("kid of an RSA key", |it| name(it, "rsa"), Kind::KeyId),
        ("another key", |it| it.key = other_key(), Kind::Signature),
        ("a signature in DER", |it| it.signature = Some(vec![0x30; 70]), Kind::Malformed),
        ("no signature", |it| it.signature = Some(Vec::new()), Kind::Malformed),
        ("crit", |it| it.header["crit"] = json!(["b64"]), Kind::Malformed),
        ("keys that were not fetched", |it| name(it, "by-url"), Kind::KeySetUnreachable),
        ("PEM", |it| it.assertion = Some("-----BEGIN PRIVATE KEY-----".to_owned()), Kind::Malformed),
        ("Bearer", |it| it.assertion = Some(format!("Bearer {}", it.signed())), Kind::Malformed),
        ("quotes", |it| it.assertion = Some(format!("\"{}\"", it.signed())), Kind::Malformed),
        ("JSON", |it| it.assertion = Some("{}".to_owned()), Kind::Malformed),
        ("a line end", |it| it.assertion = Some(format!("{}\n", it.signed())), Kind::Malformed),
        ("encoded twice", |it| it.assertion = Some("a%2Eb.c.d".to_owned()), Kind::Malformed),
        ("a file name", |it| it.assertion = Some("@assertion.jwt".to_owned()), Kind::Malformed),
        ("two parts", |it| it.assertion = Some("e30.e30".to_owned()), Kind::Malformed),
        ("encrypted", |it| it.assertion = Some("e30.e30.e30.e30.e30".to_owned()), Kind::Malformed),
        ("no base64url", |it| it.assertion = Some("e=30.e30.e30".to_owned()), Kind::Malformed),
        ("no JSON", |it| it.assertion = Some("e3.e30.e30".to_owned()), Kind::Malformed),
        ("no object", |it| it.assertion = Some("W10.e30.e30".to_owned()), Kind::Malformed),
        ("no alg", |it| it.assertion = Some("e30.e30.e30".to_owned()), Kind::Malformed),
        ("too long", |it| it.header["x5c"] = "x".repeat(20_000).into(), Kind::Malformed),
        (
            "an assertion that is the grant, too",
            |it| {
                let both = it.signed();
                it.form.push(("assertion", both.clone()));
                it.assertion = Some(both);
            },
            Kind::Malformed,
        ),
        ("the form as JSON", |it| it.content_type = "application/json", Kind::Malformed),
        ("two types", |it| it.fields.push(("content-type", "text/plain")), Kind::Malformed),
        ("a parameter twice", |it| it.form.push(("client_id", "client".to_owned())), Kind::Malformed),
        ("no grant_type", |it| it.set("grant_type", None), Kind::Malformed),
        ("another grant_type", |it| it.set("grant_type", Some("x")), Kind::GrantType),
        (
            "an unknown code",
            |it| {
                it.set("grant_type", Some("authorization_code"));
                it.set("code", Some("unknown"));
                it.set("redirect_uri", Some("https://app.example/cb"));
                it.set("code_verifier", Some(&"v".repeat(43)));
            },
            Kind::Grant,
        ),
        (
            "an unknown refresh token",
            |it| {
                it.set("grant_type", Some("refresh_token"));
                it.set("refresh_token", Some("unknown"));
            },
            Kind::Grant,
        ),
        (
            "an unknown device code",
            |it| {
                it.set("grant_type", Some("urn:ietf:params:oauth:grant-type:device_code"));
                it.set("device_code", Some("unknown"));
            },
            Kind::Grant,
        ),
        (
            "a JWT of an unknown issuer",
            |it| {
                it.set("grant_type", Some("urn:ietf:params:oauth:grant-type:jwt-bearer"));
                let mut grant =
                    Draft { header: it.header.clone(), claims: it.claims.clone(), ..Draft::of(it) };
                grant.header["typ"] = Value::Null;
                grant.claims["iss"] = "https://sts.example".into();
                it.form.push(("assertion", grant.signed()));
            },
            Kind::Grant,
        ),
        ("a scope that is none", |it| it.set("scope", Some("a\"b")), Kind::Scope),
    ];
    let dev = server();
    let mut wrong = Vec::new();
    for (number, (case, spoil, kind)) in cases.into_iter().enumerate() {
        let mut draft = Draft::new(&dev, number);
        spoil(&mut draft);
        let (text, causes) = said(&dev, &draft.request(&dev));
        let found: Vec<_> = causes.iter().map(|cause| (cause.kind(), cause.certainty())).collect();
        // A scope is named by its code, which several servers share.
        let least = if kind == Kind::Scope { Certainty::Likely } else { Certainty::Certain };
        if found.first().is_none_or(|(found, sure)| *found != kind || *sure < least) {
            wrong.push(format!("{case}: {text}: {found:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

impl Draft {
    fn of(other: &Self) -> Self {
        Self {
            header: Value::Object(Map::new()),
            claims: Value::Object(Map::new()),
            key: other.key.clone(),
            assertion: None,
            signature: None,
            form: Vec::new(),
            fields: Vec::new(),
            content_type: other.content_type,
        }
    }
}

fn other_key() -> PrivateKey {
    PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap()
}

#[test]
fn a_copy_and_an_ordered_failure_name_their_cause() {
    let dev = server();
    let request = Draft::new(&dev, 0).request(&dev);
    assert_eq!(dev.respond(&request, now()).status(), 200);
    let (text, causes) = said(&dev, &request);
    assert_eq!(causes[0].kind(), CauseKind::TokenIdReused, "{text}");
    dev.fail_next(1, http::StatusCode::INTERNAL_SERVER_ERROR);
    let (text, causes) = said(&dev, &Draft::new(&dev, 1).request(&dev));
    assert_eq!(causes[0].kind(), CauseKind::ServerFault, "{text}");
}

#[test]
fn what_only_a_profile_demands_names_its_cause() {
    let key = key("p256.pkcs8.pem");
    let cases: [(Profile, Spoil, CauseKind); 5] = [
        // Keycloak does not look at the typ, so the dev server answers in its own words.
        (Profile::keycloak(), |it| it.header["typ"] = "at+jwt".into(), CauseKind::MediaType),
        (Profile::new("bank").require_key_id(), |it| drop(remove(&mut it.header, "kid")), CauseKind::KeyId),
        (Profile::new("bank").accept_media_types(&[Some("JWT")]), |_| {}, CauseKind::MediaType),
        (Profile::new("bank").require_client_id(), |it| it.set("client_id", None), CauseKind::Subject),
        (Profile::new("bank").x5t_s256().require_certificate(), |_| {}, CauseKind::Certificate),
    ];
    for (profile, spoil, kind) in cases {
        let dev = DevServer::builder().profile(profile.clone()).build(ORIGIN).unwrap();
        dev.register("client", JwkSet::from(key.public_jwk().clone())).unwrap();
        let mut draft = Draft::new(&dev, 0);
        spoil(&mut draft);
        let (text, causes) = said(&dev, &draft.request(&dev));
        assert_eq!(causes.first().map(Cause::kind), Some(kind), "{}: {text}", profile.name());
    }
}

fn remove(members: &mut Value, name: &str) -> Option<Value> {
    members.as_object_mut()?.remove(name)
}

#[cfg(feature = "client")]
#[tokio::test]
async fn a_client_reads_the_cause_in_its_error() {
    let dev = DevServer::builder().build(ORIGIN).unwrap();
    dev.register("client", JwkSet::from(key("p256.pkcs8.pem").public_jwk().clone())).unwrap();
    let client = |name: &str, key: PrivateKey| {
        TokenClient::builder(dev.authorization_server().clone(), name, key).http(dev.clone())
    };
    let own = || key("p256.pkcs8.pem");
    let elsewhere = Audience::Exactly("https://elsewhere.example".to_owned());
    for (client, kind) in [
        (client("clinet", own()), CauseKind::UnknownClient),
        (client("client", other_key()), CauseKind::KeyId),
        (client("client", other_key().with_key_id(own().key_id().as_str())), CauseKind::Signature),
        (client("client", own()).assertion(|it| it.audience(elsewhere.clone())), CauseKind::Audience),
        (client("client", own()).assertion(|it| it.media_type(Some("at+jwt"))), CauseKind::MediaType),
    ] {
        let error = client.build().unwrap().token("a").await.unwrap_err();
        let cause = error.hint().into_iter().next().unwrap();
        assert_eq!((cause.kind(), cause.certainty()), (kind, Certainty::Certain), "{error}");
    }
}
