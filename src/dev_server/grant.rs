//! What a client may do with a token.

use serde_json::{Map, Value};
use time::OffsetDateTime;

use super::form::Parameters;
use super::refused::Refused;
use crate::client::fresh_jti;
use crate::jose::error::excerpt;
use crate::keys::KeyError;
use crate::oauth::{Scope, is_resource};

/// The `aud` of a token if the request names no resource.
pub(super) const DEFAULT_AUDIENCE: &str = "https://api.example";

/// The scopes, and the resources that they are for.
#[derive(Clone, Default)]
pub(super) struct Access {
    scope: Scope,
    resources: Vec<String>,
}

impl Access {
    /// Reads the access that a request asks for: `scope`, `resource` (RFC 8707 §2) and `audience`
    /// (RFC 8693 §2.1).
    pub(super) fn of(parameters: &Parameters<'_>) -> Result<Self, Refused> {
        let scope = Scope::from(parameters.value("scope").unwrap_or_default());
        scope.check().map_err(|error| Refused::invalid_scope(&error.to_string()))?;
        Ok(Self { scope, ..Self::of_exchange(parameters)? })
    }

    /// As `Self::of`, but ignores `scope`: the exchange of a code has no such parameter (RFC 6749
    /// §4.1.3, RFC 8628 §3.4), but MSAL sends one.
    pub(super) fn of_exchange(parameters: &Parameters<'_>) -> Result<Self, Refused> {
        let mut resources = Vec::new();
        for resource in parameters.values("resource") {
            if !is_resource(resource) {
                let description =
                    format!("the resource `{}` is not an absolute URI without a fragment", excerpt(resource));
                return Err(Refused::invalid_target(&description));
            }
            resources.push(resource.to_owned());
        }
        for audience in parameters.values("audience") {
            if !is_printable_ascii(audience) {
                let description = format!("the audience `{}` is not printable ASCII", excerpt(audience));
                return Err(Refused::invalid_target(&description));
            }
            resources.push(audience.to_owned());
        }
        Ok(Self { scope: Scope::default(), resources })
    }

    /// Narrows this access to the request, and refuses anything beyond it (RFC 6749 §6, RFC 8707
    /// §2.2). If the request names no scopes or no resources, the granted ones apply.
    pub(super) fn narrowed(&self, asked: Self) -> Result<Self, Refused> {
        if let Some(scope) = asked.scope.iter().find(|asked| !self.scope.iter().any(|scope| scope == *asked))
        {
            let granted = self.scope().map_or_else(|| "none".to_owned(), |scope| format!("`{scope}`"));
            let description = format!("the scope `{}` was not granted, granted: {granted}", excerpt(scope));
            return Err(Refused::invalid_scope(&description));
        }
        let granted = |asked: &&String| self.resources.is_empty() || self.resources.contains(asked);
        if let Some(resource) = asked.resources.iter().find(|asked| !granted(asked)) {
            let granted = self.resources.join("`, `");
            let description =
                format!("the resource `{}` was not granted, granted: `{granted}`", excerpt(resource));
            return Err(Refused::invalid_target(&description));
        }
        Ok(asked.or(self.clone()))
    }

    /// Takes the scopes and the resources from `before` if the request names none.
    pub(super) fn or(self, before: Self) -> Self {
        Self {
            scope: if self.scope.is_empty() { before.scope } else { self.scope },
            resources: if self.resources.is_empty() { before.resources } else { self.resources },
        }
    }

    /// The access that an access token of this server allows.
    pub(super) fn of_claims(claims: &Map<String, Value>) -> Self {
        let text = |value: &Value| value.as_str().map(str::to_owned);
        let resources = match claims.get("aud") {
            Some(Value::Array(several)) => several.iter().filter_map(text).collect(),
            one => one.and_then(text).into_iter().collect(),
        };
        let scope = claims.get("scope").and_then(Value::as_str).unwrap_or_default();
        Self { scope: scope.into(), resources }
    }

    pub(super) fn has_scope(&self, scope: &str) -> bool {
        self.scope.iter().any(|found| found == scope)
    }

    /// The scopes, where there are any.
    pub(super) fn scope(&self) -> Option<String> {
        (!self.scope.is_empty()).then(|| self.scope.to_string())
    }

    /// The `aud` of a token (RFC 9068 §3).
    pub(super) fn audience(&self) -> Value {
        match self.audiences() {
            (audience, []) => audience.into(),
            _ => self.resources.as_slice().into(),
        }
    }

    /// The audiences of a token: the first, and the others.
    pub(super) fn audiences(&self) -> (&str, &[String]) {
        self.resources.split_first().map_or((DEFAULT_AUDIENCE, &[]), |(first, others)| (first, others))
    }

    /// The scopes, for the log.
    pub(super) fn note(&self) -> String {
        self.scope().map(|scope| format!(" scope=\"{scope}\"")).unwrap_or_default()
    }
}

/// What a client may do, as allowed by a user or by the client itself. A token carries all of it.
#[derive(Clone)]
pub(super) struct Grant {
    /// Identifies what a user has allowed, so that all tokens of one grant can be revoked together.
    /// `None` if the client acts in its own name.
    pub(super) id: Option<String>,
    pub(super) client_id: String,
    pub(super) subject: String,
    /// When the user logged in: the `auth_time` of ID tokens. A grant without it yields no ID
    /// token.
    pub(super) authenticated: Option<OffsetDateTime>,
    /// Who acts for the subject (`act`, RFC 8693 §4.1).
    pub(super) actor: Option<Value>,
    pub(super) access: Access,
}

impl Grant {
    /// The grant of a client that acts in its own name.
    pub(super) fn of_client(client_id: &str, access: Access) -> Self {
        let (client_id, subject) = (client_id.to_owned(), client_id.to_owned());
        Self { id: None, client_id, subject, authenticated: None, actor: None, access }
    }

    /// The grant of a user who logs in now.
    pub(super) fn of_user(
        subject: &str,
        client_id: &str,
        access: Access,
        now: OffsetDateTime,
    ) -> Result<Self, KeyError> {
        let grant = Self::of_client(client_id, access);
        let id = Some(fresh_jti()?);
        Ok(Self { id, subject: subject.to_owned(), authenticated: Some(now), ..grant })
    }
}

/// `VSCHAR` of RFC 6749 A.
pub(super) fn is_printable_ascii(text: &str) -> bool {
    text.bytes().all(|byte| (0x20..=0x7e).contains(&byte))
}
