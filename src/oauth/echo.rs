//! Secrets of a request, so that a refusal does not keep what its server echoes. Tokens and assertions are known by their
//! look wherever they are shown; a code or a refresh token may look like any word, and only who sent it can tell.

use http::Request;

use zeroize::Zeroizing;

/// The secrets in the form of a request, wiped on drop.
#[derive(Default)]
pub(crate) struct Secrets(Vec<Zeroizing<String>>);

impl Secrets {
    /// The parameters that are secrets. The assertion is none of them: it is always known by its look.
    const NAMES: [&str; 8] = [
        "code",
        "code_verifier",
        "device_code",
        "refresh_token",
        "assertion",
        "subject_token",
        "actor_token",
        "token",
    ];
    /// The shortest value that is masked, in bytes: less is no secret, and would be found in every other word.
    const SHORTEST: usize = 8;
    const MASK: &[u8] = b"[masked]";

    pub(crate) fn of(request: &Request<Vec<u8>>) -> Self {
        let pairs = form_urlencoded::parse(request.body());
        let secrets = pairs.filter(|(name, _)| Self::NAMES.contains(&&**name));
        let secrets = secrets.map(|(_, value)| Zeroizing::new(value.into_owned()));
        Self(secrets.filter(|value| value.len() >= Self::SHORTEST).collect())
    }

    /// Masks them in the body of an answer, also where its JSON has `\/` for a slash, and as they
    /// were in the form.
    pub(crate) fn mask(&self, body: &mut Vec<u8>) {
        for secret in &self.0 {
            replace(body, secret.as_bytes());
            let encoded: String = form_urlencoded::byte_serialize(secret.as_bytes()).collect();
            replace(body, Zeroizing::new(encoded).as_bytes());
            if secret.contains('/') {
                replace(body, Zeroizing::new(secret.replace('/', "\\/")).as_bytes());
            }
        }
    }
}

fn replace(body: &mut Vec<u8>, secret: &[u8]) {
    let found: Vec<usize> = memchr::memmem::find_iter(body, secret).collect();
    for at in found.into_iter().rev() {
        body.splice(at..at + secret.len(), Secrets::MASK.iter().copied());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(form: &str, body: &str) -> String {
        let secrets = Secrets::of(&Request::new(form.as_bytes().to_vec()));
        let mut body = body.as_bytes().to_vec();
        secrets.mask(&mut body);
        String::from_utf8(body).unwrap()
    }

    #[test]
    fn a_secret_of_the_request_is_masked_wherever_it_is() {
        assert_eq!(
            masked("refresh_token=0b9b5f8e-2c55", "bad: 0b9b5f8e-2c550b9b5f8e-2c55, 0b9b5f8e-2c5"),
            "bad: [masked][masked], 0b9b5f8e-2c5"
        );
        assert_eq!(masked("code=a%2Fb%2Bcdefg", "code=a%2Fb%2Bcdefg&x"), "code=[masked]&x");
        assert_eq!(
            masked(
                "code=a%2Fb%2Bcdefg&code_verifier=verifier",
                r#"{"x":"a\/b+cdefg a/b+cdefg","verifier":1}"#
            ),
            r#"{"x":"[masked] [masked]","[masked]":1}"#
        );
    }

    #[test]
    fn what_is_no_secret_or_too_short_for_one_stays() {
        let body = "scope api:read of client_a, code 1234567";
        assert_eq!(masked("scope=api%3Aread&client_id=client_a&code=1234567&token=", body), body);
        assert_eq!(masked("", body), body);
    }
}
