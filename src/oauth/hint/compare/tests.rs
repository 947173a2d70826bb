use serde_json::{Value, json};
use time::OffsetDateTime;

use super::*;
use crate::jose::base64url;
use crate::oauth::explain;
use crate::oauth::text::Masking;

const ISSUER: &str = "https://as.example";
const TOKEN: &str = "https://as.example/token";

/// A good assertion for the default profile, with these members replaced. A `null` removes one.
fn sent(header: Value, claims: Value) -> SentAssertion {
    let mut members = [
        json!({"alg": "RS256", "kid": "k1", "typ": "client-authentication+jwt"}),
        json!({"iss": "c", "sub": "c", "aud": ISSUER, "jti": "j", "iat": 1_800_000_000, "exp": 1_800_000_060}),
    ];
    for (members, replaced) in members.iter_mut().zip([header, claims]) {
        for (name, value) in replaced.as_object().unwrap() {
            members[name] = value.clone();
        }
        members.as_object_mut().unwrap().retain(|_, value| !value.is_null());
    }
    let [header, claims] = members.map(|members| base64url::encode(members.to_string()));
    SentAssertion::from_jwt(&format!("{header}.{claims}.c2ln")).unwrap()
}

fn server() -> AuthorizationServer {
    AuthorizationServer::new(ISSUER, TOKEN).unwrap()
}

fn texts(causes: &[Cause]) -> Vec<String> {
    causes.iter().map(ToString::to_string).collect()
}

/// The only contradiction, and its parts.
#[track_caller]
fn only(found: Vec<Cause>, hint: CauseKind, what: &str, text: &str) {
    let [cause] = found.as_slice() else { panic!("{found:?}") };
    let contradiction = cause.contradiction().unwrap();
    assert_eq!((cause.kind(), contradiction.what(), contradiction.to_string().as_str()), (hint, what, text));
    let operands = [contradiction.found(), contradiction.source(), contradiction.expected()];
    assert!(operands.iter().all(|operand| text.contains(operand)), "{operands:?}");
}

#[test]
fn a_good_assertion_contradicts_nothing() {
    let metadata = json!({"issuer": ISSUER, "token_endpoint": TOKEN,
        "token_endpoint_auth_signing_alg_values_supported": ["RS256"]});
    let metadata = AuthorizationServer::from_metadata(ISSUER, metadata.to_string().as_bytes()).unwrap();
    let good = || sent(json!({}), json!({}));
    for server in [None, Some(&server()), Some(&metadata)] {
        for profile in
            [None, Some(&Profile::default()), Some(&Profile::keycloak()), Some(&Profile::zitadel())]
        {
            assert_eq!(contradictions(&good(), server, profile), []);
        }
    }
    let certified = json!({"typ": "JWT", "x5t#S256": "x"});
    let entra = sent(certified, json!({"aud": TOKEN}));
    assert_eq!(contradictions(&entra, Some(&server()), Some(&Profile::entra_id())), []);
    let okta = "https://as.example/introspect";
    let called = sent(json!({}), json!({"aud": okta})).to_endpoint(okta);
    assert_eq!(contradictions(&called, Some(&server()), Some(&Profile::okta())), []);
}

#[test]
fn an_algorithm_that_the_metadata_or_the_profile_does_not_list() {
    let metadata = json!({"issuer": ISSUER, "token_endpoint": TOKEN, "introspection_endpoint": "https://as.example/i",
        "token_endpoint_auth_signing_alg_values_supported": ["PS256", "EdDSA"],
        "introspection_endpoint_auth_signing_alg_values_supported": ["ES256"]});
    let metadata = AuthorizationServer::from_metadata(ISSUER, metadata.to_string().as_bytes()).unwrap();
    let rsa = || sent(json!({}), json!({}));
    only(
        contradictions(&rsa(), Some(&metadata), None),
        CauseKind::Algorithm,
        "alg",
        "alg is RS256, but token_endpoint_auth_signing_alg_values_supported lists PS256, EdDSA",
    );
    only(
        contradictions(&rsa().to_endpoint("https://as.example/i"), Some(&metadata), None),
        CauseKind::Algorithm,
        "alg",
        "alg is RS256, but introspection_endpoint_auth_signing_alg_values_supported lists ES256",
    );
    // One algorithm with two names.
    assert_eq!(contradictions(&sent(json!({"alg": "Ed25519"}), json!({})), Some(&metadata), None), []);
    only(
        contradictions(&sent(json!({"alg": "HS256"}), json!({})), Some(&server()), Some(&Profile::auth0()))
            .into_iter()
            .filter(|cause| cause.kind() != CauseKind::Audience)
            .collect(),
        CauseKind::Algorithm,
        "alg",
        "alg is HS256, but Auth0 takes RS256, RS384, PS256",
    );
}

