//! The parts of error messages that are more than a value.

use std::time::Duration;

/// Describes a redirect.
pub(super) fn redirect(status: u16, location: Option<&str>) -> String {
    let to = location.map(|to| format!(" to {to}")).unwrap_or_default();
    format!("{status}, a redirect{to}, which is not followed")
}

pub(super) fn lifetime_limit(limit: Duration, profile: Option<&str>) -> String {
    match profile {
        Some(profile) => format!("but {profile} accepts 1 s to {limit:?}"),
        None => format!("not 1 s to {limit:?}"),
    }
}

/// The values of a list: `a, b or c`.
pub(super) fn one_of<T: ToString>(values: &[T]) -> String {
    let texts: Vec<String> = values.iter().map(T::to_string).collect();
    match texts.split_last() {
        None => "none".to_owned(),
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
    }
}

pub(super) fn typ(typ: &Option<String>) -> String {
    typ.as_ref().map_or_else(|| "a missing typ".to_owned(), |typ| format!("the typ `{typ}`"))
}

pub(super) fn typs(all: &[Option<String>]) -> Vec<String> {
    let text =
        |typ: &Option<String>| typ.as_ref().map_or_else(|| "none".to_owned(), |typ| format!("`{typ}`"));
    all.iter().map(text).collect()
}
