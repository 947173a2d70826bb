//! A hash of everything that decides which token a request gets.

use sha2::{Digest, Sha256};

/// The hash, so far.
#[derive(Default)]
pub(crate) struct Fingerprint(Sha256);

impl Fingerprint {
    /// Adds the values of an option. Lengths come first, so that other values never look the same.
    pub(crate) fn add<T: AsRef<str>>(&mut self, name: &str, values: &[T]) {
        let mut text = |text: &str| {
            self.0.update(u64::try_from(text.len()).unwrap_or(u64::MAX).to_be_bytes());
            self.0.update(text);
        };
        text(name);
        text(&values.len().to_string());
        values.iter().for_each(|value| text(value.as_ref()));
    }

    /// The hash in hexadecimal digits.
    pub(crate) fn finish(self) -> String {
        self.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn other_values_never_look_the_same() {
        let of = |fields: &[(&str, &[&str])]| {
            let mut fingerprint = Fingerprint::default();
            fields.iter().for_each(|(name, values)| fingerprint.add(name, values));
            fingerprint.finish()
        };
        let all = [
            of(&[("a", &["b"]), ("c", &[])]),
            of(&[("a", &["b", "c"])]),
            of(&[("a", &["bc"])]),
            of(&[("ab", &["c"])]),
            of(&[("a", &[]), ("b", &["c"])]),
            of(&[("a", &[""]), ("b", &["c"])]),
        ];
        assert_eq!(all.iter().collect::<std::collections::BTreeSet<_>>().len(), all.len());
        assert_eq!(of(&[]), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
    }
}
