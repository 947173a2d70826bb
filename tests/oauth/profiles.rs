//! The profiles of providers: the exact assertion of each, and what each refuses.

use std::collections::BTreeSet;
use std::time::Duration;

use private_key_jwt::jose::UnverifiedJwt;
use private_key_jwt::oauth::{AcceptedAudience, ClientAssertionBuilder, Endpoint, OAuthError};
use private_key_jwt::{Algorithm, Audience, AuthorizationServer, ClientAssertion, PrivateKey, Profile};

use crate::support::{clean, key, now};

/// Its issuer ends with a slash, as Auth0's does.
const ISSUER: &str = "https://as.example/t/";

fn server() -> AuthorizationServer {
    let server = AuthorizationServer::new(ISSUER, format!("{ISSUER}token")).unwrap();
    let others = Endpoint::ALL.into_iter().filter(|endpoint| *endpoint != Endpoint::Token);
    others.fold(server, |server, endpoint| {
        server.with_endpoint(endpoint, format!("{ISSUER}{}", endpoint.metadata_name())).unwrap()
    })
}

fn builder(profile: &str) -> ClientAssertionBuilder {
    ClientAssertion::builder("client", &server()).profile(profile.parse().unwrap())
}

/// A key for this algorithm, with a certificate.
fn key_for(algorithm: Algorithm) -> PrivateKey {
    let file = match algorithm {
        Algorithm::ES256 => "p256.key-then-cert.pem",
        Algorithm::ES384 => "p384.pkcs8.pem",
        Algorithm::ES512 => "p521.pkcs8.pem",
        Algorithm::EdDSA | Algorithm::Ed25519 => "ed25519.pkcs8.pem",
        _ => "rsa2048.key-then-chain.pem",
    };
    key(file).with_algorithm(algorithm).unwrap().with_key_id("k1")
}

fn sign(builder: &ClientAssertionBuilder, algorithm: Algorithm) -> Result<ClientAssertion, OAuthError> {
    builder.sign(&key_for(algorithm), now(), "j1").map_err(clean)
}

fn refused(builder: &ClientAssertionBuilder, algorithm: Algorithm) -> String {
    sign(builder, algorithm).unwrap_err().to_string()
}

/// A part of a compact JWS as text.
fn part(jwt: &str, index: usize) -> String {
    use base64ct::Encoding;
    let part = base64ct::Base64UrlUnpadded::decode_vec(jwt.split('.').nth(index).unwrap()).unwrap();
    String::from_utf8(part).unwrap()
}

