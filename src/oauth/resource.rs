//! Resource indicators (RFC 8707).

use url::Url;

/// RFC 8707 §2: an absolute URI without a fragment.
pub(crate) fn is_resource(resource: &str) -> bool {
    // RFC 3986 §2.2 and §2.3; `#` is left out.
    let of_uri = |byte: u8| byte.is_ascii_alphanumeric() || b"%-._~:/?[]@!$&'()*+,;=".contains(&byte);
    resource.bytes().all(of_uri) && Url::parse(resource).is_ok()
}
