//! The presets, each with tokens like its issuer's: for users, for machines, and an ID token.

use private_key_jwt::verifier::{
    AccessTokenClaims, AccessTokenProfile, AccessTokenVerifier, ProofOfPossession, VerifierError,
};
use serde_json::{Value, json};

use super::{keys, signed, with};
use crate::support::{clean, key, now};

const TENANT: &str = "5c8a1e0e-8b7c-4f0e-9d55-0a4d7e7f1b11";
const API: &str = "0d2a9c51-31f4-4d6f-8a53-6a2a3c4b5d6e";
const APP: &str = "7f3e6d2c-1b0a-4c9d-8e7f-a1b2c3d4e5f6";

/// The members that every issuer sends, and these.
fn token(more: Value) -> Value {
    let seconds = now().unix_timestamp();
    let mut token = json!({"iat": seconds, "exp": seconds + 3600});
    token.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    token
}

fn verify(
    verifier: &AccessTokenVerifier,
    typ: Option<&str>,
    claims: &Value,
) -> Result<AccessTokenClaims, VerifierError> {
    let key = key("p256.pkcs8.pem");
    let header = json!({"alg": "ES256", "kid": key.key_id().as_str(), "typ": typ});
    let header = if typ.is_none() { with(header, "typ", Value::Null) } else { header };
    verifier.verify(&keys(), &signed(&key, &header, claims), now())
}

/// Subject, client id and scopes of a token that the preset accepts and the strict profile does
/// not.
#[track_caller]
fn accepted(
    verifier: &AccessTokenVerifier,
    typ: Option<&str>,
    claims: &Value,
) -> (Option<String>, Option<String>, String) {
    let strict = verify(&verifier.clone().profile(AccessTokenProfile::rfc9068()), typ, claims);
    clean(strict.unwrap_err());
    let verified = verify(verifier, typ, claims).unwrap_or_else(|error| panic!("{error}: {claims}"));
    let owned = |text: Option<&str>| text.map(str::to_owned);
    (owned(verified.subject()), owned(verified.client_id()), verified.scope().to_string())
}

fn is(
    subject: Option<&str>,
    client_id: Option<&str>,
    scopes: &str,
) -> (Option<String>, Option<String>, String) {
    (subject.map(str::to_owned), client_id.map(str::to_owned), scopes.to_owned())
}

/// An ID token of the same issuer, for the same audience: refused, and the error names this claim.
#[track_caller]
fn refused(verifier: &AccessTokenVerifier, typ: Option<&str>, claims: &Value, named: &str) {
    match clean(verify(verifier, typ, claims).unwrap_err()) {
        VerifierError::NotAnAccessToken { claim, .. } => assert_eq!(claim, named),
        other => panic!("{other}"),
    }
}

#[test]
fn ping_one() {
    let issuer = "https://auth.pingone.example/ENV/as";
    let verifier =
        AccessTokenVerifier::new(issuer, "https://api.example").profile(AccessTokenProfile::ping_one());
    let machine = token(json!({
        "client_id": APP, "iss": issuer, "jti": "j", "aud": ["https://api.example"], "scope": "orders:read",
        "env": "ENV", "org": "ORG", "p1.rid": "r",
    }));
    // Without a `typ`, and with the `typ` that is announced for 2027.
    for typ in [None, Some("at+jwt")] {
        assert_eq!(accepted(&verifier, typ, &machine), is(None, Some(APP), "orders:read"));
    }
    let user = with(with(machine.clone(), "sub", json!("user-1")), "sid", json!("s"));
    assert_eq!(accepted(&verifier, None, &user), is(Some("user-1"), Some(APP), "orders:read"));
    let id_token = token(json!({
        "iss": issuer, "sub": "user-1", "aud": "https://api.example", "acr": "Single_Factor", "auth_time": 1, "sid": "s",
        "env": "ENV", "org": "ORG",
    }));
    refused(&verifier, None, &id_token, "client_id");
    refused(&verifier, None, &with(user, "at_hash", json!("x")), "at_hash");
}

