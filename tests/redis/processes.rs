//! Four processes that share one Redis.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::Arc;

use private_key_jwt::server::RedisReplayStore;

use crate::server::Redis;
use crate::{Ends, Tally, spend_at_once};

/// Marks a process as one of the four: the address of Redis.
const ADDRESS: &str = "PRIVATE_KEY_JWT_TEST_REDIS";
/// The test below, by its name in the test binary.
const NAME: &str =
    "processes::of_four_processes_with_16_tasks_each_one_task_spends_an_assertion_in_each_of_1000_rounds";
const TASKS: usize = 16;

/// Reads assertions from its input, one per line, and answers with the results of its tasks.
async fn spender(address: &str) {
    let store = Arc::new(RedisReplayStore::open(address).unwrap());
    let ends = Arc::new(Ends::new());
    for assertion in std::io::stdin().lines() {
        let Tally { spent, replayed, failed } =
            spend_at_once(&store, &ends, &assertion.unwrap(), TASKS).await;
        println!("tally {spent} {replayed} {failed}");
    }
}

struct Spender {
    process: Child,
    input: Option<ChildStdin>,
    output: BufReader<ChildStdout>,
}

impl Spender {
    fn start(address: &str) -> Self {
        let mut process = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", NAME, "--nocapture", "--test-threads", "1"])
            .env(ADDRESS, address)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let (input, output) = (process.stdin.take(), process.stdout.take().unwrap());
        Self { process, input, output: BufReader::new(output) }
    }

    fn send(&mut self, assertion: &str) {
        self.input.as_mut().unwrap().write_all(format!("{assertion}\n").as_bytes()).unwrap();
    }

    /// Its last output, after the lines of the test harness.
    fn tally(&mut self) -> Tally {
        loop {
            let mut line = String::new();
            assert!(
                self.output.read_line(&mut line).unwrap() > 0,
                "a spender ended: {:?}",
                self.process.wait()
            );
            // The harness writes the name of the test without ending the line.
            if let Some((_, counts)) = line.split_once("tally ") {
                let counts: Vec<usize> =
                    counts.split_whitespace().map(|count| count.parse().unwrap()).collect();
                return Tally { spent: counts[0], replayed: counts[1], failed: counts[2] };
            }
        }
    }
}

impl Drop for Spender {
    fn drop(&mut self) {
        // The process ends when its input ends.
        drop(self.input.take());
        let ended = self.process.wait().unwrap();
        assert!(std::thread::panicking() || ended.success(), "{ended}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_four_processes_with_16_tasks_each_one_task_spends_an_assertion_in_each_of_1000_rounds() {
    if let Ok(address) = std::env::var(ADDRESS) {
        return spender(&address).await;
    }
    let redis = Redis::start(&[]);
    let ends = Ends::new();
    let mut spenders: Vec<_> = (0..4).map(|_| Spender::start(&redis.address())).collect();
    let mut winners = [0; 4];
    for round in 0..1000 {
        let assertion = ends.assertion(&format!("round {round}"));
        spenders.iter_mut().for_each(|spender| spender.send(&assertion));
        let mut sum = Tally::default();
        for (spender, won) in spenders.iter_mut().zip(&mut winners) {
            let tally = spender.tally();
            *won += tally.spent;
            sum.spent += tally.spent;
            sum.replayed += tally.replayed;
            sum.failed += tally.failed;
        }
        assert_eq!(sum, Tally { spent: 1, replayed: 4 * TASKS - 1, failed: 0 }, "round {round}");
    }
    assert_eq!(redis.say("DBSIZE").unwrap(), ":1000");
    // The processes did race each other.
    assert!(winners.iter().filter(|won| **won > 0).count() > 1, "{winners:?}");
}
