//! A scripted server below HTTP: it reads a whole request, and then does what the script says.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use private_key_jwt::jose::CompactJws;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What the server does with a connection.
#[derive(Clone)]
pub(crate) enum Act {
    /// Writes this and closes the connection.
    Close(Vec<u8>),
    /// Writes this and waits for the next request.
    Keep(Vec<u8>),
    /// Writes this, and then nothing more.
    Stall(Vec<u8>),
    /// Writes this and resets the connection.
    Reset(Vec<u8>),
    /// Writes this byte by byte, with this pause between them.
    Drip(Vec<u8>, Duration),
    /// Writes the first, and then the second until the client stops reading.
    Endless(Vec<u8>, Vec<u8>),
    /// Closes the connection at once, without reading a request.
    CloseUnread,
    /// Resets the connection at once, without reading a request.
    ResetUnread,
}

impl Act {
    const fn is_unread(&self) -> bool {
        matches!(self, Self::CloseUnread | Self::ResetUnread)
    }
}

/// An answer with the length of its body.
pub(crate) fn answer(head: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = format!("HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n", body.len());
    [length.as_bytes(), body].concat()
}

/// A token response.
pub(crate) fn token() -> Vec<u8> {
    answer("200 OK", r#"{"access_token":"AT","token_type":"Bearer","expires_in":300}"#)
}

/// The server, until it is dropped.
pub(crate) struct Server {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
    task: JoinHandle<()>,
}

#[derive(Default)]
struct Seen {
    acts: usize,
    jtis: Vec<String>,
}

type Script = Arc<dyn Fn(usize) -> Act + Send + Sync>;

impl Server {
    /// Calls the script for every request, or for every connection whose request is not read, with
    /// the number of those before.
    pub(crate) async fn start(script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        Self::on(TcpListener::bind("127.0.0.1:0").await.unwrap(), script)
    }

    pub(crate) fn on(listener: TcpListener, script: impl Fn(usize) -> Act + Send + Sync + 'static) -> Self {
        let address = listener.local_addr().unwrap();
        let seen = Arc::<Mutex<Seen>>::default();
        let (script, noted) = (Arc::new(script) as Script, Arc::clone(&seen));
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                tokio::spawn(serve(stream, Arc::clone(&script), Arc::clone(&noted)));
            }
        });
        Self { address, seen, task }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}/token", self.address)
    }

    /// The number of requests, or of connections whose request was not read. No assertion may have
    /// come twice.
    pub(crate) fn requests(&self) -> usize {
        let seen = self.seen.lock().unwrap();
        let mut jtis = seen.jtis.clone();
        jtis.sort();
        jtis.dedup();
        assert_eq!(jtis.len(), seen.jtis.len(), "an assertion was sent twice");
        seen.acts
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(mut stream: TcpStream, script: Script, seen: Arc<Mutex<Seen>>) {
    loop {
        let acts = seen.lock().unwrap().acts;
        if !script(acts).is_unread() {
            // The client closed the connection.
            let Some(body) = read_request(&mut stream).await else { return };
            seen.lock().unwrap().jtis.push(jti(&body));
        }
        let act = {
            let mut seen = seen.lock().unwrap();
            seen.acts += 1;
            script(seen.acts - 1)
        };
        if !play(&mut stream, act).await {
            return;
        }
    }
}

/// Whether the connection goes on.
async fn play(stream: &mut TcpStream, act: Act) -> bool {
    // The client may close the connection before the end.
    match act {
        Act::CloseUnread => {}
        Act::Close(bytes) => drop(stream.write_all(&bytes).await),
        Act::Keep(bytes) => return stream.write_all(&bytes).await.is_ok(),
        Act::Stall(bytes) => {
            drop(stream.write_all(&bytes).await);
            std::future::pending::<()>().await;
        }
        Act::Drip(bytes, between) => {
            for byte in bytes {
                drop(stream.write_all(&[byte]).await);
                tokio::time::sleep(between).await;
            }
        }
        Act::Endless(first, next) => {
            drop(stream.write_all(&first).await);
            while stream.write_all(&next).await.is_ok() {}
        }
        Act::Reset(bytes) => {
            drop(stream.write_all(&bytes).await);
            // Lets the client read this before it sees the reset.
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.set_zero_linger().unwrap();
        }
        Act::ResetUnread => {
            // Not while the client is still connecting: once it has connected, it writes.
            let _ = stream.peek(&mut [0]).await;
            stream.set_zero_linger().unwrap();
        }
    }
    false
}

/// The body of a request with a length.
pub(crate) async fn read_request(stream: &mut (impl AsyncRead + AsyncWrite + Unpin)) -> Option<Vec<u8>> {
    let mut bytes = Vec::new();
    loop {
        if let Some(head) = bytes.windows(4).position(|end| end == b"\r\n\r\n") {
            let text = String::from_utf8(bytes[..head].to_vec()).unwrap().to_ascii_lowercase();
            let len = text.split_once("content-length: ").unwrap().1;
            let len: usize = len.lines().next().unwrap().parse().unwrap();
            if bytes.len() >= head + 4 + len {
                return Some(bytes.split_off(head + 4));
            }
        }
        let mut piece = [0; 4096];
        match stream.read(&mut piece).await {
            Ok(0) | Err(_) => return None,
            Ok(read) => bytes.extend_from_slice(&piece[..read]),
        }
    }
}

/// The `jti` of the assertion in a form.
pub(crate) fn jti(form: &[u8]) -> String {
    let form = String::from_utf8(form.to_vec()).unwrap();
    let assertion = form.split_once("client_assertion=").unwrap().1.split('&').next().unwrap();
    let claims: serde_json::Value =
        serde_json::from_slice(CompactJws::parse(assertion).unwrap().payload()).unwrap();
    claims["jti"].as_str().unwrap().to_owned()
}
