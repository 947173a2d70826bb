//! Several issuers behind one layer.

use private_key_jwt::Algorithm;
use private_key_jwt::server::{BearerLayerError, RefusalReason};
use private_key_jwt::verifier::PermissionClaims;

use super::*;
use crate::support::{clean, log};

const OKTA: &str = "https://okta.example";
const ENTRA: &str = "https://login.example/tenant/v2.0";

/// An issuer: its name, its key, and the HTTP client that serves its JWK Set.
struct Issuer {
    name: &'static str,
    key: PrivateKey,
    http: ScriptedHttp,
}

impl Issuer {
    fn new(name: &'static str) -> Self {
        let key = PrivateKey::generate(Algorithm::ES256).unwrap().private_key().unwrap();
        let published = JwkSet::from(key.public_jwk().clone()).to_json();
        Self { name, key, http: ScriptedHttp::answering(move |_| ok(&[], &published)) }
    }

    fn pair(&self, profile: AccessTokenProfile) -> (RemoteJwks, AccessTokenVerifier) {
        (jwks_of(&self.http, now), AccessTokenVerifier::new(self.name, AUDIENCE).profile(profile))
    }

    fn token(&self, more: Value) -> String {
        let mut claims = json!({
            "iss": self.name, "aud": AUDIENCE, "sub": "user-1", "client_id": "client", "jti": "j1",
            "iat": now().unix_timestamp(), "exp": now().unix_timestamp() + 300,
        });
        claims.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        format!("Bearer {}", signed(&self.key, Some("at+jwt"), &claims))
    }
}

fn three() -> [Issuer; 3] {
    [ISSUER, OKTA, ENTRA].map(Issuer::new)
}

fn layer([strict, okta, entra]: &[Issuer; 3]) -> BearerLayer {
    let pairs = [
        strict.pair(AccessTokenProfile::rfc9068()),
        okta.pair(AccessTokenProfile::okta()),
        entra.pair(AccessTokenProfile::entra_id()),
    ];
    BearerLayer::for_issuers(pairs).unwrap()
}

fn fetches(issuers: &[Issuer; 3]) -> [usize; 3] {
    [0, 1, 2].map(|place: usize| issuers[place].http.requests())
}

#[tokio::test]
async fn each_token_is_checked_by_the_verifier_and_the_keys_of_its_issuer() {
    let issuers = three();
    let layer = layer(&issuers);
    let tokens = [
        issuers[0].token(json!({"scope": "orders:read x"})),
        issuers[1].token(json!({"cid": "client", "scp": ["orders:read"]})),
        issuers[2].token(json!({"azp": "client", "ver": "2.0", "roles": ["orders:read"]})),
    ];
    for (number, token) in tokens.iter().enumerate() {
        let handler = Handler::new();
        let scope = RequireScope::all("orders:read").unwrap();
        let mut service = layer.layer(scope.layer(handler.clone()));
        assert_eq!(parts(&send(&mut service, request(&[token.as_bytes()])).await), (200, None, None));
        let seen = handler.seen.lock().unwrap();
        let claims = seen[0].extensions().get::<Arc<AccessTokenClaims>>().unwrap();
        assert_eq!(claims.issuer(), issuers[number].name);
        // Only the keys of issuers whose tokens arrived were fetched.
        assert_eq!(fetches(&issuers), [0, 1, 2].map(|place| usize::from(place <= number)));
    }
    // The profile of one issuer does not apply to the tokens of another.
    let scp = issuers[0].token(json!({"scp": ["orders:read"]}));
    let mut service = layer.layer(RequireScope::all("orders:read").unwrap().layer(Handler::new()));
    assert_eq!(send(&mut service, request(&[scp.as_bytes()])).await.status(), 403);
}

#[tokio::test]
async fn the_keys_of_one_issuer_say_nothing_about_the_tokens_of_another() {
    let issuers = three();
    let layer = layer(&issuers);
    let forged = issuers[1].token(json!({"iss": ISSUER, "scope": "a"}));
    refused(&layer, &[forged.as_bytes()], 401, INVALID_TOKEN).await;
    assert_eq!(layer.refused(RefusalReason::UnknownKey), 1);
    assert_eq!(fetches(&issuers), [1, 0, 0]);
}

