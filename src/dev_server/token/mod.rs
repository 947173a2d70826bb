//! The token endpoint (RFC 6749 §3.2): one file for each grant.

mod authorization_code;
mod device_code;
mod jwt_bearer;
mod refresh;
mod token_exchange;

use serde_json::{Value, json};
use time::OffsetDateTime;

use super::answer::{Answer, Refused};
use super::authentication::authenticate;
use super::form::{ClientForm, Parameters};
use super::grant::{Access, Grant};
use super::refresh_token::RefreshToken;
use super::state::State;
use super::{Inner, access_token};
use crate::jose::error::excerpt;
use crate::oauth::{Endpoint, TokenKind};

/// `grant_types_supported`.
pub(super) const GRANT_TYPES: [&str; 6] = [
    "client_credentials",
    "authorization_code",
    "refresh_token",
    "urn:ietf:params:oauth:grant-type:device_code",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:token-exchange",
];

/// A request of a client that has proven who it is.
struct TokenRequest<'a> {
    server: &'a Inner,
    client_id: &'a str,
    parameters: Parameters<'a>,
    now: OffsetDateTime,
}

/// What comes of it, beside an access token of this grant.
struct Granted {
    grant: Grant,
    refresh_token: Option<String>,
    issued_token_type: Option<TokenKind>,
}

/// What is malformed is refused before the assertion is spent.
pub(super) fn answer(
    server: &Inner,
    request: &http::Request<Vec<u8>>,
    now: OffsetDateTime,
) -> Result<Answer, Refused> {
    let ClientForm { authentication, parameters } = ClientForm::of(request)?;
    let grant_type = parameters.required("grant_type")?.to_owned();
    let client = authenticate(server, Endpoint::Token, request.headers(), authentication, now)?;
    let asked = TokenRequest { server, client_id: &client.id, parameters, now };
    let granted = match grant_type.as_str() {
        "client_credentials" => Ok(Granted::without_refresh(Grant::of_client(&client.id, asked.access()?))),
        "authorization_code" => authorization_code::granted(&asked),
        "refresh_token" => refresh::granted(&asked),
        "urn:ietf:params:oauth:grant-type:device_code" => device_code::granted(&asked),
        "urn:ietf:params:oauth:grant-type:jwt-bearer" => jwt_bearer::granted(&asked),
        "urn:ietf:params:oauth:grant-type:token-exchange" => token_exchange::granted(&asked),
        other => {
            let supported = GRANT_TYPES.join("`, `");
            let description = format!("the grant_type is `{}`, supported are `{supported}`", excerpt(other));
            Err(Refused::bad_request("unsupported_grant_type", &description))
        }
    };
    let Granted { grant, refresh_token, issued_token_type } = granted?;

    let mut body = json!({
        "access_token": access_token::issue(server, &grant, now)?,
        "token_type": "Bearer",
        "expires_in": access_token::LIFETIME.whole_seconds(),
    });
    let more = [
        ("scope", grant.access.scope()),
        ("refresh_token", refresh_token),
        ("issued_token_type", issued_token_type.map(|kind| kind.as_str().to_owned())),
    ];
    if let Value::Object(members) = &mut body {
        members.extend(more.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into()))));
    }
    let grant_name = grant_type.rsplit(':').next().unwrap_or_default();
    let subject = match grant.subject {
        subject if subject == client.id => String::new(),
        subject => format!(" sub=\"{subject}\""),
    };
    let note = format!("{} grant={grant_name}{subject}{}", client.note(), grant.access.note());
    Ok(Answer::json(body, note))
}

impl TokenRequest<'_> {
    fn required(&self, name: &str) -> Result<&str, Refused> {
        self.parameters.required(name)
    }

    fn access(&self) -> Result<Access, Refused> {
        Access::of(&self.parameters)
    }
}

impl Granted {
    /// What will have to be asked for again.
    const fn without_refresh(grant: Grant) -> Self {
        Self { grant, refresh_token: None, issued_token_type: None }
    }

    /// An access token as narrow as it was asked for, and a refresh token for all of the grant.
    fn with_refresh(
        state: &mut State,
        grant: Grant,
        asked: Access,
        now: OffsetDateTime,
    ) -> Result<Self, Refused> {
        let access = grant.access.narrowed(asked)?;
        let refresh_token = RefreshToken::issue(state, grant.clone(), now)?;
        let narrowed = Grant { access, ..grant };
        Ok(Self { refresh_token: Some(refresh_token), ..Self::without_refresh(narrowed) })
    }
}
