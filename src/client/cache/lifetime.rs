//! How long a token is used, and when to start refreshing it.
//!
//! The clock may be set while a token is cached. If it is set forward, the token looks older than
//! it is, which costs a request. If it is set back to before the token arrived, the token's age is
//! unknown: another token is requested, and this one is used meanwhile, unless the clock was set
//! back by more than the token's whole lifetime.

use std::time::Duration;

use time::OffsetDateTime;

use crate::client::backoff::fraction;
use crate::client::settings::Settings;
use crate::keys::after;
use crate::transport::refreshing::Phase;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lifetime {
    came: OffsetDateTime,
    /// When to start refreshing in the background.
    ageing: OffsetDateTime,
    end: OffsetDateTime,
}

impl Lifetime {
    /// The last part is shortened at random by up to half, so that tokens that arrived at the same
    /// time are renewed at different times.
    pub(super) fn of(
        settings: &Settings,
        now: OffsetDateTime,
        expires_at: Option<OffsetDateTime>,
        random: u64,
    ) -> Self {
        let end = expires_at.unwrap_or_else(|| after(now, settings.unstated_lifetime)).max(now);
        let life = Duration::try_from(end - now).unwrap_or_default();
        let default = (life / 10).min(Duration::from_secs(60));
        let ahead = settings.refresh_ahead.map_or(default, |set| set.min(life / 2));
        let ahead = ahead - fraction(ahead / 2, random);
        Self { came: now, ageing: end - ahead, end }
    }

    pub(super) fn phase(&self, now: OffsetDateTime) -> Phase {
        if now >= self.came && now < self.ageing {
            Phase::Fresh
        } else if now < self.end && self.came - now < self.end - self.came {
            Phase::Ageing
        } else {
            Phase::Over
        }
    }

    pub(super) fn left(&self, now: OffsetDateTime) -> Duration {
        (self.end - now).try_into().unwrap_or_default()
    }

    /// How long the token can be refreshed in the background before it expires.
    pub(super) fn window(&self) -> Duration {
        (self.end - self.ageing).unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(milliseconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(1_800_000_000).unwrap()
            + time::Duration::milliseconds(milliseconds)
    }

    /// Of a token that came at 0 and lives so many milliseconds.
    fn lifetime(settings: Settings, milliseconds: i64, random: u64) -> Lifetime {
        Lifetime::of(&settings, at(0), Some(at(milliseconds)), random)
    }

    fn ahead(settings: Settings, milliseconds: i64, random: u64) -> u128 {
        lifetime(settings, milliseconds, random).window().as_millis()
    }

    #[test]
    fn the_last_part_of_a_life_is_its_tenth_or_a_minute_and_up_to_a_half_less() {
        for (life, longest) in [(2_000, 200), (300_000, 30_000), (600_000, 60_000), (3_600_000, 60_000)] {
            let ahead = |random| ahead(Settings::DEFAULT, life, random);
            assert_eq!(ahead(0), longest, "{life}");
            assert_eq!(ahead(u64::MAX / 2), longest / 4 * 3, "{life}");
            assert_eq!(ahead(u64::MAX), longest / 2, "{life}");
        }
    }

    #[test]
    fn what_its_user_says_is_the_last_part_and_never_more_than_half_of_a_life() {
        let settings = Settings { refresh_ahead: Some(Duration::from_secs(120)), ..Settings::DEFAULT };
        for (life, longest) in [(3_600_000, 120_000), (300_000, 120_000), (60_000, 30_000)] {
            assert_eq!(ahead(settings, life, 0), longest, "{life}");
        }
        let none = Settings { refresh_ahead: Some(Duration::ZERO), ..settings };
        let lifetime = lifetime(none, 1000, 0);
        assert_eq!([999, 1000].map(|now| lifetime.phase(at(now))), [Phase::Fresh, Phase::Over]);
    }

    #[test]
    fn a_token_is_fresh_then_ageing_then_over() {
        let lifetime = lifetime(Settings::DEFAULT, 300_000, 0);
        for (now, expected) in [
            (0, Phase::Fresh),
            (269_999, Phase::Fresh),
            (270_000, Phase::Ageing),
            (299_999, Phase::Ageing),
            (300_000, Phase::Over),
            (i64::from(u32::MAX), Phase::Over),
        ] {
            assert_eq!(lifetime.phase(at(now)), expected, "{now}");
        }
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_the_token_in_use_during_its_refresh() {
        let lifetime = lifetime(Settings::DEFAULT, 300_000, 0);
        for (now, expected) in [
            (-1, Phase::Ageing),
            (-299_999, Phase::Ageing),
            (-300_000, Phase::Over),
            (-86_400_000, Phase::Over),
        ] {
            assert_eq!(lifetime.phase(at(now)), expected, "{now}");
        }
    }

    #[test]
    fn a_token_without_expires_in_is_kept_for_a_minute_by_default() {
        let lifetime = |settings| Lifetime::of(&settings, at(0), None, 0);
        let default = lifetime(Settings::DEFAULT);
        assert_eq!((default.end, default.ageing), (at(60_000), at(54_000)));
        let never = Settings { unstated_lifetime: Duration::ZERO, ..Settings::DEFAULT };
        assert_eq!(lifetime(never).phase(at(0)), Phase::Over);
    }

    #[test]
    fn a_life_that_is_over_before_it_begins_and_one_that_never_ends() {
        for milliseconds in [0, -1, -1_000_000] {
            let lifetime = lifetime(Settings::DEFAULT, milliseconds, u64::MAX);
            assert_eq!([-1, 0, 1].map(|now| lifetime.phase(at(now))), [Phase::Over; 3]);
        }
        let latest = time::PrimitiveDateTime::MAX.assume_utc();
        let endless = Lifetime::of(&Settings::DEFAULT, at(0), Some(latest), 0);
        assert_eq!(endless.phase(at(0)), Phase::Fresh);
        assert_eq!(endless.ageing, latest - Duration::from_secs(60));
        let unstated = Settings { unstated_lifetime: Duration::MAX, ..Settings::DEFAULT };
        assert_eq!(Lifetime::of(&unstated, at(0), None, 0).end, latest);
        assert_eq!(Lifetime::of(&unstated, latest, None, 0).phase(latest), Phase::Over);
    }
}