/// The first algorithm of each profile, the header, and the audience. All else is the same: the
/// claims, and `client_id` in the form.
#[test]
fn the_assertion_of_each_profile_byte_for_byte() {
    const DEFAULT: &str = "client-authentication+jwt";
    let token = "https://as.example/t/token";
    let table = [
        ("atproto", "ES256", DEFAULT, ISSUER),
        ("auth0", "RS256", DEFAULT, ISSUER),
        ("entra-id", "PS256", "JWT", token),
        ("fapi2", "PS256", DEFAULT, ISSUER),
        ("forgerock", "RS256", "JWT", token),
        ("hydra", "RS256", DEFAULT, token),
        ("ibm-verify", "RS256", DEFAULT, ISSUER),
        ("keycloak", "RS256", DEFAULT, ISSUER),
        ("login-gov", "RS256", DEFAULT, token),
        ("mcp", "RS256", DEFAULT, ISSUER),
        ("nhs-england", "RS512", "JWT", token),
        ("okta", "RS256", DEFAULT, token),
        ("ping-federate", "RS256", DEFAULT, ISSUER),
        ("ping-one", "RS256", "JWT", ISSUER),
        ("salesforce", "RS256", DEFAULT, token),
        ("singpass", "ES256", "JWT", ISSUER),
        ("smart-backend-services", "RS384", "JWT", token),
        ("spring", "RS256", DEFAULT, ISSUER),
        ("zitadel", "RS256", DEFAULT, ISSUER),
    ];
    let names: Vec<&str> = table.iter().map(|(name, ..)| *name).collect();
    assert_eq!(Profile::known().map(|(name, _)| name).collect::<Vec<_>>(), names);
    for (name, algorithm, typ, audience) in table {
        let profile: Profile = name.parse().unwrap();
        assert_eq!(profile.rules().algorithms()[0].as_str(), algorithm, "{name}");
        let assertion = sign(&builder(name), algorithm.parse().unwrap()).unwrap();
        let certificate = match name {
            "entra-id" => format!(r#","x5t#S256":"{}""#, THUMBPRINT),
            _ => String::new(),
        };
        let header = format!(r#"{{"alg":"{algorithm}","kid":"k1","typ":"{typ}"{certificate}}}"#);
        assert_eq!(part(assertion.secret(), 0), header, "{name}");
        let iat = now().unix_timestamp();
        let claims = format!(
            r#"{{"iss":"client","sub":"client","aud":"{audience}","jti":"j1","iat":{iat},"exp":{}}}"#,
            iat + 60
        );
        assert_eq!(part(assertion.secret(), 1), claims, "{name}");
        assert!(assertion.form().contains(&("client_id", "client")), "{name}");
    }
}

/// Of the certificate in `rsa2048.key-then-chain.pem`.
const THUMBPRINT: &str = "6hGQpDlWXFo19Pn5bzcJdZgtZkMtd_jX51j646xs-HY";

/// The refusals that a user meets most: a setting that the provider rejects.
#[test]
fn each_refusal_names_the_profile_what_was_found_and_what_is_accepted() {
    use Algorithm::{ES256, ES384, RS256, RS384, RS512};
    let minutes = |count: u64| Duration::from_secs(60 * count);
    let issuer = |profile| builder(profile).audience(Audience::Issuer);
    let token = |profile| builder(profile).audience(Audience::TokenEndpoint);
    for (builder, algorithm, expected) in [
        (builder("auth0"), ES256, "Auth0 does not accept ES256, only RS256, RS384 or PS256"),
        (builder("fapi2"), RS256, "FAPI 2.0 does not accept RS256, only PS256, ES256, EdDSA or Ed25519"),
        (builder("login-gov"), ES256, "login.gov does not accept ES256, only RS256"),
        (builder("atproto"), ES384, "AT Protocol does not accept ES384, only ES256"),
        (builder("salesforce"), RS384, "Salesforce does not accept RS384, only RS256"),
        (
            builder("auth0").lifetime(minutes(10)),
            RS256,
            "the lifetime is 600s, but Auth0 accepts 1 s to 300s",
        ),
        (
            builder("singpass").lifetime(Duration::from_secs(121)),
            ES256,
            "the lifetime is 121s, but Singpass accepts 1 s to 120s",
        ),
        (
            builder("smart-backend-services").lifetime(minutes(6)),
            RS384,
            "the lifetime is 360s, but SMART Backend Services accepts 1 s to 300s",
        ),
        (builder("mcp").lifetime(minutes(25 * 60)), RS256, "the lifetime is 90000s, not 1 s to 86400s"),
        (
            issuer("okta"),
            RS256,
            "Okta does not accept the audience https://as.example/t/, only the called endpoint https://as.example/t/token",
        ),
        (
            token("okta").endpoint(Endpoint::Introspection),
            RS256,
            "Okta does not accept the audience https://as.example/t/token, only the called endpoint \
             https://as.example/t/introspection_endpoint",
        ),
        (
            token("auth0"),
            RS256,
            "Auth0 does not accept the audience https://as.example/t/token, only the issuer https://as.example/t/",
        ),
        (
            builder("auth0").audience(Audience::Exactly("https://as.example/t".to_owned())),
            RS256,
            "Auth0 does not accept the audience https://as.example/t, only the issuer https://as.example/t/",
        ),
        (
            builder("keycloak").audience(Audience::CalledEndpoint).endpoint(Endpoint::Revocation),
            RS256,
            "Keycloak does not accept the audience https://as.example/t/revocation_endpoint, only the issuer \
             https://as.example/t/, the token endpoint https://as.example/t/token, the introspection endpoint \
             https://as.example/t/introspection_endpoint or the pushed authorization request endpoint \
             https://as.example/t/pushed_authorization_request_endpoint",
        ),
        (
            issuer("hydra"),
            RS256,
            "Ory Hydra does not accept the audience https://as.example/t/, only the token endpoint https://as.example/t/token",
        ),
        (builder("singpass").media_type(None), ES256, "Singpass does not accept a missing typ, only `JWT`"),
        (
            builder("forgerock").media_type(Some("client-authentication+jwt")),
            RS512,
            "ForgeRock does not accept the typ `client-authentication+jwt`, only `JWT` or none",
        ),
        (builder("atproto").without_key_id(), ES256, "AT Protocol requires `kid`, but the settings omit it"),
        (
            builder("spring").without_client_id(),
            RS256,
            "Spring Authorization Server requires `client_id`, but the settings omit it",
        ),
    ] {
        assert_eq!(refused(&builder, algorithm), expected);
    }
    let without_certificate = key("rsa2048.pkcs8.pem");
    let error = clean(builder("entra-id").sign(&without_certificate, now(), "j1").unwrap_err());
    assert_eq!(error.to_string(), "Microsoft Entra ID requires `x5t#S256`, but the key has no certificate");
}

#[test]
fn a_setting_that_only_the_user_can_know_takes_precedence() {
    // The URL behind a proxy, a type that the server ignores, a longer lifetime within the limit.
    let proxied = Audience::Exactly("https://internal.example/token".to_owned());
    let assertion = sign(&builder("okta").audience(proxied), Algorithm::RS256).unwrap();
    assert!(part(assertion.secret(), 1).contains(r#""aud":"https://internal.example/token""#));
    let five = builder("auth0").lifetime(Duration::from_secs(300)).media_type(Some("JWT"));
    assert!(sign(&five, Algorithm::PS256).is_ok());
    // A client that is registered at Keycloak by certificate.
    let by_certificate = builder("keycloak").profile(Profile::keycloak().without_key_id());
    let assertion = sign(&by_certificate, Algorithm::RS256).unwrap();
    assert_eq!(part(assertion.secret(), 0), r#"{"alg":"RS256","typ":"client-authentication+jwt"}"#);
    // login.gov ignores the slash, which no other server was seen to do.
    let slash = Audience::Exactly(format!("{ISSUER}token/"));
    assert!(sign(&builder("login-gov").audience(slash.clone()), Algorithm::RS256).is_ok());
    assert!(sign(&builder("hydra").audience(slash), Algorithm::RS256).is_err());
}

#[test]
fn a_changed_profile_accepts_what_it_is_changed_to() {
    let changed = [
        (Profile::auth0().algorithms([Algorithm::ES256]), Algorithm::ES256),
        (Profile::okta().audience(Audience::Issuer), Algorithm::RS256),
        (Profile::singpass().media_type(None), Algorithm::ES256),
        (Profile::atproto().without_key_id(), Algorithm::ES256),
        (Profile::spring().without_client_id(), Algorithm::RS256),
        (Profile::auth0().longest_lifetime(Duration::from_secs(600)), Algorithm::RS256),
    ];
    for (profile, algorithm) in changed {
        let builder = ClientAssertion::builder("client", &server()).profile(profile.clone());
        assert!(sign(&builder, algorithm).is_ok(), "{profile:?}");
    }
}

/// An issuer without its slash never works at Auth0, wherever it comes from.
#[test]
fn auth0s_issuer_has_a_slash_at_the_end() {
    let builder =
        ClientAssertion::builder_for_audience("client", "https://t.auth0.com").profile(Profile::auth0());
    assert_eq!(
        refused(&builder, Algorithm::RS256),
        "Auth0 does not accept the audience https://t.auth0.com, only the issuer https://t.auth0.com/"
    );
    let builder =
        ClientAssertion::builder_for_audience("client", "https://t.auth0.com/").profile(Profile::auth0());
    assert!(sign(&builder, Algorithm::RS256).is_ok());
    let alone = AuthorizationServer::from_token_endpoint("https://t.auth0.com/oauth/token").unwrap();
    let builder = ClientAssertion::builder("client", &alone).profile(Profile::auth0());
    assert_eq!(refused(&builder, Algorithm::RS256), "the authorization server has no issuer");
    assert_eq!(
        refused(&builder.audience(Audience::TokenEndpoint), Algorithm::RS256),
        "Auth0 does not accept the audience https://t.auth0.com/oauth/token, only the issuer"
    );
}

/// What a profile makes by default, it also accepts, at each endpoint and with each algorithm.
#[test]
fn the_defaults_of_a_profile_pass_its_own_checks() {
    for (name, profile) in Profile::known() {
        let mut accepted = BTreeSet::new();
        for algorithm in Algorithm::ALL {
            for endpoint in Endpoint::ALL {
                // Entra ID needs the certificate of the key, and has only RSA keys.
                let signed = sign(&builder(name).endpoint(endpoint), algorithm);
                let Ok(assertion) = signed else {
                    let error = signed.unwrap_err();
                    let is_refused = matches!(&error, OAuthError::ProfileAlgorithm { accepted, .. } if !accepted.contains(&algorithm));
                    assert!(is_refused, "{name} {algorithm} {endpoint:?}: {error}");
                    continue;
                };
                accepted.insert(algorithm);
                let jwt = UnverifiedJwt::parse(assertion.secret()).unwrap();
                let found = profile.examine(&jwt, Some(&server()), endpoint);
                assert!(found.is_empty(), "{name} {algorithm} {endpoint:?}: {found:?}");
            }
        }
        assert_eq!(accepted, profile.rules().algorithms().iter().copied().collect(), "{name}");
    }
}

/// An assertion that another program made, with everything wrong at once.
#[test]
fn a_foreign_assertion_is_judged_by_each_rule() {
    let jwt = |header: &str, claims: &str| {
        use base64ct::{Base64UrlUnpadded, Encoding};
        let [header, claims] = [header, claims].map(|part| Base64UrlUnpadded::encode_string(part.as_bytes()));
        UnverifiedJwt::parse(&format!("{header}.{claims}.")).unwrap()
    };
    let texts = |profile: Profile, jwt: &UnverifiedJwt| -> Vec<String> {
        let found = profile.examine(jwt, Some(&server()), Endpoint::Token);
        found.into_iter().map(|error| clean(error).to_string()).collect()
    };
    let foreign = jwt(
        r#"{"alg":"HS256","typ":"jose\u001b[2J"}"#,
        r#"{"aud":"https://as.example/t/","iat":1000,"exp":1301}"#,
    );
    assert_eq!(
        texts(Profile::smart_backend_services(), &foreign),
        [
            "SMART Backend Services does not accept HS256, only RS384 or ES384",
            "the lifetime is 301s, but SMART Backend Services accepts 1 s to 300s",
            "SMART Backend Services does not accept the audience https://as.example/t/, only the token endpoint \
             https://as.example/t/token",
            "SMART Backend Services does not accept the typ `jose\\u{1b}[2J`, only `JWT`",
            "SMART Backend Services requires `kid`, but the header has none",
            "SMART Backend Services requires `jti`, but the claims have none",
        ]
    );
    assert_eq!(
        texts(Profile::entra_id(), &jwt(r#"{"alg":"PS256","typ":"JWT"}"#, r#"{"aud":"x"}"#)),
        ["Microsoft Entra ID requires `x5t#S256`, but the header has none"]
    );
    // A media type may be written in full, and in any case (RFC 7515 §4.1.9).
    let full = jwt(r#"{"alg":"ES256","typ":"application/jwt"}"#, r#"{"jti":"j","iat":1,"exp":0}"#);
    assert_eq!(texts(Profile::singpass(), &full), ["the lifetime is 0ns, but Singpass accepts 1 s to 120s"]);
    assert!(texts(Profile::default(), &jwt("{\"alg\":\"RS256\"}", "{}")).is_empty());
    // Neither the fraction of a second nor an array is sent by this crate.
    let fraction = jwt(r#"{"alg":"ES256","typ":"JWT"}"#, r#"{"jti":"j","iat":1000.9,"exp":1121.1}"#);
    assert_eq!(
        texts(Profile::singpass(), &fraction),
        ["the lifetime is 121s, but Singpass accepts 1 s to 120s"]
    );
    let several =
        |audience: &str| jwt(r#"{"alg":"ES256","kid":"k"}"#, &format!(r#"{{"jti":"j","aud":{audience}}}"#));
    let (one, two) = (format!(r#"["{ISSUER}"]"#), format!(r#"["{ISSUER}","x"]"#));
    assert_eq!(
        texts(Profile::fapi2(), &several(&one)),
        ["FAPI 2.0 does not accept an array of length 1 as audience, only one string"]
    );
    assert!(texts(Profile::keycloak(), &several(&one)).is_empty());
    assert_eq!(
        texts(Profile::keycloak(), &several(&two)),
        ["Keycloak does not accept an array of length 2 as audience, only one string"]
    );
    assert!(texts(Profile::ping_federate(), &several(&two)).is_empty());
    // A header without `alg` or with one that is no text.
    for header in ["{}", r#"{"alg":7}"#] {
        assert_eq!(
            texts(Profile::auth0(), &jwt(header, "{}")),
            [
                "Auth0 does not accept a missing alg, only RS256, RS384 or PS256",
                "Auth0 requires `jti`, but the claims have none",
            ]
        );
    }
}

/// A signer outside of the process can have a key that no file may hold.
#[test]
fn an_rsa_key_must_have_the_size_that_the_server_needs() {
    let profile = Profile::new("bank").smallest_rsa_key(3072);
    let builder = ClientAssertion::builder("client", &server()).profile(profile);
    let error = clean(builder.sign(&key("rsa2048.pkcs8.pem"), now(), "j").unwrap_err());
    assert!(matches!(error, OAuthError::ProfileKeySize { profile: "bank", found: 2048, smallest: 3072 }));
    assert_eq!(error.to_string(), "bank does not accept an RSA key of 2048 bits, only 3072 bits or more");
    assert!(sign(&builder, Algorithm::ES256).is_ok());
}

#[test]
fn a_profile_names_its_source_its_date_and_what_is_open() {
    for (name, profile) in Profile::known() {
        let source = profile.source().unwrap_or_else(|| panic!("{name}"));
        assert!(!source.documents.is_empty() && profile.note().is_some(), "{name}");
        assert!(source.unconfirmed.is_some_and(|open| !open.is_empty()), "{name}");
        let digits: Vec<&str> = source.date.split('-').collect();
        assert_eq!(digits.iter().map(|part| part.len()).collect::<Vec<_>>(), [4, 2, 2], "{name}");
        assert!(digits.iter().all(|part| part.parse::<u16>().is_ok()), "{name}");
    }
    let own = Profile::new("bank").documented("its handbook", "2026-11-29");
    assert_eq!((own.note(), own.clone().noted("ask Ada").note()), (None, Some("ask Ada")));
    assert_eq!(
        own.source().map(|source| (source.documents, source.date)),
        Some(("its handbook", "2026-11-29"))
    );
    assert_eq!(Profile::default().source(), None);
}

#[test]
fn a_profile_is_printed_as_a_row_of_a_table() {
    assert_eq!(
        Profile::auth0().to_string(),
        "| Auth0 | issuer with its slash | client-authentication+jwt | RS256, RS384, PS256 | 5 min | kid | \
         2026-11-21 | Auth0's documentation |"
    );
    let own = Profile::new("bank")
        .audience(Audience::CalledEndpoint)
        .accept_audiences([AcceptedAudience::CalledEndpoint, AcceptedAudience::Issuer])
        .media_type(None)
        .require_key_id()
        .x5t()
        .x5t_s256()
        .require_certificate()
        .x5c()
        .longest_lifetime(Duration::from_secs(90));
    assert_eq!(
        own.row().map(|(name, text)| format!("{name}: {text}")),
        [
            "profile: bank",
            "audience: called endpoint",
            "typ: none",
            "algorithms: any",
            "longest lifetime: 90 s",
            "header: kid (required), x5t#S256 (required), x5t (required), x5c",
            "date: ",
            "source: ",
        ]
    );
    // A setting may be a misplaced secret.
    let secret = "-----BEGIN PRIVATE KEY-----";
    let profile =
        Profile::new("bank").media_type(Some(secret)).audience(Audience::Exactly(secret.to_owned()));
    assert!(!profile.to_string().contains("BEGIN"), "{profile}");
}

#[test]
fn a_name_that_no_profile_has_lists_those_that_exist() {
    assert_eq!("ping_one".parse::<Profile>().unwrap(), Profile::ping_one());
    let error = clean("otka\u{1b}".parse::<Profile>().unwrap_err());
    assert_eq!(
        error.to_string(),
        "no profile is called `otka\\u{1b}`; the profiles are atproto, auth0, entra-id, fapi2, forgerock, hydra, \
         ibm-verify, keycloak, login-gov, mcp, nhs-england, okta, ping-federate, ping-one, salesforce, singpass, \
         smart-backend-services, spring, zitadel"
    );
}

/// The lists of the metadata (RFC 8414 §2): one for each endpoint, and that of the token endpoint
/// for the endpoints without one.
#[test]
fn rfc8414_2_an_algorithm_that_the_metadata_does_not_list_is_found() {
    let server = |members: &str| {
        let json = format!(
            r#"{{"issuer":"https://as.example","token_endpoint":"https://as.example/token",
            "introspection_endpoint":"https://as.example/introspect",
            "pushed_authorization_request_endpoint":"https://as.example/par"{members}}}"#
        );
        AuthorizationServer::from_metadata("https://as.example", json.as_bytes()).unwrap()
    };
    let token = "token_endpoint_auth_signing_alg_values_supported";
    let introspection = "introspection_endpoint_auth_signing_alg_values_supported";
    let revocation = "revocation_endpoint_auth_signing_alg_values_supported";
    let found = |server: &AuthorizationServer, algorithm| -> Vec<String> {
        server.unlisted_algorithms(&key_for(algorithm)).iter().map(ToString::to_string).collect()
    };

    let listed = server(&format!(
        r#","{token}":["PS256","ES256","HS256","none\u001b"],"{introspection}":["RS256"],"{revocation}":["ES512"]"#
    ));
    let rs256 =
        [format!("{token} lists PS256, ES256, HS256, none\\u{{1b}}, not RS256; the key can sign with PS256")];
    assert_eq!(found(&listed, Algorithm::RS256), rs256);
    assert_eq!(
        found(&listed, Algorithm::ES256),
        [format!("{introspection} lists RS256, not ES256; the key can sign with none of them")]
    );
    let unlisted =
        listed.check_algorithm(Endpoint::PushedAuthorization, &key_for(Algorithm::RS384)).unwrap_err();
    assert_eq!((unlisted.member, unlisted.usable.as_slice()), (token, &[Algorithm::PS256][..]));
    assert_eq!(unlisted.endpoint, Endpoint::PushedAuthorization);
    // The list of an endpoint that the server does not have is of no use.
    assert_eq!(listed.signing_algorithms_at(Endpoint::Revocation).unwrap(), ["ES512"]);

    for (list, algorithm) in [("EdDSA", Algorithm::Ed25519), ("Ed25519", Algorithm::EdDSA)] {
        let server = server(&format!(r#","{token}":["{list}"]"#));
        assert!(found(&server, algorithm).is_empty(), "{list}");
    }
    for nothing in ["", r#","token_endpoint_auth_signing_alg_values_supported":[]"#] {
        assert!(found(&server(nothing), Algorithm::ES512).is_empty());
        assert_eq!(server(nothing).signing_algorithms_at(Endpoint::Introspection), None);
    }
}
