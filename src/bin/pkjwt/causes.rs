//! The likely causes of a refusal, for the lines after an error.

use private_key_jwt::oauth::{Cause, CauseKind, Certainty};

/// The most causes that are shown.
const MOST: usize = 6;

/// One line for each cause, the most likely first: how sure it is, and what to change.
pub(crate) fn lines(error: &private_key_jwt::Error) -> Vec<String> {
    // The error shows the times itself.
    let shows_times = error.refusal().is_some_and(|refusal| refusal.clock().is_some());
    let is_shown =
        |cause: &Cause| shows_times && matches!(cause.kind(), CauseKind::Expired | CauseKind::NotYetValid);
    let causes: Vec<Cause> = error.hint().into_iter().filter(|cause| !is_shown(cause)).take(MOST).collect();
    // A code alone says as much as its advice.
    let adds = |cause: &Cause| cause.sent().is_some() || cause.contradiction().is_some();
    let is_code_alone = error.refusal().is_none_or(|refusal| refusal.message().is_none());
    if is_code_alone && !causes.iter().any(adds) {
        return Vec::new();
    }
    causes.iter().map(|cause| format!("{}: {cause}", certainty(cause.certainty()))).collect()
}

fn certainty(certainty: Certainty) -> &'static str {
    match certainty {
        Certainty::Certain => "cause",
        Certainty::Likely => "likely cause",
        _ => "possible cause",
    }
}
