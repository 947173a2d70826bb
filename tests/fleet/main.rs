//! Ten rotations of a folder in a minute of real time, at 200 requests a second, against a server
//! that keeps its copy of the JWKS for the whole propagation time. One process follows the folder;
//! or three do, and one of them is killed and restarted again and again; or one does, and the
//! folder is mounted as Kubernetes mounts a secret. CONTRIBUTING.md has its command.
#![cfg(unix)]
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod process;
mod published;
mod server;
#[path = "../support/mod.rs"]
mod support;

use std::fmt::Display;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use private_key_jwt::KeyId;
use tokio::net::TcpListener;

use process::{PROCESSES, Process, Replica, call};
use published::Published;
use server::{Balancer, Server};
use support::folder::{Folder, Timing};
use support::load::{self, Outcome};
use support::random::Random;

/// The test below, by its name in the test binary.
const NAME: &str = "no_request_fails_in_ten_rotations_of_one_process_of_three_and_of_a_mounted_folder";
const CALLS_PER_SECOND: u32 = 200;
const ROTATIONS: usize = 10;
/// How long the server keeps its copy of the JWKS.
const PROPAGATION: Duration = Duration::from_secs(3);
/// The lifetime of an assertion.
const LIFETIME: Duration = Duration::from_secs(5);
/// Repeats the moments at which processes are killed.
const SEED: &str = "PRIVATE_KEY_JWT_TEST_SEED";

/// One test, so that it takes a minute, however many tests run at a time.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_fails_in_ten_rotations_of_one_process_of_three_and_of_a_mounted_folder() {
    if process::is_one_of_three().await {
        return;
    }
    // One task each, so that a failed task does not end the others.
    let fleets = [
        tokio::spawn(one_process("one process", folder())),
        tokio::spawn(three_processes()),
        tokio::spawn(one_process("a mounted secret", folder().mounted())),
    ];
    let mut failed = 0;
    for fleet in fleets {
        // Each task has reported its failure.
        failed += usize::from(fleet.await.is_err());
    }
    assert_eq!(failed, 0);
}

fn folder() -> Folder {
    Folder::new(PROPAGATION, LIFETIME)
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}

async fn one_process(name: &str, folder: Folder) {
    let listener = listener().await;
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let process = Process::start(folder.path(), &issuer).await;
    let server = Server::start(listener, Balancer::new(vec![process.port])).await;
    let rotations = rotate(&folder, &server);
    let (rotated, outcome) = load::during(rotations, CALLS_PER_SECOND, || call(&process.client)).await;
    let corrected = process.client.statistics().key_corrections;
    judge(&format!("{name}, {corrected} requests corrected"), &server, &rotated, &outcome);
    assert_eq!(corrected, server.requests().refused.values().sum::<usize>() as u64);
    let status = process.keys.status();
    assert!(status.is_watched && status.problems.is_empty(), "{:?}", status.problems);
    assert_eq!(process.client.status().rejection, None);
    // Those that are gone have left the folder.
    assert!(folder.keys() <= 5, "{}", folder.keys());
}

async fn three_processes() {
    let now = || SystemTime::UNIX_EPOCH.elapsed().unwrap().subsec_nanos();
    let seed = std::env::var(SEED).map_or_else(|_| u64::from(now()) + 1, |seed| seed.parse().unwrap());
    println!("three processes: {SEED}={seed} kills them at the same moments");
    let (folder, listener, calls) = (folder(), listener().await, Arc::default());
    let issuer = format!("http://{}", listener.local_addr().unwrap());
    let start = || Replica::start(folder.path(), &issuer, &calls);
    let (mut replicas, mut ports) = (Vec::new(), Vec::new());
    for _ in 0..PROCESSES {
        let mut replica = start();
        ports.push(replica.port().await);
        replicas.push(Some(replica));
    }
    let balancer = Balancer::new(ports);
    let server = Server::start(listener, balancer.clone()).await;

    let (mut random, mut killed, mut published) = (Random::new(seed), 0, Published::default());
    let (began, look) = (Instant::now(), Duration::from_millis(50));
    let rotated = tokio::select! {
        rotated = rotate(&folder, &server) => rotated,
        () = async {
            loop {
                tokio::time::sleep(Duration::from_millis(500 + random.below(4000))).await;
                let process = usize::try_from(random.below(PROCESSES as u64)).unwrap();
                // Sends SIGKILL.
                drop(replicas[process].take());
                killed += 1;
                tokio::time::sleep(Duration::from_millis(random.below(2000))).await;
                let replica = replicas[process].insert(start());
                balancer.set(process, replica.port().await);
            }
        } => unreachable!(),
        () = async {
            loop {
                published.note([balancer.jwks(0).await, balancer.jwks(1).await, balancer.jwks(2).await]);
                tokio::time::sleep(look).await;
            }
        } => unreachable!(),
    };
    for replica in replicas.into_iter().flatten() {
        replica.end();
    }
    let mut outcome: Outcome<String> = std::mem::take(&mut *calls.lock().unwrap());
    outcome.lasted(began.elapsed());
    let Published { differed, flaps, bodies, .. } = published;
    let name = format!(
        "three processes, killed {killed} times, {} versions of the JWKS, which differed for {differed:.1?} at most",
        bodies.len()
    );
    judge(&name, &server, &rotated, &outcome);
    assert!(killed >= 5, "{killed}");
    assert_eq!(flaps, <[String; 0]>::default());
    assert!(bodies.len() > ROTATIONS && differed < PROPAGATION, "{} {differed:?}", bodies.len());
}

/// Rotates until the server has accepted the last key. Returns the keys.
async fn rotate(folder: &Folder, server: &Server) -> Vec<(Timing, KeyId)> {
    let mut rotated = Vec::new();
    for timing in Timing::ALL.into_iter().cycle().take(ROTATIONS) {
        // The copy that the server has just read lacks the next key for as long as can be.
        server.reads_again(2).await;
        let key_id = folder.rotate(timing);
        rotated.push((timing, key_id.clone()));
    }
    server.accepts(&rotated[ROTATIONS - 1].1).await;
    rotated
}

/// Prints the numbers, and checks them.
fn judge<E: Display>(name: &str, server: &Server, rotated: &[(Timing, KeyId)], outcome: &Outcome<E>) {
    let requests = server.requests();
    let refused = |timing: Timing| -> usize {
        let keys = rotated.iter().filter(|(of_key, _)| *of_key == timing);
        keys.filter_map(|(_, key_id)| requests.refused.get(key_id)).sum()
    };
    let [forced, usual, early] = Timing::ALL.map(refused);
    let reads = server.reads();
    println!(
        "{name}: {outcome}; {} rotations, requests refused: {forced} with keys that were forced, {early} with keys \
         that signed early, {usual} with the others; {reads} times the server read the JWKS",
        rotated.len(),
    );
    assert!(outcome.errors.is_empty(), "{outcome}");
    assert!(outcome.rate() > f64::from(CALLS_PER_SECOND) * 0.9, "{outcome}");
    assert_eq!((requests.others, usual), (vec![], 0));
    assert_eq!(requests.refused.values().sum::<usize>(), forced + early);
    // The test had an effect: every key signed, and the server was behind.
    assert!(rotated.iter().all(|(_, key_id)| requests.accepted.contains_key(key_id)));
    assert!(forced >= 4, "{forced}");
}