/// No fetch, although no keys are cached, and the exact reason.
#[tokio::test]
async fn rfc9068_4_an_issuer_that_is_not_accepted_costs_no_key_work() {
    let issuers = three();
    let log = Arc::new(Mutex::new(Vec::new()));
    let layer = layer(&issuers).on_refusal(errors_to(&log));
    let of = |claims: &str| {
        let part = |text: &str| Base64UrlUnpadded::encode_string(text.as_bytes());
        format!("Bearer {}.{}.AAAA", part(r#"{"alg":"ES256"}"#), part(claims))
    };
    let expected = format!("expected `{ISSUER}` or `{OKTA}` or `{ENTRA}`");
    let unknown = |found: &str| format!("the issuer is `{found}`, {expected}");
    let long = "x".repeat(8_000);
    let cases = [
        (of(r#"{"iss":"https://evil.example"}"#), unknown("https://evil.example")),
        (of(r#"{"iss":"https://as.example/"}"#), unknown("https://as.example/")),
        (of(r#"{"iss":"HTTPS://AS.EXAMPLE"}"#), unknown("HTTPS://AS.EXAMPLE")),
        (of(r#"{"iss":""}"#), unknown("")),
        (of(r#"{"iss":"a\r\nb"}"#), unknown("a\\u{d}\\u{a}b")),
        (of(&json!({"iss": long}).to_string()), unknown(&format!("{}…", "x".repeat(256)))),
        (of("{}"), "the claim `iss` is missing".to_owned()),
        (of(r#"{"iss":null}"#), "the claim `iss` is missing".to_owned()),
        (of(r#"{"iss":7}"#), "the claim `iss` is the number 7, not a string".to_owned()),
        (of(r#"{"iss":["https://as.example"]}"#), "the claim `iss` is an array, not a string".to_owned()),
        (of(r#"{"iss":{}}"#), "the claim `iss` is an object, not a string".to_owned()),
        (
            of(r#"{"iss":"https://as.example","iss":"x"}"#),
            "the claims set has the member `iss` more than once".to_owned(),
        ),
        (of("[]"), "the claims set is not a JSON object".to_owned()),
        ("Bearer e30".to_owned(), "a compact JWS has three parts, found 1".to_owned()),
        ("Bearer e30.=.e30".to_owned(), String::new()),
        (
            format!("Bearer {}", "x".repeat(AccessTokenVerifier::MAX_TOKEN_LEN + 1)),
            "the JWT has 16385 bytes, at most 16384 are read".to_owned(),
        ),
    ];
    for (token, reason) in &cases {
        let malformed = reason.is_empty();
        let (status, challenge) = if malformed { (400, INVALID_REQUEST) } else { (401, INVALID_TOKEN) };
        refused(&layer, &[token.as_bytes()], status, challenge).await;
        let found = std::mem::take(&mut *log.lock().unwrap());
        assert_eq!(found, if malformed { vec![] } else { vec![reason.clone()] }, "{token:.80}");
    }
    assert_eq!(fetches(&issuers), [0, 0, 0]);
    assert_eq!((layer.refused(RefusalReason::Issuer), layer.refused(RefusalReason::MalformedToken)), (11, 4));
}

/// The counters and the log stay as they are, however many issuers are made up.
#[tokio::test]
async fn many_unknown_issuers_leave_nothing_behind() {
    let issuers = three();
    let layer = layer(&issuers).clock(TestClock::new());
    let key = key("p256.pkcs8.pem");
    let header = json!({"alg": "ES256", "kid": key.key_id().as_str()}).to_string();
    let header = Base64UrlUnpadded::encode_string(header.as_bytes());
    log::listen();
    for number in 0..2_000 {
        let claims = format!(r#"{{"iss":"https://{number}.example"}}"#);
        let token = format!("Bearer {header}.{}.AAAA", Base64UrlUnpadded::encode_string(claims.as_bytes()));
        assert_eq!(answer(&layer, &[token.as_bytes()]).await.0, 401);
    }
    assert_eq!((layer.refused(RefusalReason::Issuer), fetches(&issuers)), (2_000, [0, 0, 0]));
    assert_eq!(log::lines().len(), 1);
}

#[tokio::test]
async fn one_issuer_refuses_the_tokens_of_others_before_a_fetch() {
    let issuer = Issuer::new(ISSUER);
    let (jwks, verifier) = issuer.pair(AccessTokenProfile::rfc9068());
    let layer = BearerLayer::new(jwks, verifier.accept_issuer(OKTA));
    let other = Issuer::new(ENTRA).token(json!({}));
    refused(&layer, &[other.as_bytes()], 401, INVALID_TOKEN).await;
    assert_eq!(issuer.http.requests(), 0);
    // A verifier may accept several issuers with common keys.
    for name in [ISSUER, OKTA] {
        let token = issuer.token(json!({"iss": name}));
        assert_eq!(answer(&layer, &[token.as_bytes()]).await, (200, None, None, 1));
    }
    assert_eq!(issuer.http.requests(), 1);
}

#[tokio::test]
async fn the_outage_of_one_issuer_is_not_that_of_the_others() {
    let issuers = three();
    let layer = layer(&issuers);
    issuers[0].http.breaks();
    let found = answer(&layer, &[issuers[0].token(json!({})).as_bytes()]).await;
    assert_eq!(found, (503, None, Some("5".to_owned()), 0));
    let okta = issuers[1].token(json!({"cid": "client"}));
    assert_eq!(answer(&layer, &[okta.as_bytes()]).await, (200, None, None, 1));
}

#[tokio::test]
async fn scopes_come_from_claims_that_the_user_names() {
    let issuer = Issuer::new(ISSUER);
    let (jwks, verifier) = issuer.pair(AccessTokenProfile::relaxed());
    let named = verifier.permission_claims(PermissionClaims::first_of(["/realm/roles", "groups"]));
    let layer = BearerLayer::for_issuers([(jwks, named)]).unwrap();
    for (claims, status) in [
        (json!({"realm": {"roles": ["a"]}}), 200),
        (json!({"groups": "b a"}), 200),
        (json!({"realm": {"roles": ["b"]}, "groups": "a"}), 403),
        (json!({"scope": "a"}), 403),
    ] {
        let mut service = layer.layer(RequireScope::all("a").unwrap().layer(Handler::new()));
        let token = issuer.token(claims.clone());
        let response = send(&mut service, request(&[token.as_bytes()])).await;
        assert_eq!(response.status().as_u16(), status, "{claims}");
    }
}

#[tokio::test]
async fn what_cannot_work_is_refused_when_it_is_built() {
    let none: [(RemoteJwks, AccessTokenVerifier); 0] = [];
    let two = || [(jwks(), verifier()), (jwks(), AccessTokenVerifier::new(OKTA, "b").accept_issuer(ISSUER))];
    let empty = |verifier| [(jwks(), AccessTokenVerifier::new(OKTA, AUDIENCE)), (jwks(), verifier)];
    let cases = [
        (
            BearerLayer::for_issuers(none),
            "the layer has no issuer; pass the keys and the verifier of at least one",
            None,
        ),
        (
            BearerLayer::for_issuers(two()),
            "two verifiers accept the issuer `https://as.example`; pass one that accepts all of its audiences",
            None,
        ),
        (
            BearerLayer::for_issuers(empty(AccessTokenVerifier::new(ISSUER, " "))),
            "the verifier for the issuer `https://as.example` cannot be used",
            Some("nothing is accepted: the setting `audience` is empty"),
        ),
        (
            BearerLayer::for_issuers(empty(AccessTokenVerifier::new("", AUDIENCE))),
            "the verifier for the issuer `` cannot be used",
            Some("nothing is accepted: the setting `issuer` is empty"),
        ),
        (
            BearerLayer::for_issuers(empty(verifier().require_scope(""))),
            "the verifier for the issuer `https://as.example` cannot be used",
            Some("nothing is accepted: the setting `require_scope` is empty"),
        ),
        (
            BearerLayer::for_issuers(empty(verifier().profile(AccessTokenProfile::new("own").types([""])))),
            "the verifier for the issuer `https://as.example` cannot be used",
            Some("nothing is accepted: the setting `AccessTokenProfile::types` is empty"),
        ),
        // No request is sent.
        (
            BearerLayer::discover([AccessTokenVerifier::new(ISSUER, "")]),
            "the verifier for the issuer `https://as.example` cannot be used",
            Some("nothing is accepted: the setting `audience` is empty"),
        ),
    ];
    for (layer, message, source) in cases {
        let error = clean(layer.unwrap_err());
        let found = std::error::Error::source(&error).map(ToString::to_string);
        assert_eq!((error.to_string().as_str(), found.as_deref()), (message, source));
    }
    let error = clean(BearerLayer::discover([AccessTokenVerifier::new("as.example", "a")]).unwrap_err());
    assert!(
        matches!(&error, BearerLayerError::Discovery { issuer, .. } if issuer == "as.example"),
        "{error:?}"
    );
    assert_eq!(error.to_string(), "the issuer `as.example` cannot be discovered");

    let blank = ["", " ", "\t", "\n \r"].map(Scope::from);
    let one_of_two = [Scope::from(["a", ""]), Scope::from(vec!["", "a"]), Scope::from(())];
    for scope in blank.into_iter().chain(one_of_two) {
        for layer in [RequireScope::all(scope.clone()), RequireScope::any(scope)] {
            let error = clean(layer.unwrap_err());
            assert!(matches!(error, BearerLayerError::EmptyScope));
            assert_eq!(error.to_string(), "the required scope is empty; name a scope, or remove the layer");
        }
    }
}
