use crate::oauth::hint::kind::CauseKind;

/// A text of a server, and what it stands for.
pub(in crate::oauth::hint) struct Row {
    /// Whether the text means something else at other servers, or nothing.
    pub(in crate::oauth::hint) needs_server: bool,
    /// The status, or several. 0 stands for any.
    pub(in crate::oauth::hint) statuses: &'static [u16],
    /// The `error` code, or several. `*` stands for any, `-` for none.
    pub(in crate::oauth::hint) errors: &'static [&'static str],
    /// Patterns, as [`says`](crate::oauth::pattern::says) reads them. One must match.
    pub(in crate::oauth::hint) texts: &'static [&'static str],
    /// The likeliest first, each with advice for this server, or "" for the advice of the kind.
    pub(in crate::oauth::hint) causes: &'static [(CauseKind, &'static str)],
}

/// Writes rows as `[known] STATUS "ERROR": "TEXT" => CAUSE ["ADVICE"], …;`. Alternatives are
/// separated by `/` and `|`.
macro_rules! rows {
    ($($($known:ident)? $($status:literal)/+ $($error:literal)|+: $($text:literal)|+
        => $($kind:ident $($advice:literal)?),+;)*) => {
        &[$($crate::oauth::hint::table::row::Row {
            needs_server: !stringify!($($known)?).is_empty(),
            statuses: &[$($status),+],
            errors: &[$($error),+],
            texts: &[$($text),+],
            causes: &[$(($crate::oauth::hint::kind::CauseKind::$kind, concat!($($advice)?))),+],
        }),*]
    };
}
pub(super) use rows;

/// Writes rows without a status and an `error`, as `"TEXT" => CAUSE ["ADVICE"], …;`.
macro_rules! lines {
    ($($($text:literal)|+ => $($kind:ident $($advice:literal)?),+;)*) => {
        $crate::oauth::hint::table::row::rows! {
            $(0 "*": $($text)|+ => $($kind $($advice)?),+;)*
        }
    };
}
pub(super) use lines;
