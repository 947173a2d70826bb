//! What a provider is to the dev server.

use http::StatusCode;
use serde_json::{Value, json};

use crate::dev_server::fault::{Fault, FaultKind};

/// A provider as a server.
pub(in crate::dev_server) struct Provider {
    /// The names of its profile in [`Profile::known`].
    pub(super) names: &'static [&'static str],
    /// When the header must say which key signed, in addition to what the profile says.
    pub(in crate::dev_server) key_id: KeyIdDemand,
    /// The tolerated difference of the clocks, in seconds.
    pub(in crate::dev_server) leeway: u64,
    /// How long after `iat` an assertion is accepted, in seconds.
    pub(in crate::dev_server) usable_for: Option<u64>,
    pub(in crate::dev_server) needs_jti: bool,
    /// Whether each assertion is accepted once.
    pub(in crate::dev_server) once: bool,
    /// Whether the rules of FAPI 2.0 apply.
    pub(in crate::dev_server) fapi2: bool,
    /// Its answers. `None` for those of the dev server.
    pub(super) answers: Option<&'static Answers>,
}

/// When the header must say which key signed the assertion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::dev_server) enum KeyIdDemand {
    Optional,
    /// `kid`, if the client has several keys.
    WithSeveralKeys,
    /// `kid`, `x5t` or `x5t#S256`.
    OrThumbprint,
}

/// The answers of a provider to refused clients.
pub(super) struct Answers {
    pub(super) rows: &'static [Row],
    /// For every other fault. `None`: those are answered in the dev server's own words.
    pub(super) otherwise: Option<(u16, &'static str, &'static str)>,
}

/// A fault, and its status, error code and text. `{}` in a text stands for the detail of the fault.
/// An empty text is left out.
pub(super) type Row = (FaultKind, u16, &'static str, &'static str);

impl Provider {
    /// The strictest reading of the specifications, which the dev server follows by itself.
    pub(super) const STRICT: Self = Self {
        names: &[],
        key_id: KeyIdDemand::Optional,
        leeway: 10,
        usable_for: None,
        needs_jti: true,
        once: true,
        fapi2: false,
        answers: None,
    };

    /// The answer to a client. `None` if the dev server's own answer applies.
    pub(in crate::dev_server) fn answer(&self, fault: &Fault) -> Option<(StatusCode, Value)> {
        let answers = self.answers?;
        let row = answers.rows.iter().find(|(kind, ..)| *kind == fault.kind);
        let row = row.map(|(_, status, error, text)| (*status, *error, *text));
        let (status, error, text) = row.or(answers.otherwise)?;
        let mut body = json!({"error": error});
        if let Value::Object(members) = &mut body
            && !text.is_empty()
        {
            let text = text.replace("{}", &fault.detail);
            if let Some(code) = entra_code(&text) {
                let url = format!("https://login.microsoftonline.com/error?code={code}");
                members.insert("error_codes".to_owned(), json!([code]));
                members.insert("error_uri".to_owned(), url.into());
            }
            members.insert("error_description".to_owned(), text.into());
        }
        Some((StatusCode::from_u16(status).unwrap_or(StatusCode::UNAUTHORIZED), body))
    }
}

/// The number of a text of Entra ID, which its answers repeat as a member.
fn entra_code(text: &str) -> Option<u64> {
    text.strip_prefix("AADSTS")?.split(':').next()?.parse().ok()
}
