//! The outcome of a call in a few words: the variant of the error, and the fields that matter.

use private_key_jwt::client::ErrorKind;
use private_key_jwt::jose::JoseError;
use private_key_jwt::oauth::OAuthError;
use private_key_jwt::transport::TransportError;
use private_key_jwt::{Error, PrivateKey, TokenClient, TokenRequest, TokenResponse};

use crate::support::{clean, key};

/// The secret of every token that a server here issues.
pub(crate) const TOKEN: &str = "AT";

/// The words, and the number of attempts. Checks the error for secrets.
pub(crate) fn outcome(result: Result<TokenResponse, Error>) -> (String, Option<u32>) {
    let error = match result {
        Ok(response) => {
            assert_eq!(response.access_token().secret(), TOKEN);
            return ("a token".to_owned(), None);
        }
        Err(error) => clean(error),
    };
    let words = match error.kind() {
        ErrorKind::Transport(error) => transport(error).to_owned(),
        ErrorKind::OAuth(OAuthError::Refused(answer) | OAuthError::Unavailable(answer))
            if answer.clock().is_some() =>
        {
            format!("Clock {}", answer.status())
        }
        ErrorKind::OAuth(OAuthError::Refused(answer)) => format!("Refused {}", answer.status()),
        ErrorKind::OAuth(OAuthError::Unavailable(answer)) => format!("Unavailable {}", answer.status()),
        ErrorKind::OAuth(OAuthError::Redirect { status, .. }) => format!("Redirect {status}"),
        ErrorKind::OAuth(OAuthError::Response { reason, .. }) => format!("Response, {}", unreadable(reason)),
        ErrorKind::OAuth(OAuthError::ContentEncoding { found, .. }) => format!("ContentEncoding {found}"),
        ErrorKind::Remembered { refusal, .. } => format!("Remembered {}", refusal.status()),
        other => format!("{other:?}"),
    };
    (words, Some(error.attempts()))
}

pub(crate) fn a_token() -> (String, Option<u32>) {
    ("a token".to_owned(), None)
}

pub(crate) fn error(words: &str, attempts: u32) -> (String, Option<u32>) {
    (words.to_owned(), Some(attempts))
}

pub(crate) fn es256() -> PrivateKey {
    key("p256.pkcs8.pem")
}

pub(crate) fn es384() -> PrivateKey {
    key("p384.pkcs8.pem")
}

/// The outcome of a request: the words, and the number of attempts if it failed.
pub(crate) async fn get(client: &TokenClient, request: &TokenRequest) -> (String, Option<u32>) {
    outcome(client.request(request).await)
}

fn transport(error: &TransportError) -> &'static str {
    match error {
        TransportError::Connect { .. } => "Connect",
        TransportError::Tls { .. } => "Tls",
        TransportError::Timeout { .. } => "Timeout",
        TransportError::Broken { .. } => "Broken",
        TransportError::Incomplete { .. } => "Incomplete",
        TransportError::Malformed { .. } => "Malformed",
        TransportError::BodyTooLarge { .. } => "BodyTooLarge",
        other => panic!("{other:?}"),
    }
}

fn unreadable(reason: &JoseError) -> String {
    match reason {
        JoseError::Json { line, column, .. } => format!("Json {line}:{column}"),
        JoseError::NotAnObject { .. } => "NotAnObject".to_owned(),
        JoseError::MissingMember { member, .. } => format!("MissingMember {member}"),
        JoseError::InvalidMember { member, .. } => format!("InvalidMember {member}"),
        JoseError::DuplicateMember { member, .. } => format!("DuplicateMember {member}"),
        other => format!("{other:?}"),
    }
}
