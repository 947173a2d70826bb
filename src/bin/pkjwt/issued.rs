//! An access token with the rest of its response, as the formats of `pkjwt token` print it.

use private_key_jwt::TokenResponse;
use private_key_jwt::oauth::TokenKind;
use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use zeroize::Zeroize;

use crate::error::Failure;
use crate::findings::rfc3339;
use crate::{misplaced, output};

/// What `pkjwt token` prints.
#[derive(Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Format {
    /// The token
    Text,
    /// The response, with expires_at
    Json,
    /// The line `Authorization: Bearer TOKEN`
    Header,
    /// Lines for a shell: ACCESS_TOKEN, TOKEN_TYPE, EXPIRES_AT
    Env,
    /// An ExecCredential of Kubernetes (client.authentication.k8s.io/v1), for kubectl
    ExecCredential,
}

/// A token and its response. Wiped on drop.
pub(crate) struct Issued {
    /// The members of the response (RFC 6749 §5.1): `access_token` and `token_type` are strings.
    members: Map<String, Value>,
    expires_at: Option<OffsetDateTime>,
}

impl Issued {
    /// The token of a response, with the members that the server sent.
    pub(crate) fn of(response: &TokenResponse) -> Self {
        let token = response.access_token();
        let known = [
            ("access_token", Some(token.secret().into())),
            ("token_type", Some(token.token_type().into())),
            ("expires_in", response.expires_in().map(|life| life.as_secs().into())),
            ("scope", response.scope().map(|scope| scope.to_string().into())),
            ("refresh_token", response.refresh_token().map(Value::from)),
            ("id_token", response.id_token().map(Value::from)),
            ("issued_token_type", response.issued_token_type().map(TokenKind::as_str).map(Value::from)),
        ];
        let mut members = output::object(response.members(), known);
        let members = members.as_object_mut().map(std::mem::take).unwrap_or_default();
        Self { members, expires_at: token.expires_at() }
    }

    /// A token of the cache. `None` if the members are not those of a response.
    pub(crate) fn cached(mut members: Map<String, Value>, expires_at: OffsetDateTime) -> Option<Self> {
        let is_filled = |name| members.get(name).and_then(Value::as_str).is_some_and(|text| !text.is_empty());
        if is_filled("access_token") && is_filled("token_type") {
            return Some(Self { members, expires_at: Some(expires_at) });
        }
        members.values_mut().for_each(wipe);
        None
    }

    /// When the token expires, if the server said so.
    pub(crate) const fn expires_at(&self) -> Option<OffsetDateTime> {
        self.expires_at
    }

    /// The members of the response. They contain the token.
    pub(crate) const fn members(&self) -> &Map<String, Value> {
        &self.members
    }

    /// Prints the token on stdout.
    pub(crate) fn print(&self, format: Format, now: OffsetDateTime) -> Result<(), Failure> {
        match format {
            Format::Text => {
                // Without its type, the token looks like a Bearer token.
                if !self.is_bearer() {
                    output::note(&format!("pkjwt: {}", self.not_bearer()));
                }
                output::line(self.secret()?)
            }
            Format::Json => self.print_json(now),
            Format::Header => output::line(&format!("Authorization: Bearer {}", self.bearer()?)),
            Format::Env => self.print_env(),
            Format::ExecCredential => {
                let mut status = json!({ "token": self.bearer()? });
                if let (Some(time), Some(status)) = (self.expires_at, status.as_object_mut()) {
                    status.insert("expirationTimestamp".to_owned(), rfc3339(whole(time)).into());
                }
                output::json(&json!({
                    "apiVersion": "client.authentication.k8s.io/v1",
                    "kind": "ExecCredential",
                    "status": status,
                }))
            }
        }
    }

    fn print_json(&self, now: OffsetDateTime) -> Result<(), Failure> {
        let mut response = Value::from(self.members.clone());
        if let (Some(time), Some(members)) = (self.expires_at, response.as_object_mut()) {
            members.insert("expires_at".to_owned(), rfc3339(whole(time)).into());
            // A cached token has less time left than the server said.
            let left = (time - now).whole_seconds().max(0);
            let said = members.get("expires_in").and_then(Value::as_i64).unwrap_or(left);
            // The response may have taken a second to be printed.
            if said - left > 1 {
                members.insert("expires_in".to_owned(), left.into());
            }
        }
        let printed = output::json(&response);
        wipe(&mut response);
        printed
    }

    fn print_env(&self) -> Result<(), Failure> {
        let mut lines = format!("ACCESS_TOKEN={}\n", assigned(self.secret()?));
        lines.push_str(&format!("TOKEN_TYPE={}\n", assigned(&output::printable(self.token_type()))));
        if let Some(time) = self.expires_at {
            lines.push_str(&format!("EXPIRES_AT={}\n", rfc3339(whole(time))));
        }
        let printed = output::line(&lines);
        lines.zeroize();
        printed
    }

    /// Other characters than those of RFC 6749 A.12 are refused: they could control the terminal,
    /// and would not fit into a header.
    fn secret(&self) -> Result<&str, Failure> {
        let secret = self.text("access_token");
        if secret.bytes().all(|byte| matches!(byte, b' '..=b'~')) {
            return Ok(secret);
        }
        Err(Failure::refused(
            "token",
            "the access token is not printable ASCII (RFC 6749 A.12); print it with --json",
        ))
    }

    /// The token, for a place that takes only Bearer tokens.
    fn bearer(&self) -> Result<&str, Failure> {
        if self.is_bearer() { self.secret() } else { Err(Failure::refused("token", self.not_bearer())) }
    }

    fn is_bearer(&self) -> bool {
        self.token_type().eq_ignore_ascii_case("Bearer")
    }

    /// A server may have put the token there.
    fn not_bearer(&self) -> String {
        format!("token type is \"{:.128}\", not \"Bearer\"", misplaced::shown(self.token_type()))
    }

    fn token_type(&self) -> &str {
        self.text("token_type")
    }

    fn text(&self, name: &str) -> &str {
        self.members.get(name).and_then(Value::as_str).unwrap_or_default()
    }
}

impl Drop for Issued {
    fn drop(&mut self) {
        self.members.values_mut().for_each(wipe);
    }
}

/// Overwrites every text in a value.
pub(crate) fn wipe(value: &mut Value) {
    match value {
        Value::String(text) => text.zeroize(),
        Value::Array(values) => values.iter_mut().for_each(wipe),
        Value::Object(members) => members.values_mut().for_each(wipe),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

/// Whole seconds, earlier rather than later.
fn whole(time: OffsetDateTime) -> OffsetDateTime {
    time.replace_nanosecond(0).unwrap_or(time)
}

/// A value after `NAME=`, where a shell takes `=` as it is. Without quotes, files of variables of
/// other programs can have it too.
fn assigned(text: &str) -> String {
    let body = text.trim_end_matches('=');
    if output::quoted(body) == body { text.to_owned() } else { output::quoted(text) }
}
