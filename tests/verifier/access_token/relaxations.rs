//! What a caller can relax, one by one, and what each relaxation still refuses.

use private_key_jwt::verifier::{AccessTokenProfile, AccessTokenVerifier, PermissionClaims, VerifierError};
use serde_json::{Value, json};

use super::{AUDIENCE, ISSUER, claims, header, null, verifier, verify, with};
use crate::support::{MARK, clean};

fn scopes(verifier: &AccessTokenVerifier, claims: &Value) -> String {
    verify(verifier, &header(), claims).unwrap().scope().to_string()
}

fn error(verifier: &AccessTokenVerifier, claims: &Value) -> VerifierError {
    clean(verify(verifier, &header(), claims).unwrap_err())
}

fn without(claim: &str) -> Value {
    with(claims(), claim, Value::Null)
}

#[test]
fn relaxed_does_without_what_rfc9068_adds() {
    let relaxed = verifier().relaxed();
    let least = json!({"iss": ISSUER, "aud": AUDIENCE, "exp": claims()["exp"]});
    let verified = verify(&relaxed, &with(header(), "typ", Value::Null), &least).unwrap();
    assert_eq!((verified.subject(), verified.client_id(), verified.token_id()), (None, None, None));
    assert_eq!((verified.issued_at(), verified.scope().is_empty()), (None, true));
    // A `jti` that is no string is ignored; so are unused claims, whatever they are.
    for jti in [json!(17), json!(["j"]), json!({}), json!(true)] {
        let claims = with(with(claims(), "jti", jti), "scp", json!(17));
        let verified = verify(&relaxed, &header(), &claims).unwrap();
        assert_eq!((verified.token_id(), verified.subject()), (None, Some("user-1")));
    }
    for claim in ["sub", "client_id", "jti", "iat", "nbf", "scope"] {
        assert!(verify(&relaxed, &header(), &null(claims(), claim)).is_ok(), "{claim}");
    }
    for claim in ["iss", "exp", "aud"] {
        for claims in [without(claim), null(claims(), claim)] {
            let text = error(&relaxed, &claims).to_string();
            assert!(text.starts_with(&format!("the claim `{claim}` is missing")), "{text}");
        }
    }
    // Claims that identify the subject or the client are read strictly.
    for (claim, text) in [
        ("sub", "the claim `sub` is the number 17, not a string"),
        ("client_id", "the claim `client_id` is not a string"),
    ] {
        assert_eq!(error(&relaxed, &with(claims(), claim, json!(17))).to_string(), text);
    }
}

#[test]
fn relaxed_knows_the_usual_claims_of_the_client_id() {
    let relaxed = verifier().relaxed();
    let mut token = without("client_id");
    for claim in ["appid", "cid", "azp", "client_id"] {
        token[claim] = json!(format!("by {claim}"));
        let verified = verify(&relaxed, &header(), &token).unwrap();
        assert_eq!(verified.client_id(), Some(format!("by {claim}").as_str()));
        assert!(verify(&verifier(), &header(), &token).is_ok() == (claim == "client_id"));
    }
}

#[test]
fn rfc8725_3_12_relaxed_refuses_what_is_plainly_another_token() {
    let relaxed = verifier().relaxed();
    for claim in ["at_hash", "c_hash"] {
        assert_eq!(
            error(&relaxed, &with(claims(), claim, json!("x"))).to_string(),
            format!("not an access token by the profile `relaxed`: the claim `{claim}` is present")
        );
    }
    let logout = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    assert!(matches!(
        error(&relaxed, &with(claims(), "events", logout)),
        VerifierError::NotAnAccessToken { .. }
    ));
    assert!(verify(&relaxed, &header(), &with(claims(), "events", json!(["a"]))).is_ok());
    // The presets that accept a client's id as audience refuse no less.
    let logout = with(claims(), "events", json!({"http://schemas.openid.net/event/backchannel-logout": {}}));
    for profile in [AccessTokenProfile::spring(), AccessTokenProfile::zitadel()] {
        let verifier = verifier().profile(profile);
        assert!(verify(&verifier, &header(), &claims()).is_ok());
        assert!(matches!(error(&verifier, &logout), VerifierError::NotAnAccessToken { .. }));
    }
}