#[test]
fn ping_federate() {
    let issuer = "https://sso.example";
    let verifier =
        AccessTokenVerifier::new(issuer, "https://api.example").profile(AccessTokenProfile::ping_federate());
    let machine = token(json!({
        "iss": issuer, "aud": "https://api.example", "client_id": "my-app", "scope": ["read", "write"],
    }));
    for typ in [None, Some("at+jwt"), Some("JWT")] {
        assert_eq!(accepted(&verifier, typ, &machine), is(None, Some("my-app"), "read write"));
    }
    let spaces = with(with(machine, "scope", json!("read write")), "sub", json!("joe"));
    assert_eq!(accepted(&verifier, None, &spaces), is(Some("joe"), Some("my-app"), "read write"));
    let id_token =
        token(json!({"iss": issuer, "aud": "https://api.example", "sub": "joe", "jti": "j", "pi.sri": "s"}));
    refused(&verifier, None, &id_token, "client_id");
    // The claim of the client id can be renamed.
    let renamed = token(json!({"iss": issuer, "aud": "https://api.example", "cid": "my-app"}));
    let profile = AccessTokenProfile::ping_federate().client_id_claims(["cid"]);
    let verifier = verifier.profile(profile);
    assert_eq!(accepted(&verifier, None, &renamed), is(None, Some("my-app"), ""));
}

#[test]
fn auth0() {
    let issuer = "https://tenant.eu.auth0.example/";
    let verifier =
        AccessTokenVerifier::new(issuer, "https://api.example").profile(AccessTokenProfile::auth0());
    let user = token(json!({
        "iss": issuer, "sub": "auth0|123", "aud": ["https://api.example", "https://tenant.eu.auth0.example/userinfo"],
        "azp": "my-app", "scope": "openid profile orders:read", "permissions": ["orders:write"],
    }));
    let expected = is(Some("auth0|123"), Some("my-app"), "openid profile orders:read");
    assert_eq!(accepted(&verifier, Some("JWT"), &user), expected);
    let machine = token(json!({
        "iss": issuer, "sub": "my-app@clients", "aud": "https://api.example", "azp": "my-app",
        "scope": "orders:read", "gty": "client-credentials",
    }));
    let expected = is(Some("my-app@clients"), Some("my-app"), "orders:read");
    assert_eq!(accepted(&verifier, Some("JWT"), &machine), expected);
    // The RFC 9068 profile of an API is strict enough for both.
    let rfc9068 =
        with(with(with(machine, "azp", Value::Null), "client_id", json!("my-app")), "jti", json!("j"));
    for verifier in [verifier.clone(), verifier.clone().profile(AccessTokenProfile::rfc9068())] {
        assert_eq!(verify(&verifier, Some("at+jwt"), &rfc9068).unwrap().client_id(), Some("my-app"));
    }
    let permissions = verifier.clone().permission_claims("permissions");
    assert!(verify(&permissions, Some("JWT"), &user).unwrap().has_scope("orders:write"));
    let id_token =
        token(json!({"iss": issuer, "sub": "auth0|123", "aud": "https://api.example", "name": "Joe"}));
    refused(&verifier, Some("JWT"), &id_token, "azp` or `client_id");
    refused(&verifier, Some("JWT"), &with(user, "nonce", json!("n")), "nonce");
}

#[test]
fn okta() {
    let issuer = "https://org.okta.example/oauth2/default";
    let verifier = AccessTokenVerifier::new(issuer, "api://default").profile(AccessTokenProfile::okta());
    let user = token(json!({
        "ver": 1, "jti": "AT.x", "iss": issuer, "aud": "api://default", "cid": "0oa1", "uid": "00u1",
        "scp": ["openid", "orders:read"], "auth_time": 1, "sub": "joe@example.com",
    }));
    let expected = is(Some("joe@example.com"), Some("0oa1"), "openid orders:read");
    assert_eq!(accepted(&verifier, None, &user), expected);
    let machine = with(with(user, "uid", Value::Null), "sub", json!("0oa1"));
    assert_eq!(accepted(&verifier, None, &machine), is(Some("0oa1"), Some("0oa1"), "openid orders:read"));
    let id_token = token(json!({
        "ver": 1, "jti": "ID.x", "iss": issuer, "aud": "api://default", "sub": "00u1", "amr": ["pwd"], "idp": "00o1",
        "auth_time": 1,
    }));
    refused(&verifier, None, &id_token, "cid");
    refused(&verifier, None, &with(id_token, "at_hash", json!("x")), "at_hash");
}

