//! HTTP/1.1 on a loopback port.

use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{Either, select};
use http::header::CONNECTION;
use http::{HeaderValue, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::answer::Exchange;
use super::builder::DevServerBuilder;
use super::connections::{self, Turn};
use super::error::DevServerError;
use super::refused::Refused;
use super::server::DevServer;
#[cfg(feature = "dev-server-tls")]
use super::tls::Identity;
use crate::transport::ReqwestClient;

/// The longest body of a request, in bytes.
const MAX_BODY_LEN: usize = 64 * 1024;
/// How much of an oversized body the server reads and discards, so that the client still reads the
/// answer.
const MAX_DISCARDED_LEN: usize = 1 << 20;
/// How long a client may take to send its header, and again to send its body.
const READ_TIMEOUT: Duration = Duration::from_secs(10);
/// What the log says about a client that speaks something else.
const NOT_HTTP: &str = "400 not HTTP/1.1: this server speaks plain http, not https";

/// A [`DevServer`] that listens on a loopback port. Dropping it stops the server.
#[derive(Debug)]
pub struct RunningDevServer {
    server: DevServer,
    local_addr: SocketAddr,
    #[cfg(feature = "dev-server-tls")]
    certificate: Option<String>,
    task: JoinHandle<()>,
}

impl DevServer {
    /// Listens on a loopback address and serves from a tokio task until the returned value is
    /// dropped. Port 0 picks any free port. The origin is the address itself, so the issuer is
    /// `http://127.0.0.1:PORT/…`. Use [`DevServer::builder`] to change settings.
    ///
    /// # Errors
    ///
    /// [`DevServerError::NotLoopback`] if other machines can reach the address,
    /// [`DevServerError::Listen`] if the server cannot listen on it, [`DevServerError::Key`] and
    /// [`DevServerError::Transport`] if the server's key or its HTTP client cannot be made.
    pub async fn bind(listen: SocketAddr) -> Result<RunningDevServer, DevServerError> {
        Self::builder().bind(listen).await
    }

    /// As [`DevServer::bind`], but also calls `log` with one line per request,
    /// [`Exchange::outcome`].
    ///
    /// # Errors
    ///
    /// As [`DevServer::bind`].
    pub async fn bind_with(
        listen: SocketAddr,
        log: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<RunningDevServer, DevServerError> {
        Self::builder().bind_with(listen, log).await
    }
}

impl DevServerBuilder {
    /// Listens on a loopback address, as [`DevServer::bind`] does.
    ///
    /// # Errors
    ///
    /// Those of [`DevServer::bind`].
    pub async fn bind(&self, listen: SocketAddr) -> Result<RunningDevServer, DevServerError> {
        self.bind_with(listen, |_| {}).await
    }

    /// Listens on a loopback address and calls `log` with one line per request, as
    /// [`DevServer::bind_with`] does.
    ///
    /// # Errors
    ///
    /// Those of [`DevServer::bind`].
    pub async fn bind_with(
        &self,
        listen: SocketAddr,
        log: impl Fn(&str) + Send + Sync + 'static,
    ) -> Result<RunningDevServer, DevServerError> {
        if !listen.ip().is_loopback() {
            return Err(DevServerError::NotLoopback { address: listen });
        }
        let failed = |source| DevServerError::Listen { address: listen, source: Arc::new(source) };
        let listener = TcpListener::bind(listen).await.map_err(failed)?;
        let local_addr = listener.local_addr().map_err(failed)?;
        #[cfg(feature = "dev-server-tls")]
        let (tls, scheme) = match &self.tls {
            Some(tls) => (Some(tls.identity(self.names())?), "https"),
            None => (None, "http"),
        };
        #[cfg(not(feature = "dev-server-tls"))]
        let scheme = "http";
        let server = self.build(&format!("{scheme}://{local_addr}"))?;
        server.make_keys_ahead();
        #[cfg(feature = "dev-server-tls")]
        let certificate = tls.as_ref().map(|tls| tls.certificate_pem.clone());
        let shared = Arc::new(Shared {
            server: server.clone(),
            http: ReqwestClient::new()?,
            #[cfg(feature = "dev-server-tls")]
            tls,
            log,
        });
        let serve = move |stream, turn| serve(stream, turn, Arc::clone(&shared));
        let task = tokio::spawn(connections::accept(listener, serve));
        Ok(RunningDevServer {
            server,
            local_addr,
            #[cfg(feature = "dev-server-tls")]
            certificate,
            task,
        })
    }
}

impl RunningDevServer {
    /// The server.
    #[must_use]
    pub const fn server(&self) -> &DevServer {
        &self.server
    }

    /// The address that the server listens on.
    #[must_use]
    pub const fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The certificate chain in PEM, for clients to trust. `None` if the server speaks plain http.
    #[cfg(feature = "dev-server-tls")]
    #[must_use]
    pub fn certificate_pem(&self) -> Option<&str> {
        self.certificate.as_deref()
    }

    /// Keeps serving while this future is awaited. It does not end by itself; dropping the future
    /// stops the server.
    pub async fn wait(mut self) {
        // An error means that the task was stopped, which is what this waits for.
        let _ = (&mut self.task).await;
    }
}

impl std::ops::Deref for RunningDevServer {
    type Target = DevServer;

    fn deref(&self) -> &DevServer {
        &self.server
    }
}

impl Drop for RunningDevServer {
    fn drop(&mut self) {
        self.task.abort();
    }
}

struct Shared<L> {
    server: DevServer,
    http: ReqwestClient,
    #[cfg(feature = "dev-server-tls")]
    tls: Option<Identity>,
    log: L,
}

async fn serve<L: Fn(&str) + Send + Sync + 'static>(stream: TcpStream, turn: Turn, shared: Arc<Shared<L>>) {
    #[cfg(feature = "dev-server-tls")]
    if let Some(tls) = &shared.tls {
        match tokio::time::timeout(READ_TIMEOUT, tls.accept(stream)).await {
            Ok(Ok(stream)) => serve_http(stream, turn, &shared).await,
            Ok(Err(line)) => (shared.log)(&line),
            Err(_) => {}
        }
        return;
    }
    serve_http(stream, turn, &shared).await;
}

async fn serve_http<L: Fn(&str) + Send + Sync + 'static>(
    stream: impl AsyncRead + AsyncWrite + Unpin,
    turn: Turn,
    shared: &Shared<L>,
) {
    let service = service_fn(|request: http::Request<Incoming>| async {
        turn.ask();
        let mut exchange = shared.exchange(request).await?;
        if !exchange.is_quiet {
            shared.server.pause().await;
        }
        shared.server.date(&mut exchange.response);
        if turn.is_over() {
            exchange.response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
        }
        if !exchange.is_quiet {
            (shared.log)(&exchange.outcome);
        }
        Ok::<_, hyper::Error>(exchange.response.map(Full::<Bytes>::from))
    });
    let connection = hyper::server::conn::http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(READ_TIMEOUT)
        .serve_connection(TokioIo::new(stream), service);
    let (mut connection, over) = (pin!(connection), pin!(turn.over()));
    let first = select(connection.as_mut(), over).await;
    let served = match first {
        Either::Left((served, _)) => served,
        Either::Right(_) => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    // A broken connection affects only its client, unless it never spoke HTTP: that is logged.
    if served.is_err_and(|error| error.is_parse()) {
        (shared.log)(NOT_HTTP);
    }
}

impl<L> Shared<L> {
    async fn exchange(&self, request: http::Request<Incoming>) -> Result<Exchange, hyper::Error> {
        let (parts, body) = request.into_parts();
        let refused = |status, description| {
            let refused = Refused::new(status, "invalid_request", description);
            let exchange = Exchange::new(&parts.method, parts.uri.path(), Err(refused));
            let request = http::Request::from_parts(parts.clone(), Vec::new());
            self.server.recorded(&request, exchange, self.server.now())
        };
        match tokio::time::timeout(READ_TIMEOUT, read(body)).await {
            Err(_) => Ok(refused(StatusCode::REQUEST_TIMEOUT, "the body did not arrive in time")),
            Ok(Err(error)) => Err(error),
            Ok(Ok(None)) => Ok(refused(StatusCode::PAYLOAD_TOO_LARGE, "the body has more than 65536 bytes")),
            Ok(Ok(Some(body))) => {
                let request = http::Request::from_parts(parts, body);
                Ok(self.server.handle_with(&request, self.server.now(), &self.http).await)
            }
        }
    }
}

/// Reads the body. Returns `None` if it is too long.
async fn read(mut body: Incoming) -> Result<Option<Vec<u8>>, hyper::Error> {
    let mut bytes = Vec::new();
    let mut len = 0_usize;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame?.into_data() else {
            continue;
        };
        len = len.saturating_add(data.len());
        if len <= MAX_BODY_LEN {
            bytes.extend_from_slice(&data);
        } else if len > MAX_DISCARDED_LEN {
            break;
        }
    }
    Ok((len <= MAX_BODY_LEN).then_some(bytes))
}
