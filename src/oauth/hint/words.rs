//! What the words of a server stand for, by the table.

use super::cause::Certainty;
use super::kind::CauseKind;
use super::table::{ALL, LOGS, Row, Server};
use crate::oauth::Refusal;
use crate::oauth::layer::Layer;
use crate::oauth::pattern::says;

/// The causes that a text stands for, the likeliest first, each with advice, or "".
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Meaning {
    pub(super) causes: Vec<(CauseKind, &'static str)>,
    /// Whether the text is known to be of the server.
    pub(super) is_certain: bool,
    /// Whether the server has one answer for every cause.
    pub(super) is_unspecific: bool,
}

impl Meaning {
    /// How sure the cause in this place is.
    pub(super) fn certainty(&self, place: usize) -> Certainty {
        match (self.causes.len(), place) {
            _ if self.is_unspecific => Certainty::Possible,
            (1, _) if self.is_certain => Certainty::Certain,
            (_, 0) => Certainty::Likely,
            // One of two.
            (2, _) => Certainty::Likely,
            _ => Certainty::Possible,
        }
    }

    fn of(rows: &[Found], is_certain: bool) -> Self {
        let mut causes: Vec<(CauseKind, &'static str)> = Vec::new();
        for (kind, advice) in rows.iter().flat_map(|found| found.row.causes) {
            match causes.iter_mut().find(|(known, _)| known == kind) {
                // Two servers share the text, so the advice for one of them may be wrong.
                Some((_, kept)) if kept != advice => *kept = "",
                Some(_) => {}
                None => causes.push((*kind, advice)),
            }
        }
        let is_unspecific = causes.first().is_some_and(|(kind, _)| *kind == CauseKind::Unspecific);
        Self { causes, is_certain, is_unspecific }
    }
}

/// A row that matches.
#[derive(Clone, Copy)]
struct Found {
    row: &'static Row,
    has_error: bool,
    has_status: bool,
    /// The length of the pattern that matches.
    length: usize,
    /// Whether the pattern is a code for machines.
    is_code: bool,
}

/// What a server said: its texts, and the codes in place of a text.
struct Said<'a> {
    status: u16,
    error: Option<&'a str>,
    texts: Vec<String>,
}

impl<'a> Said<'a> {
    fn by(refusal: &'a Refusal) -> Self {
        let message = refusal.message().unwrap_or_default();
        // Entra ID's older answers have two codes; the second is the cause.
        let codes = refusal.members().get("error_codes").map(|codes| numbers(codes)).unwrap_or_default();
        let codes = codes.into_iter().rev().map(|code| format!("AADSTS{code}: {message}"));
        let others = [refusal.uri(), refusal.code()].into_iter().flatten().map(str::to_owned);
        let texts = refusal.texts().flat_map(spellings);
        let mut texts: Vec<String> = codes.chain(others).chain(texts).collect();
        if message.is_empty() {
            texts.push(String::new());
        }
        Self { status: refusal.status(), error: refusal.error(), texts }
    }

    fn finds(&self, row: &'static Row) -> Option<Found> {
        let pattern = row.texts.iter().filter(|pattern| self.texts.iter().any(|text| says(text, pattern)));
        let pattern = pattern.max_by_key(|pattern| pattern.len())?;
        let is_error = |error: &&str| match *error {
            "*" => true,
            "-" => self.error.is_none(),
            error => self.error == Some(error),
        };
        let (has_error, is_code) = (row.errors.iter().any(is_error), is_code(pattern));
        // With this code, the same words are about the grant, such as a refresh token.
        if self.error == Some("invalid_grant") && !has_error && !is_code {
            return None;
        }
        Some(Found {
            row,
            has_error,
            has_status: row.statuses.iter().any(|status| [0, self.status].contains(status)),
            length: pattern.len(),
            is_code,
        })
    }

    /// The first row of a server that matches, its `error` included if that is possible.
    fn first_of(&self, server: &'static Server, is_known: bool) -> Option<Found> {
        let rows = server.rows.iter().filter(|row| is_known || !row.needs_server);
        let found: Vec<Found> = rows.filter_map(|row| self.finds(row)).collect();
        let with_error = found.iter().find(|found| found.has_error);
        with_error.or_else(|| found.iter().find(|found| !found.row.needs_server)).copied()
    }
}

/// What the words of a refusal stand for at this server. If the server is unknown, or has no such
/// text, other servers are searched, except for texts that mean something only at one of them.
pub(super) fn meaning(refusal: &Refusal, server: Option<&'static Server>) -> Option<Meaning> {
    let said = Said::by(refusal);
    let of_field = || refusal.correlation_ids().iter().find_map(|(name, _)| Server::of_field(name));
    if let Some(found) = server.or_else(of_field).and_then(|server| said.first_of(server, true)) {
        return Some(Meaning::of(&[found], true));
    }
    let found: Vec<Found> = ALL.iter().filter_map(|server| said.first_of(server, false)).collect();
    if let Some(found) = best(&found) {
        let is_code = found.iter().all(|found| found.is_code);
        return Some(Meaning::of(&found, is_code));
    }
    // Several servers have such a text, and mean different causes.
    let shared = ALL.iter().flat_map(|server| server.rows).filter(|row| row.needs_server);
    let is_of_client = matches!(said.error, Some("invalid_client" | "unauthorized"));
    let is_shared = is_of_client && shared.filter_map(|row| said.finds(row)).next().is_some();
    is_shared.then(|| Meaning {
        causes: vec![(CauseKind::Unspecific, "")],
        is_unspecific: true,
        ..Meaning::default()
    })
}

/// What a line in the log of a server, or a text of any answer, stands for.
pub(super) fn meaning_of_text(text: &str) -> Option<Meaning> {
    let text: String = text.chars().take(LONGEST_TEXT).collect();
    let said = Said { status: 0, error: None, texts: spellings(&text) };
    let rows = ALL.iter().flat_map(|server| server.rows).filter(|row| !row.needs_server).chain(LOGS);
    let found: Vec<Found> = rows.filter_map(|row| said.finds(row)).collect();
    let longest = found.iter().map(|found| found.length).max()?;
    let found: Vec<Found> = found.into_iter().filter(|found| found.length == longest).collect();
    let is_code = found.iter().all(|found| found.is_code);
    Some(Meaning::of(&found, is_code))
}

/// The rows that fit best: the `error` fits, the pattern is the longest, and the status fits.
fn best(found: &[Found]) -> Option<Vec<Found>> {
    let rank = |found: &Found| (found.has_error, found.length, found.has_status);
    let best = found.iter().map(rank).max()?;
    Some(found.iter().filter(|found| rank(found) == best).copied().collect())
}

/// Whether a pattern is a code for machines, such as `MP-110`: it names one server.
fn is_code(pattern: &str) -> bool {
    let first = pattern.split('*').next().unwrap_or_default();
    !first.contains(' ') && first.contains(|character: char| character.is_ascii_digit())
}

/// A text as it is, and with its escapes undone, because texts are copied out of JSON, of URLs and
/// of pages. White space and quotation marks become those of a server.
pub(super) fn spellings(text: &str) -> Vec<String> {
    let plain = |layer: &Layer| {
        let text = String::from_utf8_lossy(layer.bytes());
        let text = text.replace(['\u{2018}', '\u{2019}'], "'").replace(['\u{201c}', '\u{201d}'], "\"");
        // In a form, `+` stands for a space.
        let text = if text.contains(char::is_whitespace) { text } else { text.replace('+', " ") };
        text.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    let layers = std::iter::successors(Some(Layer::of(text)), Layer::below);
    layers.take(MOST_LAYERS).map(|layer| plain(&layer)).collect()
}

/// The numbers in a JSON array, as text.
fn numbers(array: &str) -> Vec<&str> {
    let numbers = array.split(|character: char| !character.is_ascii_digit());
    numbers.filter(|number| (1..=10).contains(&number.len())).take(MOST_CODES).collect()
}

/// The characters of a text that are read.
pub(super) const LONGEST_TEXT: usize = 1 << 14;
/// The layers of escapes that are undone, the text itself included.
const MOST_LAYERS: usize = 4;
/// The most codes of an answer that are looked up.
const MOST_CODES: usize = 4;