#[test]
fn relaxed_scopes_are_a_string_or_an_array() {
    let relaxed = verifier().relaxed();
    assert_eq!(scopes(&relaxed, &with(claims(), "scope", json!(["a", "b"]))), "a b");
    assert_eq!(scopes(&relaxed, &with(claims(), "scope", json!([]))), "");
    // `scp` counts if there is no `scope`.
    assert_eq!(scopes(&relaxed, &with(without("scope"), "scp", json!(["a", "b"]))), "a b");
    assert_eq!(scopes(&relaxed, &with(without("scope"), "scp", json!("a b"))), "a b");
    assert_eq!(scopes(&relaxed, &with(null(claims(), "scope"), "scp", json!("a b"))), "a b");
    assert_eq!(scopes(&relaxed, &with(claims(), "scp", json!(["c"]))), "orders:read b");
    assert_eq!(scopes(&relaxed, &without("scope")), "");
    // One element is one value, so a role of two words is not two scopes.
    assert_eq!(scopes(&relaxed, &with(claims(), "scope", json!(["a b", "", "c"]))), "c");
    for scope in [json!(17), json!({"a": true}), json!(["a", 1]), json!([["a"]]), json!(true)] {
        for claim in ["scope", "scp"] {
            let token = with(without("scope"), claim, scope.clone());
            assert_eq!(
                error(&relaxed, &token).to_string(),
                format!("the claim `{claim}` is not a string or an array of strings")
            );
        }
    }
    assert!(
        verify(&relaxed.require_scope("b"), &header(), &with(claims(), "scope", json!(["a", "b"]))).is_ok()
    );
}

#[test]
fn the_claims_that_carry_permissions_can_be_named() {
    let mut token = claims();
    token["roles"] = json!(["admin", "b"]);
    token["permissions"] = json!(["orders:write"]);
    token["cognito:groups"] = json!(["staff"]);
    token["https://api.example/roles"] = json!("c d");
    token["realm_access"] = json!({"roles": ["offline_access"], "a/b": {"m~n": "e"}});
    let named = |names: &[&str]| scopes(&verifier().permission_claims(names.to_vec()), &token);
    assert_eq!(named(&["roles"]), "admin b");
    assert_eq!(named(&["scope", "roles"]), "orders:read b admin b");
    assert_eq!(named(&["permissions", "cognito:groups"]), "orders:write staff");
    assert_eq!(named(&["https://api.example/roles"]), "c d");
    assert_eq!(named(&["/realm_access/roles", "/realm_access/a~1b/m~0n"]), "offline_access e");
    assert_eq!(named(&["/roles", "/scope"]), "admin b orders:read b");
    for absent in ["scopes", "/realm_access/role", "/scope/0x", "/", "", "/roles/9"] {
        assert_eq!(named(&[absent]), "", "{absent}");
    }
    assert_eq!(named(&[]), "");
    let first = |names: &[&str]| {
        scopes(&verifier().permission_claims(PermissionClaims::first_of(names.to_vec())), &token)
    };
    assert_eq!(first(&["scp", "permissions", "roles"]), "orders:write");
    assert_eq!(first(&["roles", "scope"]), "admin b");
    // The order of the calls does not matter, and has_scope and require_scope use the result.
    for verifier in [
        verifier().permission_claims("roles").profile(AccessTokenProfile::relaxed()),
        verifier().relaxed().permission_claims("roles"),
    ] {
        let verified = verify(&verifier, &header(), &token).unwrap();
        assert!(verified.has_scope("admin") && !verified.has_scope("orders:read"));
        assert!(verify(&verifier.clone().require_scope("admin"), &header(), &token).is_ok());
        let missing = error(&verifier.require_scope("orders:read"), &token);
        assert!(matches!(missing, VerifierError::MissingScope { scope } if scope == "orders:read"));
    }
    assert_eq!(
        error(&verifier().permission_claims("realm_access"), &token).to_string(),
        "the claim `realm_access` is not a string or an array of strings"
    );
}

#[test]
fn any_of_several_issuers_and_audiences_is_enough() {
    let several = verifier().accept_issuer("https://as2.example").accept_audience("https://api2.example");
    assert_eq!(several.issuers(), [ISSUER, "https://as2.example"]);
    assert_eq!(several.audiences(), [AUDIENCE, "https://api2.example"]);
    for issuer in [ISSUER, "https://as2.example"] {
        for audience in [AUDIENCE, "https://api2.example"] {
            let token = with(with(claims(), "iss", json!(issuer)), "aud", json!(["x", audience]));
            assert_eq!(verify(&several, &header(), &token).unwrap().issuer(), issuer);
        }
    }
    assert_eq!(
        error(&several, &with(claims(), "iss", json!("https://as3.example"))).to_string(),
        "the issuer is `https://as3.example`, expected `https://as.example` or `https://as2.example`"
    );
    assert_eq!(
        error(&several, &with(claims(), "aud", json!("https://api3.example"))).to_string(),
        "the audience is `https://api3.example`, expected `https://api.example` or `https://api2.example`"
    );
}