#[test]
fn entra_id() {
    let v1 = format!("https://sts.windows.net/{TENANT}/");
    let v2 = format!("https://login.microsoftonline.com/{TENANT}/v2.0");
    let of_v1 = token(json!({
        "aud": format!("api://{API}"), "iss": v1, "nbf": now().unix_timestamp(), "acr": "1", "amr": ["pwd"],
        "appid": APP, "appidacr": "2", "scp": "Orders.Read user_impersonation", "sub": "pairwise", "oid": "o",
        "tid": TENANT, "uti": "u", "ver": "1.0",
    }));
    let of_v2 = token(json!({
        "aud": API, "iss": v2, "nbf": now().unix_timestamp(), "azp": APP, "azpacr": "2", "oid": "o", "rh": "r",
        "roles": ["Orders.Read.All"], "sub": "o", "tid": TENANT, "uti": "u", "ver": "2.0",
    }));
    // One verifier for both versions, and for the named tenants.
    let guests = "https://login.microsoftonline.com/11111111-1111-4111-8111-111111111111/v2.0";
    let both = AccessTokenVerifier::new(&v1, format!("api://{API}"))
        .accept_issuer(&v2)
        .accept_issuer(guests)
        .accept_audience(API)
        .profile(AccessTokenProfile::entra_id());
    let delegated = is(Some("pairwise"), Some(APP), "Orders.Read user_impersonation");
    let app_only = is(Some("o"), Some(APP), "Orders.Read.All");
    assert_eq!(accepted(&both, Some("JWT"), &of_v1), delegated);
    assert_eq!(accepted(&both, Some("JWT"), &of_v2), app_only);
    assert_eq!(accepted(&both, Some("JWT"), &with(of_v2.clone(), "iss", json!(guests))), app_only);
    let stranger = format!("https://login.microsoftonline.com/{API}/v2.0");
    let error = verify(&both, Some("JWT"), &with(of_v2.clone(), "iss", json!(stranger))).unwrap_err();
    assert!(matches!(clean(error), VerifierError::Issuer { expected, .. } if expected.len() == 3));

    let only_v1 =
        AccessTokenVerifier::new(&v1, format!("api://{API}")).accept_issuer(&v2).accept_audience(API);
    let (only_v1, only_v2) = (
        only_v1.clone().profile(AccessTokenProfile::entra_id_v1()),
        only_v1.profile(AccessTokenProfile::entra_id_v2()),
    );
    assert_eq!(accepted(&only_v1, Some("JWT"), &of_v1), delegated);
    assert_eq!(accepted(&only_v2, Some("JWT"), &of_v2), app_only);
    refused(&only_v1, Some("JWT"), &of_v2, "ver");
    refused(&only_v2, Some("JWT"), &of_v1, "ver");

    // A user's roles do not grant anything to the client.
    let user = with(with(of_v2, "scp", json!("Orders.Read")), "roles", json!(["Admin"]));
    assert_eq!(accepted(&both, Some("JWT"), &user), is(Some("o"), Some(APP), "Orders.Read"));
    // An app that calls its own API has ID tokens with the API's audience.
    let id_token = token(json!({
        "aud": API, "iss": v2, "name": "Joe", "oid": "o", "preferred_username": "joe", "rh": "r", "sub": "s",
        "roles": ["Admin"], "tid": TENANT, "uti": "u", "ver": "2.0",
    }));
    refused(&both, Some("JWT"), &id_token, "azp` or `appid");
    refused(&only_v2, Some("JWT"), &id_token, "azp");
    refused(&both, Some("JWT"), &with(id_token, "nonce", json!("n")), "nonce");
}