#[test]
fn an_audience_that_the_profile_or_the_server_does_not_take() {
    let found = |aud: &str, profile: Option<Profile>| {
        contradictions(&sent(json!({}), json!({"aud": aud})), Some(&server()), profile.as_ref())
    };
    only(
        found("https://as.example/", None),
        CauseKind::Audience,
        "aud",
        "aud is \"https://as.example/\", but the server's issuer is \"https://as.example\"",
    );
    only(
        found("https://as.example/token/", None),
        CauseKind::Audience,
        "aud",
        "aud is \"https://as.example/token/\", but the server's endpoint is \"https://as.example/token\"",
    );
    let slash = "set the audience to exactly this string: a slash at its end counts";
    assert_eq!(found("https://as.example/", None)[0].advice(), slash);
    only(
        found("https://other.example", None),
        CauseKind::Audience,
        "aud",
        "aud is \"https://other.example\", but the server's issuer is \"https://as.example\"",
    );
    assert_eq!(found(TOKEN, None), []);
    assert_eq!(found(TOKEN, Some(Profile::keycloak())), []);
    only(
        found(TOKEN, Some(Profile::zitadel())),
        CauseKind::Audience,
        "aud",
        "aud is \"https://as.example/token\", but Zitadel takes \"https://as.example\"",
    );
    only(
        found(ISSUER, Some(Profile::hydra())),
        CauseKind::Audience,
        "aud",
        "aud is \"https://as.example\", but Ory Hydra takes \"https://as.example/token\"",
    );
    only(
        found(ISSUER, Some(Profile::auth0())),
        CauseKind::Audience,
        "aud",
        "aud is \"https://as.example\", but Auth0 takes \"https://as.example/\"",
    );
    only(
        found(ISSUER, Some(Profile::new("bank").audience(Audience::Exactly("urn:bank".to_owned())))),
        CauseKind::Audience,
        "aud",
        "aud is \"https://as.example\", but bank takes \"urn:bank\"",
    );
    // login.gov ignores a slash at the end.
    assert_eq!(found("https://as.example/token/", Some(Profile::login_gov())), []);
    only(
        found("https://as.example/", Some(Profile::login_gov())),
        CauseKind::Audience,
        "aud",
        "aud is \"https://as.example/\", but login.gov takes \"https://as.example/token\"",
    );
    let array = sent(json!({}), json!({"aud": [ISSUER, TOKEN]}));
    only(
        contradictions(&array, Some(&server()), Some(&Profile::keycloak())),
        CauseKind::SingleAudience,
        "aud",
        "aud is an array of 2, but RFC 10070 wants one string",
    );
}

#[test]
fn a_header_or_a_lifetime_that_the_profile_does_not_take() {
    let found = |header: Value, claims: Value, profile: Profile| {
        contradictions(&sent(header, claims), None, Some(&profile))
    };
    only(
        found(json!({"alg": "RS512"}), json!({"exp": 1_800_000_300}), Profile::nhs_england()),
        CauseKind::MediaType,
        "typ",
        "typ is \"client-authentication+jwt\", but NHS England takes \"JWT\"",
    );
    assert_eq!(
        found(json!({"alg": "RS512", "typ": "application/jwt"}), json!({}), Profile::nhs_england()),
        []
    );
    only(
        found(json!({}), json!({"exp": 1_800_000_600}), Profile::auth0()),
        CauseKind::Lifetime,
        "exp",
        "exp is 600 s after iat, but Auth0 takes at most 300 s",
    );
    only(
        found(json!({"typ": "JWT"}), json!({}), Profile::entra_id()),
        CauseKind::Certificate,
        "x5t#S256",
        "x5t#S256 is missing, but Microsoft Entra ID takes that of the registered certificate",
    );
    only(
        found(
            json!({"alg": "RS384", "typ": "JWT", "kid": null}),
            json!({}),
            Profile::smart_backend_services(),
        ),
        CauseKind::KeyId,
        "kid",
        "kid is missing, but SMART Backend Services takes the kid of the registered key",
    );
    let bank = Profile::new("bank").not_before(std::time::Duration::ZERO);
    only(
        found(json!({}), json!({}), bank),
        CauseKind::Malformed,
        "nbf",
        "nbf is missing, but bank takes a time before iat",
    );
}

