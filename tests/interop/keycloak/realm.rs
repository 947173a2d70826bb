//! The realm that the server imports: its clients and its user.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use private_key_jwt::Algorithm;
use private_key_jwt::keys::Certificate;
use serde_json::{Value, json};

use super::{KNOWN, REGISTRATIONS};
use crate::browser::REDIRECT_URI;
use crate::support::testdata;
use crate::{ALGORITHMS, jwks, published};

/// The user of the realm.
pub(super) const USER: &str = "ada";
pub(super) const PASSWORD: &str = "ada-0123456789";

/// A realm with one client for each algorithm and each way to register its keys, one client whose
/// keys rotate, one that must push its authorization requests, and one that is disabled.
pub(super) fn realm() -> Value {
    let published = published::url();
    let mut clients: Vec<Value> = ALGORITHMS[..KNOWN]
        .iter()
        .flat_map(|&(algorithm, file)| {
            REGISTRATIONS.map(|registration| {
                let keys = match registration {
                    "value" => by_value(algorithm, file),
                    "url" => by_url(&format!("{published}/{algorithm}")),
                    _ => json!({"jwt.credential.certificate": certificate(file)}),
                };
                client(&format!("{registration}-{algorithm}"), algorithm, keys, json!({}))
            })
        })
        .collect();
    let (algorithm, file) = ALGORITHMS[6];
    for name in ["rotates", "rotates-quickly"] {
        clients.push(client(name, algorithm, by_url(&format!("{published}/{name}")), json!({})));
    }
    clients.push(client("disabled", algorithm, by_value(algorithm, file), json!({"enabled": false})));
    let mut pushes = client("pushes", algorithm, by_value(algorithm, file), json!({}));
    pushes["attributes"]["require.pushed.authorization.requests"] = "true".into();
    clients.push(pushes);
    let user = json!({"username": USER, "enabled": true, "emailVerified": true, "email": "ada@example.test",
        "firstName": "Ada", "lastName": "Test",
        "credentials": [{"type": "password", "value": PASSWORD, "temporary": false}]});
    json!({"realm": "pkjwt", "enabled": true, "sslRequired": "none", "clients": clients, "users": [user]})
}

/// A client that may do everything, and whose tokens name it as an audience, so that it may
/// introspect them.
fn client(name: &str, algorithm: Algorithm, keys: Value, more: Value) -> Value {
    let audience = json!({"name": "audience", "protocol": "openid-connect",
        "protocolMapper": "oidc-audience-mapper",
        "config": {"included.client.audience": name, "access.token.claim": "true"}});
    let mut client = json!({
        "clientId": name, "protocol": "openid-connect",
        "publicClient": false, "serviceAccountsEnabled": true, "standardFlowEnabled": true,
        "redirectUris": [REDIRECT_URI], "clientAuthenticatorType": "client-jwt",
        "protocolMappers": [audience],
        "attributes": {
            "token.endpoint.auth.signing.alg": algorithm.as_str(),
            "oauth2.device.authorization.grant.enabled": "true",
        },
    });
    for (name, value) in keys.as_object().unwrap() {
        client["attributes"][name] = value.clone();
    }
    for (name, value) in more.as_object().unwrap() {
        client[name] = value.clone();
    }
    client
}

fn by_value(algorithm: Algorithm, file: &str) -> Value {
    json!({"use.jwks.string": "true", "jwks.string": jwks(algorithm, file).to_string()})
}

fn by_url(url: &str) -> Value {
    json!({"use.jwks.url": "true", "jwks.url": url})
}

/// The certificate of a key, in base64.
fn certificate(file: &str) -> String {
    let (stem, _) = file.split_once('.').unwrap();
    let pem = testdata(&format!("keys/{stem}.cert.pem"));
    STANDARD.encode(Certificate::all_from_bytes(&pem).unwrap()[0].as_der())
}
