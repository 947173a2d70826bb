//! More connections than the server serves at once.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::*;

const MORE: usize = 300;

async fn connect(address: SocketAddr) -> Vec<TcpStream> {
    let mut streams = Vec::new();
    for _ in 0..MORE {
        streams.push(TcpStream::connect(address).await.unwrap());
    }
    streams
}

fn request(address: SocketAddr) -> String {
    format!("GET /{}/as/jwks HTTP/1.1\r\nHost: {address}\r\n\r\n", DevServer::ENVIRONMENT_ID)
}

/// The head of the next answer, whose body is read as well.
async fn answer(stream: &mut TcpStream) -> String {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).await.unwrap();
        head.push(byte[0]);
    }
    let head = String::from_utf8(head).unwrap();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")).unwrap();
    let mut body = vec![0; length.parse().unwrap()];
    stream.read_exact(&mut body).await.unwrap();
    head
}

/// All are open before the first asks, and none is closed by its client.
#[tokio::test]
async fn three_hundred_connections_at_once_are_all_answered() {
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = dev.local_addr();
    let mut streams = connect(address).await;
    for stream in &mut streams {
        stream.write_all(request(address).as_bytes()).await.unwrap();
    }
    for stream in &mut streams {
        let head = answer(stream).await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    }
}

/// Connections of a pool that are idle make room for those that wait.
#[tokio::test]
async fn idle_connections_leave_when_others_wait() {
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = dev.local_addr();
    let mut idle = Vec::new();
    for _ in 0..MORE {
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(request(address).as_bytes()).await.unwrap();
        let head = answer(&mut stream).await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n") && !head.contains("connection: close"), "{head}");
        idle.push(stream);
    }
    // The first ones were closed, the last ones were not.
    assert_eq!(idle[0].read(&mut [0]).await.unwrap(), 0);
    let last = idle.last_mut().unwrap();
    last.write_all(request(address).as_bytes()).await.unwrap();
    answer(last).await;
}

#[tokio::test]
async fn a_connection_that_was_open_before_a_crowd_closes_after_its_answer() {
    let dev = DevServer::bind(([127, 0, 0, 1], 0).into()).await.unwrap();
    let address = dev.local_addr();
    let mut streams = connect(address).await;
    let (first, last) = (0, MORE - 1);
    // While it waits, no connection that the server has accepted is idle.
    streams[last].write_all(request(address).as_bytes()).await.unwrap();
    for stream in &mut streams[first..last] {
        stream.write_all(request(address).as_bytes()).await.unwrap();
        let head = answer(stream).await;
        assert!(head.starts_with("HTTP/1.1 200 OK\r\n"), "{head}");
    }
    answer(&mut streams[last]).await;
    assert_eq!(streams[first].read(&mut [0]).await.unwrap(), 0);
}
