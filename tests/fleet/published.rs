//! What the three processes publish: the same keys, and none that comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, Instant};

use private_key_jwt::{JwkSet, KeyId};

use crate::process::PROCESSES;

/// What was seen at each process, also before it was restarted.
#[derive(Default)]
pub(crate) struct Published {
    /// Each key, and whether it is still there.
    seen: [BTreeMap<KeyId, bool>; PROCESSES],
    /// When the processes were seen to be equal for the last time.
    equal_at: Option<Instant>,
    /// The longest time between two such moments with a difference between them.
    pub(crate) differed: Duration,
    differ: bool,
    pub(crate) bodies: BTreeSet<String>,
    pub(crate) flaps: Vec<String>,
}

impl Published {
    /// Notes what was read from each process that runs.
    pub(crate) fn note(&mut self, bodies: [Option<String>; PROCESSES]) {
        for (process, body) in bodies.iter().enumerate() {
            let Some(body) = body else { continue };
            let keys = JwkSet::from_json(body.as_bytes()).unwrap();
            let keys: BTreeSet<&KeyId> = keys.keys().iter().map(|key| key.key_id().unwrap()).collect();
            let seen = &mut self.seen[process];
            for (key_id, is_there) in seen.iter_mut() {
                if !*is_there && keys.contains(key_id) {
                    self.flaps.push(format!("key {key_id} comes back at process {process}"));
                }
                *is_there &= keys.contains(key_id);
            }
            for key_id in keys {
                seen.entry(key_id.clone()).or_insert(true);
            }
        }
        let bodies: BTreeSet<String> = bodies.into_iter().flatten().collect();
        let since = self.equal_at.map(|at| at.elapsed()).unwrap_or_default();
        self.differ |= bodies.len() > 1;
        if self.differ {
            self.differed = self.differed.max(since);
        }
        if bodies.len() < 2 {
            (self.equal_at, self.differ) = (Some(Instant::now()), false);
        }
        self.bodies.extend(bodies);
    }
}