#[test]
fn rfc8725_3_9_a_token_without_audience_needs_a_client_that_was_named() {
    let none = [without("aud"), null(claims(), "aud"), with(claims(), "aud", json!([]))];
    let named = verifier().accept_missing_audience_from(["other", "client"]);
    let only = AccessTokenVerifier::without_audience(ISSUER, ["client"]);
    for token in &none {
        for refuses in [verifier(), verifier().relaxed()] {
            assert_eq!(
                error(&refuses, token).to_string(),
                "the claim `aud` is missing, expected `https://api.example`; \
                 `AccessTokenVerifier::accept_missing_audience_from` accepts such tokens from named clients"
            );
        }
        for accepts in [&named, &only] {
            assert!(verify(accepts, &header(), token).unwrap().audience().is_empty());
        }
        let stranger = with(token.clone(), "client_id", json!("stranger"));
        assert_eq!(
            error(&named, &stranger).to_string(),
            "the claim `aud` is missing and the client is `stranger`, accepted without `aud`: `other` or `client`"
        );
        let nameless = with(token.clone(), "client_id", Value::Null);
        assert_eq!(
            error(&named.clone().relaxed(), &nameless).to_string(),
            "the claim `aud` is missing and the client is not named, accepted without `aud`: `other` or `client`"
        );
    }
    // A token with an audience still needs ours, for every client.
    for aud in [json!("https://other.example"), json!(["https://other.example"]), json!(""), json!([""])] {
        let token = with(claims(), "aud", aud);
        assert!(matches!(error(&named, &token), VerifierError::Audience { .. }));
        assert!(matches!(error(&only, &token), VerifierError::UnexpectedAudience { .. }));
    }
    assert!(verify(&named, &header(), &claims()).is_ok());
    assert_eq!(
        error(&only, &claims()).to_string(),
        "the audience is `https://api.example`, expected none; `AccessTokenVerifier::accept_audience` accepts one"
    );
    for aud in [json!(1), json!([1]), json!({})] {
        let error = error(&named, &with(claims(), "aud", aud));
        assert!(matches!(error, VerifierError::InvalidClaim { claim: "aud", .. }), "{error:?}");
    }
}

#[test]
fn a_profile_of_ones_own() {
    let profile = AccessTokenProfile::new("gateway")
        .types(["vnd.gateway+jwt"])
        .client_id_claims(["app", "application"])
        .require_client_id()
        .require_claim("env")
        .require_value("use", ["access", "service"])
        .refuse_claim("nonce")
        .permission_claims(PermissionClaims::first_of(["perms"]));
    let gateway = verifier().profile(profile.clone());
    let typed = with(header(), "typ", json!("application/vnd.gateway+jwt"));
    let token = json!({
        "iss": ISSUER, "aud": AUDIENCE, "exp": claims()["exp"], "application": "a1", "env": false, "use": "service",
        "perms": ["p"], "scope": "unused",
    });
    let verified = verify(&gateway, &typed, &token).unwrap();
    assert_eq!((verified.client_id(), verified.scope().to_string().as_str()), (Some("a1"), "p"));
    let refused = |token: &Value| {
        let text = clean(verify(&gateway, &typed, token).unwrap_err()).to_string();
        text.strip_prefix("not an access token by the profile `gateway`: ").unwrap().to_owned()
    };
    assert_eq!(refused(&with(token.clone(), "env", Value::Null)), "the claim `env` is missing");
    assert_eq!(refused(&null(token.clone(), "env")), "the claim `env` is missing");
    assert_eq!(refused(&with(token.clone(), "use", Value::Null)), "the claim `use` is missing");
    assert_eq!(
        refused(&with(token.clone(), "use", json!("id"))),
        "the claim `use` is `id`, expected `access` or `service`"
    );
    assert_eq!(
        refused(&with(token.clone(), "use", json!(["access"]))),
        "the claim `use` is not a string, expected `access` or `service`"
    );
    // The error does not show the value of a member that should not be there.
    assert_eq!(refused(&with(token.clone(), "nonce", json!(MARK))), "the claim `nonce` is present");
    assert_eq!(
        refused(&with(token.clone(), "application", Value::Null)),
        "the claim `app` or `application` is missing"
    );
    for typ in [json!("at+jwt"), json!("JWT"), Value::Null] {
        let error = clean(verify(&gateway, &with(header(), "typ", typ), &token).unwrap_err());
        assert!(error.to_string().ends_with("expected `vnd.gateway+jwt`"), "{error}");
    }
    assert_eq!((profile.name(), AccessTokenProfile::default().name()), ("gateway", "rfc9068"));
    assert_eq!(AccessTokenProfile::default(), AccessTokenProfile::rfc9068());
}