#[test]
fn keycloak() {
    let issuer = "https://kc.example/realms/main";
    let verifier =
        AccessTokenVerifier::new(issuer, "https://api.example").profile(AccessTokenProfile::keycloak());
    let user = token(json!({
        "jti": "onrtac:1", "iss": issuer, "aud": ["https://api.example", "account"], "sub": "u", "typ": "Bearer",
        "azp": "my-app", "sid": "s", "acr": "1", "scope": "openid email", "nonce": "old versions",
        "realm_access": {"roles": ["admin"]}, "resource_access": {"account": {"roles": ["view-profile"]}},
    }));
    for typ in ["JWT", "at+jwt"] {
        assert_eq!(accepted(&verifier, Some(typ), &user), is(Some("u"), Some("my-app"), "openid email"));
    }
    let lightweight = token(json!({
        "jti": "trrtcc:1", "iss": issuer, "aud": "https://api.example", "typ": "Bearer", "azp": "my-app",
        "scope": "email",
    }));
    assert_eq!(accepted(&verifier, Some("JWT"), &lightweight), is(None, Some("my-app"), "email"));
    let roles = verifier.clone().permission_claims(["scope", "/realm_access/roles"]);
    assert_eq!(accepted(&roles, Some("JWT"), &user).2, "openid email admin");
    for typ in ["ID", "Refresh", "Offline", "Logout"] {
        refused(&verifier, Some("JWT"), &with(user.clone(), "typ", json!(typ)), "typ");
    }
    // Keycloak 26 names the scheme of a token that is bound to a DPoP key.
    let dpop_key = key("p384.pkcs8.pem").thumbprint();
    let bound = with(with(user.clone(), "typ", json!("DPoP")), "cnf", json!({"jkt": dpop_key.to_string()}));
    let unproven = clean(verify(&verifier, Some("JWT"), &bound).unwrap_err());
    assert!(matches!(unproven, VerifierError::Unproven { .. }), "{unproven}");
    let signer = key("p256.pkcs8.pem");
    let header = json!({"alg": "ES256", "kid": signer.key_id().as_str(), "typ": "JWT"});
    let proof = ProofOfPossession::default().dpop_key(dpop_key);
    let proven = verifier.verify_with_proof(&keys(), &signed(&signer, &header, &bound), &proof, now());
    assert_eq!(proven.unwrap().subject(), Some("u"));
    refused(&verifier, Some("JWT"), &with(user, "typ", Value::Null), "typ");
}

#[test]
fn adfs() {
    let issuer = "http://sts.example/adfs/services/trust";
    let verifier =
        AccessTokenVerifier::new(issuer, "microsoft:identityserver:api").profile(AccessTokenProfile::adfs());
    let machine = token(json!({
        "aud": "microsoft:identityserver:api", "iss": issuer, "apptype": "Confidential", "appid": APP,
        "authmethod": "http://schemas.microsoft.com/ws/2008/06/identity/authenticationmethod/password",
        "auth_time": "2026-11-28T12:00:00.000Z", "ver": "1.0",
    }));
    assert_eq!(accepted(&verifier, Some("JWT"), &machine), is(None, Some(APP), ""));
    let user = with(with(machine, "scp", json!("openid orders")), "sub", json!("joe"));
    assert_eq!(accepted(&verifier, Some("JWT"), &user), is(Some("joe"), Some(APP), "openid orders"));
    refused(&verifier, Some("JWT"), &with(user.clone(), "nonce", json!("n")), "nonce");
    refused(&verifier, Some("JWT"), &with(user.clone(), "appid", Value::Null), "appid");
    // The ID tokens have another issuer.
    let error = verify(&verifier, Some("JWT"), &with(user, "iss", json!("https://sts.example/adfs")));
    assert!(matches!(clean(error.unwrap_err()), VerifierError::Issuer { .. }));
}

#[test]
fn cognito() {
    let issuer = "https://cognito-idp.eu-central-1.amazonaws.com/eu-central-1_pool";
    let machine = token(json!({
        "sub": "client1", "token_use": "access", "scope": "orders/read", "auth_time": 1, "iss": issuer, "version": 2,
        "jti": "j", "client_id": "client1",
    }));
    let user = with(with(machine.clone(), "sub", json!("u")), "cognito:groups", json!(["staff"]));
    let verifier =
        AccessTokenVerifier::without_audience(issuer, ["client1"]).profile(AccessTokenProfile::cognito());
    assert_eq!(accepted(&verifier, None, &machine), is(Some("client1"), Some("client1"), "orders/read"));
    let groups = verifier.clone().permission_claims(["scope", "cognito:groups"]);
    assert_eq!(accepted(&groups, None, &user), is(Some("u"), Some("client1"), "orders/read staff"));
    // With resource binding there is an audience, and it has to be ours.
    let bound = with(machine.clone(), "aud", json!("https://api.example"));
    let both = verifier.clone().accept_audience("https://api.example");
    assert_eq!(accepted(&both, None, &bound).1.as_deref(), Some("client1"));
    let error = verify(&verifier, None, &bound).unwrap_err();
    assert!(matches!(clean(error), VerifierError::UnexpectedAudience { .. }));
    let error = verify(&verifier, None, &with(machine.clone(), "client_id", json!("client2"))).unwrap_err();
    assert!(matches!(clean(error), VerifierError::MissingAudience { .. }));
    let id_token = token(json!({
        "sub": "u", "aud": "client1", "token_use": "id", "auth_time": 1, "iss": issuer, "cognito:username": "joe",
        "jti": "j",
    }));
    refused(&verifier.clone().accept_audience("client1"), None, &id_token, "token_use");
    refused(&verifier, None, &with(machine, "token_use", Value::Null), "token_use");
}

