use std::fmt;
use std::time::Duration;

use super::Audience;
use super::certificate_headers::CertificateHeaders;
use crate::jose::secret_form::Shown;

/// What an assertion looks like, as a profile or the user wants it. `None` says nothing.
#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct Rules {
    pub(super) audience: Option<Audience>,
    /// The `typ` header: one, or none.
    media_type: Option<Option<String>>,
    pub(super) lifetime: Option<Duration>,
    pub(super) not_before: Option<Duration>,
    pub(super) sends_key_id: Option<bool>,
    pub(super) sends_client_id: Option<bool>,
    pub(super) certificate: CertificateHeaders,
}

impl Rules {
    /// Sets the `typ` header. `None` or an empty one omits it.
    pub(super) fn set_media_type(&mut self, media_type: Option<&str>) {
        let media_type = media_type.filter(|media_type| !media_type.is_empty());
        self.media_type = Some(media_type.map(str::to_owned));
    }

    pub(super) fn media_type(&self) -> Option<Option<&str>> {
        self.media_type.as_ref().map(Option::as_deref)
    }
}

impl fmt::Debug for Rules {
    /// A media type may be a misplaced secret.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rules")
            .field("audience", &self.audience)
            .field("media_type", &self.media_type().map(|media_type| media_type.map(Shown)))
            .field("lifetime", &self.lifetime)
            .field("not_before", &self.not_before)
            .field("sends_key_id", &self.sends_key_id)
            .field("sends_client_id", &self.sends_client_id)
            .field("certificate", &self.certificate)
            .finish()
    }
}
