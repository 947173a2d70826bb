//! The names that the server answers to (RFC 9110 §7.4). With DNS rebinding, a site makes its own
//! name resolve to this machine, and a browser then lets the site's pages read the answers. The
//! `Host` of such a request is the site's name.

use http::StatusCode;
use http::header::HOST;
use url::Url;

use super::error::DevServerError;
use super::refused::Refused;
use super::shown::shown;
use crate::jose::error::excerpt;
use crate::oauth::{is_loopback, safe_url};

/// The loopback names with the port of the origin, the public URL, and what the builder allows.
pub(super) struct Authorities {
    /// Where the server listens.
    origin: Url,
    /// Where clients reach it, if that differs.
    public: Option<Url>,
    allowed: Vec<Allowed>,
}

/// The origins that a browser may know the server by.
pub(super) struct Own<'a> {
    named: &'a str,
    public: Option<&'a Url>,
}

impl Own<'_> {
    /// Whether pages of this origin (RFC 6454 §6.2) are this server's: that of the authority that
    /// the request names, or the public URL, for which a proxy may put another. A URL with more
    /// than an origin does not match.
    pub(super) fn has_origin(&self, origin: &str) -> bool {
        let Some(scheme) = Url::parse(origin).ok().map(|url| url.scheme().to_owned()) else { return false };
        let is_same = |own: &Url| own.origin().ascii_serialization().eq_ignore_ascii_case(origin);
        parse(&scheme, self.named).is_some_and(|own| is_same(&own)) || self.public.is_some_and(is_same)
    }
}

struct Allowed {
    text: String,
    url: Url,
    has_port: bool,
}

impl Authorities {
    /// `origin` must be on loopback.
    pub(super) fn new(origin: Url, public: Option<Url>, allowed: &[String]) -> Result<Self, DevServerError> {
        let of_public = public.as_ref().map(|url| url.authority().to_owned());
        let allowed = of_public.iter().chain(allowed).map(|text| {
            let url = parse(origin.scheme(), text);
            let url = url.ok_or_else(|| DevServerError::AllowedHost { host: shown_host(text) })?;
            Ok(Allowed { url, has_port: has_port(text), text: text.clone() })
        });
        Ok(Self { allowed: allowed.collect::<Result<_, DevServerError>>()?, origin, public })
    }

    /// The origins of this server, as seen by a request. The `Host` comes first, because the code
    /// that mounts the server may have put another name into the URI.
    pub(super) fn named_by<'a>(&'a self, request: &'a http::Request<Vec<u8>>) -> Result<Own<'a>, Refused> {
        let mut hosts = request.headers().get_all(HOST).iter();
        let named = match (hosts.next(), hosts.next()) {
            (Some(host), None) => host.to_str().unwrap_or_default(),
            (Some(_), Some(_)) => {
                let description = "the request has more than one Host header (RFC 9112 §3.2)";
                return Err(Refused::invalid_request(description));
            }
            (None, _) => {
                request.uri().authority().map(http::uri::Authority::as_str).ok_or_else(|| {
                    Refused::invalid_request("the request has no Host header (RFC 9112 §3.2)")
                })?
            }
        };
        let Some(url) = parse(self.origin.scheme(), named) else {
            let description = format!("the Host `{}` is not a host with or without a port", shown(named));
            return Err(Refused::invalid_request(&description));
        };
        if self.accepts(&url) {
            Ok(Own { named, public: self.public.as_ref() })
        } else {
            Err(self.misdirected(named))
        }
    }

    fn accepts(&self, url: &Url) -> bool {
        let port = url.port_or_known_default();
        let is_allowed = |allowed: &Allowed| {
            allowed.url.host() == url.host()
                && (!allowed.has_port || allowed.url.port_or_known_default() == port)
        };
        (is_loopback(url) && port == self.origin.port_or_known_default())
            || self.allowed.iter().any(is_allowed)
    }

    fn misdirected(&self, named: &str) -> Refused {
        let port = self.origin.port_or_known_default().map(|port| port.to_string()).unwrap_or_default();
        let own = self.origin.authority();
        let allowed: String =
            self.allowed.iter().map(|allowed| format!(" and to `{}`", shown(&allowed.text))).collect();
        let description = format!(
            "the Host is `{}`; this server answers to `{own}`, to other loopback names with port {port}{allowed}; \
             the builder's `allow_host` and `pkjwt serve --allow-host` allow more",
            shown(named)
        );
        Refused::new(StatusCode::MISDIRECTED_REQUEST, "invalid_request", &description)
    }
}

/// A URL in the place of a host may contain a secret.
fn shown_host(text: &str) -> String {
    if text.contains("://") { safe_url(text) } else { excerpt(text) }
}

/// An authority without user information, as the URL of its root.
fn parse(scheme: &str, authority: &str) -> Option<Url> {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte);
    if authority.is_empty() || !authority.bytes().all(is_part) {
        return None;
    }
    Url::parse(&format!("{scheme}://{authority}/")).ok()
}

fn has_port(authority: &str) -> bool {
    authority.rsplit_once(':').is_some_and(|(_, port)| !port.ends_with(']'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_authority_is_a_host_and_perhaps_a_port_and_nothing_else() {
        for text in
            ["localhost", "a_b:1", "127.0.0.1:65535", "[::1]:8080", "[::1]", "xn--tda.example", "LOCALHOST:8"]
        {
            assert!(parse("http", text).is_some(), "{text}");
        }
        for text in [
            "",
            ":8080",
            "*",
            "*.example",
            "a@b",
            "a:b@c",
            "a/b",
            "a\\b",
            "a?b",
            "a#b",
            "a b",
            "a%2eb",
            "a:65536",
            "a:x",
            "::1",
            "::1:8080",
            "[::1",
            "a:1:2",
            "\u{fc}",
            "a,b",
            "256.1.1.1",
        ] {
            assert!(parse("http", text).is_none(), "{text}");
        }
        assert!(has_port("a:1") && has_port("[::1]:1") && !has_port("a") && !has_port("[::1]"));
    }
}
