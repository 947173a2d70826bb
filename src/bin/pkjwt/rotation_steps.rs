//! The order of the steps of a rotation at a provider that takes a JWK Set instead of its URL.

use private_key_jwt::rotation::{Move, Phase, Plan};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use crate::output;

/// The lines for stderr. If another key signs later, each step has its file and its time.
pub(crate) fn steps(plan: &Plan, now: OffsetDateTime) -> Vec<String> {
    let known = Known::of(plan, now);
    let with = |text: &str, time: Option<String>| match time {
        Some(time) => format!("{text}: {time}"),
        None => text.to_owned(),
    };
    let next = known.as_ref().map(|known| {
        let publish =
            known.published.map(|at| format!("{} {}", if at <= now { "since" } else { "from" }, shown(at)));
        (
            format!("`{}` {}", known.file, publish.unwrap_or_else(|| "is in it".to_owned())),
            shown(known.active),
        )
    });
    let last = known.as_ref().and_then(|known| known.gone.as_ref());
    let last = last.map(|(file, at)| format!("`{file}` at {}", shown(*at)));
    let wait = format!("{} after it was pasted, the propagation time", output::words(plan.propagation));
    [
        "Order of a rotation at a provider that takes no URL:".to_owned(),
        with(
            "  1. publish: this set has the next key, which does not sign yet",
            next.as_ref().map(|(file, _)| file.clone()),
        ),
        "  2. paste: give this set to the provider".to_owned(),
        with("  3. wait: until the provider uses it", Some(wait)),
        with(
            "  4. activate: the next key signs",
            next.map(|(_, at)| format!("at {at}; if step 3 is not done by then, set a later time")),
        ),
        with("  5. remove: the old key leaves this set", last),
        "  6. paste again: give the set without the old key to the provider".to_owned(),
    ]
    .into()
}

/// The next rotation of a plan.
struct Known<'p> {
    /// The file of the key that signs next.
    file: &'p str,
    /// `None` if it always was published.
    published: Option<OffsetDateTime>,
    active: OffsetDateTime,
    /// The key that signs until then, and when it leaves.
    gone: Option<(&'p str, OffsetDateTime)>,
}

impl<'p> Known<'p> {
    fn of(plan: &'p Plan, now: OffsetDateTime) -> Option<Self> {
        let moves = plan.moves();
        let file = |step: &Move| plan.keys.get(step.key).map(|key| key.file.as_str());
        let is_next = |step: &&Move| step.phase == Phase::Active && step.at.is_some_and(|at| at > now);
        let next = moves.iter().find(is_next)?;
        let active = next.at?;
        let published = moves.iter().rfind(|step| step.key == next.key && step.phase == Phase::Published);
        let retiring = moves.iter().find(|step| step.at == next.at && step.phase == Phase::Retiring);
        let gone = retiring.and_then(|retiring| {
            let is_gone = |step: &&Move| step.key == retiring.key && step.phase == Phase::Gone;
            let gone = moves.iter().filter(|step| step.at >= next.at).find(is_gone)?;
            Some((file(gone)?, gone.at?))
        });
        Some(Self { file: file(next)?, published: published.and_then(|step| step.at), active, gone })
    }
}

fn shown(time: OffsetDateTime) -> String {
    let time = time.to_offset(time::UtcOffset::UTC);
    time.replace_nanosecond(0).unwrap_or(time).format(&Rfc3339).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use private_key_jwt::rotation::PlannedKey;

    use super::*;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::from_unix_timestamp(seconds).unwrap_or(OffsetDateTime::UNIX_EPOCH)
    }

    #[test]
    fn without_a_next_key_the_steps_have_no_times() {
        let expected = [
            "Order of a rotation at a provider that takes no URL:",
            "  1. publish: this set has the next key, which does not sign yet",
            "  2. paste: give this set to the provider",
            "  3. wait: until the provider uses it: 5 minutes after it was pasted, the propagation time",
            "  4. activate: the next key signs",
            "  5. remove: the old key leaves this set",
            "  6. paste again: give the set without the old key to the provider",
        ];
        assert_eq!(steps(&Plan::new(vec![PlannedKey::new("first.pem")]), at(0)), expected);
    }

    #[test]
    fn with_a_plan_each_step_has_its_file_and_its_time() {
        let mut next = PlannedKey::new("next.pem");
        next.publish = Some(at(60));
        next.activate = Some(at(3600));
        let mut plan = Plan::new(vec![PlannedKey::new("first.pem"), next]);
        plan.overlap = Duration::from_secs(7200);
        plan.propagation = Duration::from_secs(600);
        let numbered = |now| {
            let lines = steps(&plan, at(now));
            [1, 4, 5].map(|number| lines.get(number).cloned().unwrap_or_default())
        };
        let [publish, activate, remove] = [
            "  1. publish: this set has the next key, which does not sign yet: `next.pem` from 1970-01-01T00:01:00Z",
            "  4. activate: the next key signs: at 1970-01-01T01:00:00Z; if step 3 is not done by then, set a later time",
            "  5. remove: the old key leaves this set: `first.pem` at 1970-01-01T03:00:00Z",
        ];
        assert_eq!(numbered(0), [publish, activate, remove]);
        let published = publish.replace("from", "since");
        assert_eq!(numbered(60), [published.as_str(), activate, remove]);
        assert_eq!(numbered(3599), [published.as_str(), activate, remove]);
        // The next key signs.
        assert!(numbered(3600).iter().all(|line| !line.contains("1970")));
        plan.keys.iter_mut().for_each(|key| key.publish = None);
        let lines = steps(&plan, at(0));
        assert!(lines.iter().any(|line| line.ends_with("not sign yet: `next.pem` is in it")), "{lines:?}");
    }
}
