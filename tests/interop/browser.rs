//! As much of a browser as a login needs: it keeps cookies, follows redirects, and sends forms.

use std::collections::BTreeMap;

use http::header::{CONTENT_TYPE, COOKIE, LOCATION, SET_COOKIE};
use private_key_jwt::transport::{HttpClient, ReqwestClient};
use url::Url;

/// The redirect URI of the application, which the browser does not call.
pub(crate) const REDIRECT_URI: &str = "https://app.example/cb";

/// The browser of one user.
pub(crate) struct Browser {
    http: ReqwestClient,
    cookies: BTreeMap<String, String>,
}

/// Where it ended: a page, or the redirect to the application.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) url: Url,
    pub(crate) status: u16,
    pub(crate) body: String,
}

impl Browser {
    pub(crate) fn new() -> Self {
        Self { http: ReqwestClient::new().unwrap(), cookies: BTreeMap::new() }
    }

    pub(crate) async fn open(&mut self, url: &str) -> Page {
        self.go(Url::parse(url).unwrap(), None).await
    }

    /// Sends the form of a page, with its hidden fields and these.
    pub(crate) async fn submit(&mut self, page: &Page, fields: &[(&str, &str)]) -> Page {
        let (_, rest) = page.body.split_once("action=\"").unwrap_or_else(|| panic!("no form: {page:?}"));
        let action = rest.split_once('"').unwrap().0.replace("&amp;", "&");
        let action = page.url.join(&action).unwrap();
        let pairs = hidden_fields(&page.body).into_iter().chain(fields.iter().copied());
        let form = form_urlencoded::Serializer::new(String::new()).extend_pairs(pairs).finish();
        self.go(action, Some(form)).await
    }

    async fn go(&mut self, mut url: Url, mut form: Option<String>) -> Page {
        for _ in 0..20 {
            if url.as_str().starts_with(REDIRECT_URI) {
                return Page { url, status: 0, body: String::new() };
            }
            let cookies: Vec<_> =
                self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let request = match &form {
                None => http::Request::get(url.as_str()),
                Some(_) => http::Request::post(url.as_str())
                    .header(CONTENT_TYPE, "application/x-www-form-urlencoded"),
            };
            let request = request.header(COOKIE, cookies.join("; "));
            let request = request.body(form.take().unwrap_or_default().into_bytes()).unwrap();
            let response = self.http.send(request).await.unwrap();
            for cookie in response.headers().get_all(SET_COOKIE) {
                let pair = cookie.to_str().unwrap().split(';').next().unwrap();
                let (name, value) = pair.split_once('=').unwrap();
                match value {
                    "" => drop(self.cookies.remove(name)),
                    _ => drop(self.cookies.insert(name.to_owned(), value.to_owned())),
                }
            }
            match response.headers().get(LOCATION) {
                Some(location) => url = url.join(location.to_str().unwrap()).unwrap(),
                None => {
                    let status = response.status().as_u16();
                    return Page { url, status, body: String::from_utf8(response.into_body()).unwrap() };
                }
            }
        }
        panic!("redirected without end, last to {url}");
    }
}

/// The names and values of a page's hidden fields.
fn hidden_fields(html: &str) -> Vec<(&str, &str)> {
    fn attribute<'a>(tag: &'a str, name: &str) -> Option<&'a str> {
        let (_, rest) = tag.split_once(&format!("{name}=\""))?;
        Some(rest.split_once('"')?.0)
    }
    html.split("<input")
        .skip(1)
        .filter_map(|rest| rest.split('>').next())
        .filter(|tag| tag.contains("type=\"hidden\""))
        .filter_map(|tag| Some((attribute(tag, "name")?, attribute(tag, "value")?)))
        .collect()
}
