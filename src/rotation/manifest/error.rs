/// Why a manifest was refused: the line, what was found there, and what to do.
///
/// It may quote the manifest, but never a text that looks like a key.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("keys.toml line {line}: {why}")]
pub struct ManifestError {
    line: usize,
    why: String,
}

impl ManifestError {
    pub(super) fn new(line: usize, why: impl Into<String>) -> Self {
        Self { line, why: why.into() }
    }

    /// The line, counted from 1.
    #[must_use]
    pub const fn line(&self) -> usize {
        self.line
    }
}
