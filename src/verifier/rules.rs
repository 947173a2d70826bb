//! The settings that both verifiers share, and the checks that depend on them.

use std::sync::Arc;
use std::time::Duration;

use super::VerifierError;
use super::claims::{Times, whole_seconds};
use super::setting::Settings;
use crate::jose::header::ReadHeaders;
use crate::jose::{Algorithm, CompactJws};

/// Which JWTs a verifier accepts, apart from their claims. By default, every algorithm of this
/// crate is allowed, and clocks may differ by 10 s.
#[derive(Clone, Debug)]
pub(crate) struct JwtRules {
    algorithms: Vec<Algorithm>,
    leeway: i64,
    longest_lifetime: i64,
    pub(super) settings: Settings,
    headers: Arc<ReadHeaders>,
}

impl JwtRules {
    /// The maximum length of a JWT, in bytes.
    pub(super) const MAX_LEN: usize = 16 * 1024;
    /// The default leeway, in seconds.
    pub(crate) const LEEWAY: i64 = 10;
    /// The largest accepted leeway.
    pub(super) const MAX_LEEWAY: Duration = Duration::from_secs(60);

    pub(crate) fn new(longest_lifetime: Duration) -> Self {
        Self {
            algorithms: Algorithm::ALL.to_vec(),
            leeway: Self::LEEWAY,
            longest_lifetime: whole_seconds(longest_lifetime),
            settings: Settings::default(),
            headers: Arc::default(),
        }
    }

    pub(super) fn allow(&mut self, algorithms: impl IntoIterator<Item = Algorithm>) {
        self.algorithms = algorithms.into_iter().collect();
    }

    pub(super) fn set_leeway(&mut self, leeway: Duration) {
        self.leeway = whole_seconds(leeway.min(Self::MAX_LEEWAY));
    }

    pub(super) fn set_longest_lifetime(&mut self, lifetime: Duration) {
        self.longest_lifetime = whole_seconds(lifetime);
    }

    /// Parses a JWT, unless a setting of the verifier is empty or the JWT is too long.
    pub(crate) fn parse<'a>(&self, token: &'a str) -> Result<CompactJws<'a>, VerifierError> {
        self.settings.check()?;
        if token.len() > Self::MAX_LEN {
            return Err(VerifierError::TooLarge { found: token.len(), limit: Self::MAX_LEN });
        }
        Ok(CompactJws::parse_with(token, |header| self.headers.read(header))?)
    }

    /// Whether the algorithm is allowed and, if one is registered, is that one; by either of its
    /// names (RFC 8725 §3.2, RFC 9864 §2.2).
    pub(super) fn check_algorithm(
        &self,
        found: Algorithm,
        registered: Option<Algorithm>,
    ) -> Result<(), VerifierError> {
        let fits = |allowed: &Algorithm| registered.is_none_or(|registered| registered.is_same_as(*allowed));
        let allowed = self.algorithms.iter().copied().filter(fits);
        if allowed.clone().any(|allowed| allowed.is_same_as(found)) {
            Ok(())
        } else {
            Err(VerifierError::Algorithm { found, allowed: allowed.collect() })
        }
    }

    /// Checks that the times are in seconds, not expired and not in the future.
    pub(super) fn check_clock(&self, times: &Times, now: i64) -> Result<(), VerifierError> {
        times.check(self.leeway, now)
    }

    /// Checks that the times are in seconds, not expired and not in the future, and that the
    /// lifetime is within the limit.
    pub(crate) fn check_times(&self, times: &Times, now: i64) -> Result<(), VerifierError> {
        self.check_clock(times, now)?;
        // A backdated JWT has used up part of its lifetime, so the lifetime starts at `iat`.
        let found = times.exp.saturating_sub(times.iat.unwrap_or(now).min(now));
        let limit = self.longest_lifetime;
        if found > limit.saturating_add(self.leeway) {
            return Err(VerifierError::Lifetime { found, limit, issued: times.iat });
        }
        Ok(())
    }
}