#[test]
fn rfc7523_3_claims_that_are_missing_or_differ() {
    let found = |claims: Value| contradictions(&sent(json!({}), claims), None, None);
    only(found(json!({"iss": "d"})), CauseKind::Subject, "iss", "iss is \"d\", but sub is \"c\"");
    only(
        found(json!({"sub": null})),
        CauseKind::Subject,
        "sub",
        "sub is missing, but RFC 7523 wants the client id",
    );
    only(
        found(json!({"iss": 7})),
        CauseKind::Subject,
        "iss",
        "iss is missing, but RFC 7523 wants the client id",
    );
    only(found(json!({"jti": null})), CauseKind::TokenIdMissing, "jti", {
        "jti is missing, but RFC 10070 wants a new one for each assertion"
    });
    only(
        found(json!({"exp": "soon"})),
        CauseKind::Malformed,
        "exp",
        "exp is missing, but RFC 10070 wants a time",
    );
    only(found(json!({"aud": null})), CauseKind::Audience, "aud", {
        "aud is missing, but RFC 10070 wants the issuer of the server"
    });
    let other = sent(json!({}), json!({})).with_client_id("d");
    let text = "sub is \"c\", but the client_id of the form is \"d\"";
    only(contradictions(&other, None, None), CauseKind::Subject, "sub", text);
    assert_eq!(contradictions(&other.with_client_id("c"), None, None), []);
}

#[test]
fn the_times_are_compared_with_the_servers_clock_or_else_with_ours() {
    let at = |seconds: i64| OffsetDateTime::from_unix_timestamp(1_800_000_000 + seconds).unwrap();
    let found = |now: i64, ahead: Option<i64>, claims: Value| {
        let sent = sent(json!({}), claims).received_at(at(now), ahead.map(Duration::seconds));
        contradictions(&sent, None, None)
    };
    assert_eq!(
        [found(1, None, json!({})), found(1, Some(58), json!({})), found(1, Some(-2), json!({}))],
        [const { vec![] }; 3]
    );
    only(
        found(1, Some(600), json!({})),
        CauseKind::Expired,
        "exp",
        "exp is 2027-01-15T08:01:00Z, but the server's clock says 2027-01-15T08:10:01Z",
    );
    only(
        found(1, Some(-600), json!({})),
        CauseKind::NotYetValid,
        "iat",
        "iat is 2027-01-15T08:00:00Z, but the server's clock says 2027-01-15T07:50:01Z",
    );
    only(
        found(3600, None, json!({})),
        CauseKind::Expired,
        "exp",
        "exp is 2027-01-15T08:01:00Z, but this machine's clock says 2027-01-15T09:00:00Z",
    );
    only(
        found(0, Some(0), json!({"nbf": 1_800_000_030})),
        CauseKind::NotYetValid,
        "nbf",
        "nbf is 2027-01-15T08:00:30Z, but the server's clock says 2027-01-15T08:00:00Z",
    );
}

fn refusal(text: &str) -> crate::oauth::Refusal {
    let body = json!({"error": "invalid_client", "error_description": text}).to_string();
    let response = http::Response::builder().status(401).body(body.into_bytes()).unwrap();
    crate::oauth::Refusal::from_http(&response, OffsetDateTime::UNIX_EPOCH, &Masking::default())
}

