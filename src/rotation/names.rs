//! A key folder without a manifest: the plan that follows from the names of its keys.

use std::ffi::OsStr;

use time::{Date, Month, OffsetDateTime, Time};

use super::manifest::Manifest;
use super::plan::{Plan, PlannedKey};
use crate::jose::printable::printable;

/// Why the names of a folder without a manifest are no plan.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum NamesError {
    /// There are several keys, and their names do not say when each is to sign.
    #[error(
        "several keys ({}), and no manifest says which one signs; begin each name with the time when the key is to \
         sign, as in 2026-12-01T00-00Z.pem, or write a keys.toml",
        listed(.undated, .dated)
    )]
    Undated {
        /// The keys whose names have no time.
        undated: Vec<String>,
        /// The keys whose names have one.
        dated: Vec<String>,
    },
}

/// Whether a file of this name may be a key: it is not hidden, not the copy that an editor leaves,
/// and not the manifest.
pub(super) fn may_be_key(name: &OsStr) -> bool {
    let bytes = name.as_encoded_bytes();
    !bytes.starts_with(b".") && !bytes.ends_with(b"~") && name != Manifest::FILE
}

/// The plan of a folder without a manifest, from the names of its keys.
///
/// A lone key is always active. The names of several keys begin with the time when the key is to
/// sign, in UTC: `2026-12-01T00-00Z.pem` or, with seconds, `2026-12-01T00-00-00Z.pem`. Anything may
/// follow the time. Such a key is published as soon as its file is there.
///
/// The keys of the plan are ordered by time, then by name.
///
/// # Errors
///
/// [`NamesError::Undated`] if there are several keys and a name has no time.
pub(super) fn plan(names: &[String]) -> Result<Plan, NamesError> {
    if let [name] = names {
        return Ok(Plan::new(vec![PlannedKey::new(&**name)]));
    }
    let (dated, undated): (Vec<&String>, Vec<&String>) =
        names.iter().partition(|name| activation(name).is_some());
    if !undated.is_empty() {
        let owned = |names: Vec<&String>| names.into_iter().cloned().collect();
        return Err(NamesError::Undated { undated: owned(undated), dated: owned(dated) });
    }
    let mut keys: Vec<PlannedKey> = dated
        .into_iter()
        .map(|name| PlannedKey { activate: activation(name), ..PlannedKey::new(&**name) })
        .collect();
    keys.sort_by(|one, other| (one.activate, &one.file).cmp(&(other.activate, &other.file)));
    Ok(Plan::new(keys))
}

/// The time with which a name begins.
fn activation(name: &str) -> Option<OffsetDateTime> {
    let mut rest = name;
    let mut number = |digits: usize, after: &str| {
        let (text, others) = rest.split_at_checked(digits)?;
        rest = others.strip_prefix(after)?;
        text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<u16>().ok()).flatten()
    };
    let (year, month, day) = (number(4, "-")?, number(2, "-")?, number(2, "T")?);
    let hour = number(2, "-")?;
    // Either the seconds follow, or the end of the time.
    let (minute, second) = match number(2, "Z") {
        Some(minute) => (minute, 0),
        None => (number(2, "-")?, number(2, "Z")?),
    };
    let small = |number: u16| u8::try_from(number).ok();
    let date =
        Date::from_calendar_date(year.into(), Month::try_from(small(month)?).ok()?, small(day)?).ok()?;
    Some(OffsetDateTime::new_utc(date, Time::from_hms(small(hour)?, small(minute)?, small(second)?).ok()?))
}

fn listed(undated: &[String], dated: &[String]) -> String {
    const MOST: usize = 8;
    let count = undated.len() + dated.len();
    let mut names: Vec<String> =
        undated.iter().chain(dated).take(MOST).map(|name| printable(name, 64)).collect();
    if count > MOST {
        names.push(format!("and {} more", count - MOST));
    }
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(names: &[&str]) -> Result<Plan, NamesError> {
        plan(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>())
    }

    /// December 2026 and the seconds after its beginning.
    fn at(seconds: i64) -> Option<OffsetDateTime> {
        OffsetDateTime::from_unix_timestamp(1_796_083_200 + seconds).ok()
    }

    #[test]
    fn a_name_begins_with_the_time_of_its_activation() {
        for (name, expected) in [
            ("2026-12-01T00-00Z.pem", at(0)),
            ("2026-12-01T00-00-07Z.pem", at(7)),
            ("2026-12-01T01-02-03Z-next.pem", at(3723)),
            ("2026-12-01T00-00Z", at(0)),
            ("2026-12-01T00-00ZES256.pem", at(0)),
            ("2024-02-29T00-00Z.pem", at(-86_918_400)),
        ] {
            assert_eq!(activation(name), expected, "{name}");
            assert!(expected.is_some(), "{name}");
        }
        for name in [
            "",
            "key.pem",
            "2026-12-01.pem",
            "2026-12-01T00-00.pem",
            "2026-12-01T00:00Z.pem",
            "2026-12-01t00-00z.pem",
            "2026-12-01T00-00-00-00Z.pem",
            "x2026-12-01T00-00Z.pem",
            "2026-12-01T24-00Z.pem",
            "2026-12-01T00-60Z.pem",
            "2026-12-01T00-00-60Z.pem",
            "2026-13-01T00-00Z.pem",
            "2026-02-29T00-00Z.pem",
            "+026-12-01T00-00Z.pem",
            "202ß-12-01T00-00Z.pem",
            "2026-12-01T00-0ßZ.pem",
        ] {
            assert_eq!(activation(name), None, "{name}");
        }
    }

    #[test]
    fn a_lone_key_is_active_whatever_its_name_is() {
        for name in ["key.pem", "2026-12-01T00-00Z.pem"] {
            assert_eq!(of(&[name]), Ok(Plan::new(vec![PlannedKey::new(name)])));
        }
        assert_eq!(of(&[]), Ok(Plan::new(Vec::new())));
    }

    #[test]
    fn dated_names_order_themselves() {
        let key = |name: &str, activate| PlannedKey { activate, ..PlannedKey::new(name) };
        let names = ["2026-12-01T00-01Z-b.pem", "2026-12-01T00-00-30Z.pem", "2026-12-01T00-01Z-a.pem"];
        let expected = [
            key("2026-12-01T00-00-30Z.pem", at(30)),
            key("2026-12-01T00-01Z-a.pem", at(60)),
            key("2026-12-01T00-01Z-b.pem", at(60)),
        ];
        assert_eq!(of(&names), Ok(Plan::new(expected.to_vec())));
    }

    #[test]
    fn several_keys_without_a_time_are_an_error_with_two_ways_out() {
        let error = of(&["2026-12-01T00-00Z.pem", "b.pem", "a\n.pem"]).unwrap_err();
        assert_eq!(
            error.to_string(),
            "several keys (b.pem, a\\u{a}.pem, 2026-12-01T00-00Z.pem), and no manifest says which one signs; begin each \
             name with the time when the key is to sign, as in 2026-12-01T00-00Z.pem, or write a keys.toml"
        );
        let many: Vec<String> = (0..11).map(|index| format!("{index}.pem")).collect();
        let error = plan(&many).unwrap_err().to_string();
        assert!(
            error.starts_with(
                "several keys (0.pem, 1.pem, 2.pem, 3.pem, 4.pem, 5.pem, 6.pem, 7.pem, and 3 more)"
            ),
            "{error}"
        );
    }
}
