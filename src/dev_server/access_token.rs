//! Issues access tokens (RFC 9068), and checks those that clients present.

use serde_json::{Map, Value};
use time::{Duration, OffsetDateTime};

use super::grant::Grant;
use super::inner::Inner;
use crate::client::fresh_jti;
use crate::jose::moment::{Moment, Utc};
use crate::jose::{CompactJws, json};
use crate::oauth::{ACCESS_TOKEN_JWT, AccessTokenBuilder, IssuedToken, OAuthError};

/// Default `expires_in`.
pub(super) const LIFETIME: Duration = Duration::hours(1);

/// Default `typ` (§2.1).
pub(super) const MEDIA_TYPE: &str = ACCESS_TOKEN_JWT;

/// Signs a token (§2).
pub(super) fn issue(server: &Inner, grant: &Grant, now: OffsetDateTime) -> Result<IssuedToken, OAuthError> {
    let (audience, others) = grant.access.audiences();
    let mut token = AccessTokenBuilder::new(&server.issuer, audience, &grant.client_id)
        .subject(&grant.subject)
        .scope(grant.access.scope().unwrap_or_default())
        .media_type(server.token_media_type.as_deref())
        .any_lifetime(server.token_lifetime.unsigned_abs());
    for audience in others {
        token = token.also_audience(audience);
    }
    if let Some(id) = &grant.id {
        token = token.claim("grant_id", id.as_str())?;
    }
    if let Some(actor) = &grant.actor {
        token = token.claim("act", actor.clone())?;
    }
    token.sign(server.keys.access_token().private()?, now, fresh_jti()?)
}

/// Returns the claims if this server issued the token and it is active now. Otherwise, returns the
/// reason: a predicate whose subject is the token. There is no leeway, because the server's clock
/// is the only one involved.
pub(super) fn active(server: &Inner, token: &str, now: OffsetDateTime) -> Result<Map<String, Value>, String> {
    const FOREIGN: &str = "is not a token of this server";
    if let Some(found) = server.state().refresh_tokens.get(token, now) {
        return Err(format!("is a refresh token of client `{}`", found.grant.client_id));
    }
    let jws = CompactJws::parse(token).map_err(|_| "is not a JWT that this server has issued".to_owned())?;
    let header = jws.header();
    let public = server.keys.access_token().public().map_err(|error| error.to_string())?;
    let key = public.select(header.key_id.as_ref(), header.algorithm).map_err(|_| FOREIGN)?;
    key.verify(jws.signing_input().as_bytes(), jws.signature()).map_err(|_| FOREIGN)?;
    let claims = json::object("the claims set", jws.payload()).map_err(|_| FOREIGN)?;
    // An ID token may have the same key and type, but it has no client_id.
    if !claims.contains_key("client_id") {
        return Err("is an ID token, not an access token".to_owned());
    }
    let (exp, now_s) = (claims.get("exp").and_then(Value::as_i64).unwrap_or_default(), now.unix_timestamp());
    if exp <= now_s {
        return Err(format!("expired at {}", Moment { at: Utc(exp), now: Utc(now_s) }));
    }
    let state = server.state();
    let mut names = ["jti", "grant_id"].into_iter().filter_map(|name| claims.get(name)?.as_str());
    if names.any(|name| state.is_revoked(name, now)) {
        return Err("was revoked".to_owned());
    }
    Ok(claims)
}
