use std::error::Error;
use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;

use crate::jose::JoseError;
#[cfg(feature = "dev-server-tls")]
use crate::keys::Cause;
use crate::keys::{KeyError, caused, write_caused};
use crate::oauth::OAuthError;
use crate::transport::TransportError;

/// Errors of setting up a dev server. A failed request is a response, not an error.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DevServerError {
    /// The origin is not exactly `scheme://host:port`, or is not loopback.
    #[error("the origin {origin} {reason}")]
    Origin {
        /// The origin.
        origin: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// The [public URL](super::DevServerBuilder::public_url) is not exactly `scheme://host`, with or
    /// without a port.
    #[error("the public URL {url} {reason}")]
    PublicUrl {
        /// The URL.
        url: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// An [allowed host](super::DevServerBuilder::allow_host) is not a host.
    #[error(
        "the allowed host {host} is not a name or an address, with or without a port, such as auth.test:8080"
    )]
    AllowedHost {
        /// The host.
        host: String,
    },
    /// An address that other machines can reach. This server is for development only.
    #[error("{address} is not a loopback address; the dev server listens on loopback only")]
    NotLoopback {
        /// The address.
        address: SocketAddr,
    },
    /// The server cannot listen on the address.
    #[error(fmt = listen)]
    Listen {
        /// The address.
        address: SocketAddr,
        /// The error of the operating system.
        source: Arc<std::io::Error>,
    },
    /// The [certificate](super::DevServerBuilder::tls_with) or its key cannot be used, or none can
    /// be made.
    #[cfg(feature = "dev-server-tls")]
    #[error(fmt = certificate)]
    Certificate(#[source] Cause),
    /// The client id is empty, or has characters that RFC 6749 A.1 does not allow.
    #[error("the client id is {reason}")]
    ClientId {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A file of a [folder of clients](super::DevServer::register_folder) was not registered.
    #[error(fmt = client_file)]
    ClientFile {
        /// The name of the file.
        name: String,
        /// Why not.
        source: Box<DevServerError>,
    },
    /// A file of a folder of clients cannot be read.
    #[error(fmt = read_client_file)]
    ReadClientFile(#[source] Arc<std::io::Error>),
    /// The folder of clients cannot be read.
    #[error(fmt = client_folder)]
    ClientFolder {
        /// The path.
        path: String,
        /// The error of the operating system.
        source: Arc<std::io::Error>,
    },
    /// A client that is not registered.
    #[error("no client `{client_id}` is registered")]
    UnknownClient {
        /// The client id.
        client_id: String,
    },
    /// No device login waits for this user code: it is unknown, or the user has decided.
    #[error("no device login is waiting for the user code `{user_code}`")]
    UserCode {
        /// The user code.
        user_code: String,
    },
    /// The JWK Set has no key that can check a signature.
    #[error(fmt = no_usable_key)]
    NoUsableKey {
        /// The client id.
        client_id: String,
        /// Why the first of its keys cannot, if there is one.
        #[source]
        reason: Option<KeyError>,
    },
    /// A JWK Set that cannot be read.
    #[error(transparent)]
    Jose(#[from] JoseError),
    /// The server's own key, or a public key or certificate that cannot be used.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// A JWKS URL that must not be called.
    #[error(transparent)]
    OAuth(#[from] OAuthError),
    /// The client's JWKS URL did not return a document, or there is no HTTP client to fetch it
    /// with.
    #[error(transparent)]
    Transport(#[from] TransportError),
}

caused! {
    listen(address: &SocketAddr) by source: &std::io::Error => "cannot listen on {address}";
    client_file(name: &str) by source: &DevServerError => "client file {name}";
    read_client_file() by source: &std::io::Error => "cannot be read";
    client_folder(path: &str) by source: &std::io::Error => "cannot read the folder {path}";
}

#[cfg(feature = "dev-server-tls")]
caused! {
    certificate() by source: &Cause => "the TLS certificate and its key cannot be used";
}

fn no_usable_key(client_id: &str, reason: &Option<KeyError>, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    let source = reason.as_ref().map(|reason| reason as &dyn Error);
    write_caused(f, format_args!("client `{client_id}` has no key that can check a signature"), source)
}
