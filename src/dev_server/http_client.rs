//! The server as the HTTP client of the program under test, without a socket.

use super::server::DevServer;
use crate::keys::BoxFuture;
use crate::transport::{HttpClient, TransportError};

/// Answers requests in this process: no socket, no port, no other program. Pass the server, or a
/// clone, to [`TokenClientBuilder::http`](crate::TokenClientBuilder::http). It answers as
/// [`DevServer::respond`] does, at the time of its [clock](super::DevServerBuilder::clock), and
/// after its [delay](DevServer::set_delay). It never fails.
impl HttpClient for DevServer {
    fn send(
        &self,
        request: http::Request<Vec<u8>>,
    ) -> BoxFuture<'_, Result<http::Response<Vec<u8>>, TransportError>> {
        Box::pin(async move {
            let mut response = self.respond(&request, self.now());
            self.pause().await;
            self.date(&mut response);
            Ok(response)
        })
    }
}