#[test]
fn spring() {
    let issuer = "https://spring.example";
    let verifier = AccessTokenVerifier::new(issuer, "my-app")
        .accept_audience("other-app")
        .profile(AccessTokenProfile::spring());
    let machine = token(json!({
        "sub": "my-app", "aud": ["my-app"], "nbf": now().unix_timestamp(), "scope": ["orders:read", "b"], "iss": issuer,
        "jti": "j",
    }));
    assert_eq!(accepted(&verifier, None, &machine), is(Some("my-app"), None, "orders:read b"));
    let other = with(with(machine.clone(), "aud", json!(["other-app"])), "scope", Value::Null);
    assert_eq!(accepted(&verifier, None, &other), is(Some("my-app"), None, ""));
    // An `OAuth2TokenCustomizer` can add the client's id.
    let custom = with(machine, "client_id", json!("my-app"));
    assert_eq!(accepted(&verifier, None, &custom).1.as_deref(), Some("my-app"));
    let id_token = token(json!({
        "sub": "joe", "aud": ["my-app"], "azp": "my-app", "auth_time": 1, "iss": issuer, "jti": "j", "sid": "s",
    }));
    refused(&verifier, None, &id_token, "azp");
    refused(&verifier, None, &with(id_token, "nonce", json!("n")), "nonce");
}

#[test]
fn hydra() {
    let issuer = "https://hydra.example/";
    let machine = token(json!({
        "aud": [], "client_id": "my-app", "ext": {}, "iss": issuer, "jti": "j", "nbf": now().unix_timestamp(),
        "scp": ["orders:read", "b"], "sub": "my-app",
    }));
    let verifier =
        AccessTokenVerifier::new(issuer, "https://api.example").profile(AccessTokenProfile::hydra());
    let error = verify(&verifier, Some("JWT"), &machine).unwrap_err();
    assert!(matches!(clean(error), VerifierError::MissingAudience { .. }));
    let asked = with(machine.clone(), "aud", json!(["https://api.example"]));
    let expected = is(Some("my-app"), Some("my-app"), "orders:read b");
    assert_eq!(accepted(&verifier, Some("JWT"), &asked), expected);
    let named = verifier.clone().accept_missing_audience_from(["my-app"]);
    assert_eq!(accepted(&named, Some("JWT"), &machine), expected);
    let as_string = with(with(asked, "scp", Value::Null), "scope", json!("orders:read b"));
    assert_eq!(accepted(&verifier, Some("JWT"), &as_string), expected);
    let id_token = token(json!({
        "aud": ["https://api.example"], "auth_time": 1, "iss": issuer, "jti": "j", "rat": 1, "sid": "s", "sub": "joe",
    }));
    refused(&verifier, Some("JWT"), &id_token, "client_id");
    refused(&verifier, Some("JWT"), &with(id_token, "at_hash", json!("x")), "at_hash");
}

#[test]
fn zitadel() {
    let issuer = "https://zitadel.example";
    let verifier = AccessTokenVerifier::new(issuer, "my-app").profile(AccessTokenProfile::zitadel());
    let user = token(json!({
        "iss": issuer, "sub": "joe", "aud": ["my-app"], "nbf": now().unix_timestamp(), "jti": "j",
    }));
    assert_eq!(accepted(&verifier, Some("JWT"), &user), is(Some("joe"), None, ""));
    let id_token = with(with(user, "azp", json!("my-app")), "auth_time", json!(1));
    refused(&verifier, Some("JWT"), &id_token, "azp");
}