#[test]
fn what_was_sent_is_part_of_the_explanation() {
    let explained = |text: &str, sent: &SentAssertion, profile: Option<Profile>| {
        explain(&refusal(text), Some(sent), Some(&server()), profile.as_ref())
    };
    let sure =
        |causes: &[Cause]| causes.iter().map(|cause| (cause.kind(), cause.certainty())).collect::<Vec<_>>();
    let at_token = sent(json!({}), json!({"aud": TOKEN}));

    // The words and the comparison agree.
    let found =
        explained("audience is not valid: Audience must contain client", &at_token, Some(Profile::zitadel()));
    assert_eq!(sure(&found), [(CauseKind::Audience, Certainty::Certain)]);
    assert_eq!(
        texts(&found),
        ["aud is \"https://as.example/token\", but Zitadel takes \"https://as.example\"; \
          set the audience to the issuer, byte for byte: the token endpoint is refused"]
    );

    // The words name another cause: the contradiction is one more thing to check.
    let found = explained("empty client assertion", &at_token, Some(Profile::zitadel()));
    assert_eq!(
        sure(&found),
        [(CauseKind::Malformed, Certainty::Certain), (CauseKind::Audience, Certainty::Possible)]
    );

    // One text for every cause: the contradiction is all that is known. What was sent is listed.
    let found = explained("Invalid client or client credentials", &at_token, Some(Profile::ping_federate()));
    assert_eq!(found.last().map(Cause::kind), Some(CauseKind::Unspecific));
    assert_eq!(
        found.last().map(ToString::to_string).as_deref(),
        Some(
            "alg is RS256, aud is \"https://as.example/token\", kid is \"k1\", typ is \"client-authentication+jwt\", valid \
             for 60 s; PingFederate has one answer for every cause: check the client id, and that the server knows the \
             public key"
        )
    );
    let found = explained("invalid assertion", &at_token, Some(Profile::zitadel()));
    let expected = [
        (CauseKind::Audience, Certainty::Likely),
        (CauseKind::Unspecific, Certainty::Possible),
        (CauseKind::KeyId, Certainty::Possible),
        (CauseKind::Expired, Certainty::Possible),
    ];
    assert_eq!(sure(&found), expected);

    // An unknown text gives no guess, but what contradicts the server is a fact.
    let found = explained("computer says no", &at_token, Some(Profile::zitadel()));
    assert_eq!(sure(&found), [(CauseKind::Audience, Certainty::Likely)]);
    assert_eq!(explained("computer says no", &sent(json!({}), json!({})), None), []);

    // Without a contradiction, the other audience is worth a try.
    let found = explained("Invalid audience for this server: audience", &at_token, None);
    assert_eq!(found, []);
    let found = explained("Failed to match audience values", &at_token, None);
    assert_eq!(
        texts(&found),
        ["aud is \"https://as.example/token\"; set the audience to the issuer, \"https://as.example\": \
          the token endpoint was sent"]
    );
    let found = explained("The client_assertion JWT kid is invalid", &at_token, Some(Profile::okta()));
    assert_eq!(
        texts(&found),
        [
            "kid is \"k1\"; add the key to this application and set it active: a key of another application does not count"
        ]
    );
}

#[test]
fn a_refusal_that_is_not_about_the_client_lists_no_contradictions() {
    let far = sent(json!({}), json!({"aud": "https://other.example"}));
    for (status, error) in
        [(400, "invalid_scope"), (400, "invalid_grant"), (429, "x"), (400, "invalid_request")]
    {
        let body = json!({"error": error, "error_description": "no"}).to_string().into_bytes();
        let response = http::Response::builder().status(status).body(body).unwrap();
        let refusal =
            crate::oauth::Refusal::from_http(&response, OffsetDateTime::UNIX_EPOCH, &Masking::default());
        let found = explain(&refusal, Some(&far), Some(&server()), None);
        assert!(found.iter().all(|cause| cause.contradiction().is_none()), "{error}: {found:?}");
    }
}

#[test]
fn an_assertion_that_is_not_one_is_an_error_and_secrets_are_masked() {
    for (jwt, expected) in [
        ("", "a compact JWS has three parts, found 1"),
        ("a.b", "a compact JWS has three parts, found 2"),
        ("!.e30.c2ln", "the header of the assertion is not base64url without padding"),
        ("e30.!.c2ln", "the payload of the assertion is not base64url without padding"),
        ("e30.e30.c2ln", "the header of the assertion has no member `alg`"),
        ("W10.e30.c2ln", "the header of the assertion is not a JSON object"),
    ] {
        assert_eq!(SentAssertion::from_jwt(jwt).unwrap_err().to_string(), expected, "{jwt}");
    }
    let pem = "-----BEGIN PRIVATE KEY-----\nMIIEvQIBADANBgkqhkiG9w0BAQEFAASC\n-----END PRIVATE KEY-----";
    let hidden =
        sent(json!({"kid": pem, "typ": pem, "alg": pem}), json!({"aud": pem, "iss": pem, "sub": pem}));
    let hidden = hidden.with_client_id(pem).to_endpoint(pem);
    let shown = format!("{hidden:?} {:?}", contradictions(&hidden, Some(&server()), Some(&Profile::okta())));
    assert!(!shown.contains("MIIEvQ"), "{shown}");
    let long = "x".repeat(5000);
    let found = contradictions(&sent(json!({}), json!({"aud": long})), Some(&server()), None);
    assert!(texts(&found)[0].len() < 1000, "{found:?}");
}
