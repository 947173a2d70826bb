//! The redirect URI of a login in a browser: a loopback port of this machine, for one answer (RFC
//! 8252 §7.3).

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_TYPE, HeaderValue, REFERRER_POLICY};
use http::{Method, Request, Response, StatusCode};
use http_body_util::Full;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use private_key_jwt::oauth::{AuthorizationResponse, OAuthError};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use url::{Host, Url};

use crate::error::{Context, Failure};
use crate::output;

/// A redirect URI with its listener.
pub(crate) struct Redirect {
    listener: TcpListener,
    uri: String,
    path: String,
}

/// The verdict on a redirect.
type Judged = Result<AuthorizationResponse, OAuthError>;

/// How long a browser may take for its request.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// A browser opens a few connections at once.
const MAX_CONNECTIONS: usize = 16;

impl Redirect {
    /// Listens at this URI, which must be plain http at 127.0.0.0/8, `[::1]` or `localhost`.
    /// Without a URI, listens on any free port.
    pub(crate) async fn listen(uri: Option<&str>) -> Result<Self, Failure> {
        const OPTION: &str = "--redirect-uri";
        const ELSEWHERE: &str = "must be http on this machine, with a port: http://127.0.0.1:PORT/PATH";
        let Some(uri) = uri else {
            let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.context(OPTION)?;
            let port = listener.local_addr().context(OPTION)?.port();
            return Ok(Self { listener, uri: format!("http://127.0.0.1:{port}/"), path: "/".to_owned() });
        };
        let wrong = |why| Failure::usage(OPTION, why);
        let url = Url::parse(uri).map_err(|_| wrong("not a URL"))?;
        let ip = match url.host() {
            Some(Host::Ipv4(ip)) => IpAddr::V4(ip),
            Some(Host::Ipv6(ip)) => IpAddr::V6(ip),
            // RFC 8252 §8.3
            Some(Host::Domain("localhost")) => IpAddr::V4(Ipv4Addr::LOCALHOST),
            _ => {
                return Err(wrong(ELSEWHERE));
            }
        };
        let port =
            url.port().filter(|_| url.scheme() == "http" && ip.is_loopback() && url.fragment().is_none());
        let port = port.ok_or_else(|| wrong(ELSEWHERE))?;
        let listener = TcpListener::bind(SocketAddr::new(ip, port)).await.context(OPTION)?;
        Ok(Self { listener, uri: uri.to_owned(), path: url.path().to_owned() })
    }

    /// The URI, as it was given.
    pub(crate) fn uri(&self) -> &str {
        &self.uri
    }

    /// Waits for the answer and ignores other requests: any page can make a browser send one here.
    pub(crate) async fn answer(
        self,
        judge: impl Fn(&str) -> Judged + Send + Sync + 'static,
    ) -> Result<AuthorizationResponse, Failure> {
        let inbox = Arc::new(Inbox { path: self.path, judge, answer: Mutex::default() });
        let mut connections = JoinSet::new();
        loop {
            tokio::select! {
                accepted = self.listener.accept() => match accepted {
                    Ok((stream, _)) if connections.len() < MAX_CONNECTIONS => {
                        connections.spawn(serve(stream, Arc::clone(&inbox)));
                    }
                    Ok(_) => {}
                    Err(error) => return Err(error).context("--redirect-uri"),
                },
                // Once a connection ends, the browser has its page.
                Some(_) = connections.join_next() => {
                    let answer = inbox.answer.lock().unwrap_or_else(PoisonError::into_inner).take();
                    if let Some(answer) = answer {
                        return answer.context("token");
                    }
                }
            }
        }
    }
}

/// The answer, once it is there.
struct Inbox<F> {
    path: String,
    judge: F,
    answer: Mutex<Option<Judged>>,
}

async fn serve<F: Fn(&str) -> Judged + Send + Sync>(stream: TcpStream, inbox: Arc<Inbox<F>>) {
    let service = service_fn(|request: Request<Incoming>| {
        let response = inbox.respond(request.method(), request.uri());
        async { Ok::<_, std::convert::Infallible>(response) }
    });
    // A broken connection affects only its browser.
    let _ = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .keep_alive(false)
        .serve_connection(TokioIo::new(stream), service)
        .await;
}

impl<F: Fn(&str) -> Judged> Inbox<F> {
    fn respond(&self, method: &Method, uri: &http::Uri) -> Response<Full<Bytes>> {
        if uri.path() != self.path {
            return page(StatusCode::NOT_FOUND, "There is nothing here.");
        }
        if method != Method::GET {
            return page(StatusCode::METHOD_NOT_ALLOWED, "Only GET is allowed here.");
        }
        let judged = (self.judge)(uri.query().unwrap_or_default());
        let response = match &judged {
            Ok(_) => page(StatusCode::OK, "You are logged in. Close this page and return to the terminal."),
            // From another login, or forged: keep waiting for the real answer.
            Err(OAuthError::AuthorizationState) => {
                output::note("ignored a redirect whose state is not that of this login");
                return page(
                    StatusCode::BAD_REQUEST,
                    "This redirect does not belong to the login in progress.",
                );
            }
            Err(_) => page(StatusCode::OK, "The login failed. Close this page and return to the terminal."),
        };
        self.answer.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(judged);
        response
    }
}

/// A page of plain text. Its URL contains the code, so it must not be sent to another page as a
/// referrer.
fn page(status: StatusCode, text: &'static str) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::from(text));
    *response.status_mut() = status;
    for (name, value) in [
        (CONTENT_TYPE, "text/plain; charset=utf-8"),
        (CACHE_CONTROL, "no-store"),
        (REFERRER_POLICY, "no-referrer"),
    ] {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}
