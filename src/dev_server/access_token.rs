//! Access tokens (RFC 9068): those that the server issues, and what it says of them later.

use serde_json::{Map, Value, json};
use time::{Duration, OffsetDateTime};

use super::Inner;
use super::grant::Grant;
use crate::client::fresh_jti;
use crate::jose::{CompactJws, json, jws};
use crate::keys::KeyError;

/// `expires_in`.
pub(super) const LIFETIME: Duration = Duration::hours(1);

/// `typ` (§2.1).
const MEDIA_TYPE: &str = "at+jwt";

/// Signs a token (§2).
pub(super) fn issue(server: &Inner, grant: &Grant, now: OffsetDateTime) -> Result<String, KeyError> {
    let issued = now.unix_timestamp();
    let header =
        json!({"typ": MEDIA_TYPE, "alg": server.key.algorithm(), "kid": server.key.key_id().as_str()});
    let mut claims = json!({
        "iss": server.issuer,
        "exp": issued.saturating_add(LIFETIME.whole_seconds()),
        "aud": grant.access.audience(),
        "sub": grant.subject,
        "client_id": grant.client_id,
        "iat": issued,
        "jti": fresh_jti()?,
    });
    let more = [
        ("scope", grant.access.scope().map(Value::from)),
        ("grant_id", grant.id.clone().map(Value::from)),
        ("act", grant.actor.clone()),
    ];
    if let Value::Object(claims) = &mut claims {
        claims.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?))));
    }
    let mut token = String::new();
    jws::push_json(&mut token, &header);
    token.push('.');
    jws::push_json(&mut token, &claims);
    let signature = server.key.sign(token.as_bytes())?;
    jws::push_signature(&mut token, &signature);
    Ok(token)
}

/// The claims of a token that this server has issued and that is good now. Its clock has no leeway to itself.
pub(super) fn active(server: &Inner, token: &str, now: OffsetDateTime) -> Option<Map<String, Value>> {
    let jws = CompactJws::parse(token).ok()?;
    let key = server.public_keys.select(jws.header().key_id.as_ref(), jws.header().algorithm).ok()?;
    key.verify(jws.signing_input().as_bytes(), jws.signature()).ok()?;
    let claims = json::object("the claims set", jws.payload()).ok()?;
    let has_ended = claims.get("exp")?.as_i64()? <= now.unix_timestamp();
    let state = server.state();
    let mut names = ["jti", "grant_id"].into_iter().filter_map(|name| claims.get(name)?.as_str());
    let is_revoked = names.any(|name| state.is_revoked(name, now));
    (jws.header().is_typed(MEDIA_TYPE) && !has_ended && !is_revoked).then_some(claims)
}
