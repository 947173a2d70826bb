//! Random histories of a folder, judged by what its replicas were seen to do.

use super::*;
use crate::rotation::plan::Move;

/// By how much clocks differ at most.
const SKEW: i64 = 1_000_000_000;
const SECOND: i64 = 1_000_000_000;
const PROPAGATION: i64 = 300 * SECOND;
const LIFETIME: i64 = 60 * SECOND;
const REPLICAS: usize = 3;

/// SplitMix64 by Sebastiano Vigna (public domain): enough for a test, and the same on every run.
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    /// Nanoseconds in a span of seconds.
    fn within(&mut self, seconds: u64) -> i64 {
        self.below(seconds * 1_000_000_000).cast_signed()
    }
}

fn moment(nanoseconds: i64) -> OffsetDateTime {
    at(0) + time::Duration::nanoseconds(nanoseconds)
}

/// What was seen of a key.
#[derive(Clone, Copy, Default)]
struct Seen {
    added: i64,
    is_forced: bool,
    revoked: Option<i64>,
    /// Since when each replica shows it in its JWKS.
    shown: [Option<i64>; REPLICAS],
    /// When it was last seen to sign, by any replica.
    signed: Option<i64>,
}

/// A process that reads the folder.
#[derive(Clone, Default)]
struct Replica {
    /// By how much its clock is ahead.
    ahead: i64,
    /// The phases that it knows, of the keys of the plan.
    phases: Vec<Phase>,
    signer: Option<usize>,
}

/// A folder in memory, and those who watch it. Keys are numbered, and their files have that name.
struct World {
    random: Random,
    now: i64,
    plan: Plan,
    moves: Vec<Move>,
    seen: Vec<Seen>,
    replicas: [Replica; REPLICAS],
    story: Vec<String>,
    /// How often a key began to sign after the propagation time, and how often otherwise.
    patient: usize,
    hasty: usize,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let mut world = Self {
            now: random.within(2),
            plan: Plan {
                propagation: seconds(300),
                lifetime: seconds(60),
                overlap: seconds(400 + random.below(1000)),
                ..Plan::new(Vec::new())
            },
            replicas: std::array::from_fn(|_| Replica {
                ahead: random.below(1_000_000_000).cast_signed(),
                ..Replica::default()
            }),
            random,
            moves: Vec::new(),
            seen: Vec::new(),
            story: Vec::new(),
            patient: 0,
            hasty: 0,
        };
        // A folder without a manifest: nothing, a lone key, or keys with a time in their name.
        for index in 0..world.random.below(4) {
            let activate = (index > 0).then(|| at(index.cast_signed() * 900));
            world.plan.keys.push(PlannedKey { activate, ..PlannedKey::new(index.to_string()) });
            world.seen.push(Seen { added: -10_000 * SECOND, ..Seen::default() });
        }
        world.replan();
        for seen in &mut world.seen {
            seen.shown = seen.shown.map(|shown| shown.map(|_| -10_000 * SECOND));
        }
        world
    }

    fn number(&self, index: usize) -> usize {
        self.plan.keys[index].file.parse().unwrap()
    }

    /// The replicas read a changed plan.
    fn replan(&mut self) {
        self.moves = self.plan.moves();
        for index in 0..REPLICAS {
            let clock = moment(self.now + self.replicas[index].ahead);
            let mut phases = vec![Phase::Planned; self.plan.keys.len()];
            for step in self.moves.iter().take_while(|step| step.at <= Some(clock)) {
                phases[step.key] = step.phase;
            }
            self.replicas[index].phases = phases;
            self.look(index, self.now);
        }
    }

    /// Time passes until then. Every replica carries out every move, and looks at random times.
    fn pass(&mut self, until: i64) {
        // When, by which replica, and the phase that a key enters.
        type Event = (i64, usize, Option<(usize, Phase)>);
        let mut events: Vec<Event> = Vec::new();
        for (index, replica) in self.replicas.iter().enumerate() {
            for step in &self.moves {
                let Some(time) = step.at else { continue };
                let time = i64::try_from((time - at(0)).whole_nanoseconds()).unwrap() - replica.ahead;
                if self.now < time && time <= until {
                    events.push((time, index, Some((step.key, step.phase))));
                }
            }
        }
        for index in 0..REPLICAS {
            events.push((
                self.now + self.random.below((until - self.now).unsigned_abs() + 1).cast_signed(),
                index,
                None,
            ));
            events.push((until, index, None));
        }
        // The moves of one instant belong together.
        events.sort_by_key(|(time, index, _)| (*time, *index));
        let mut events = events.into_iter().peekable();
        while let Some((time, index, step)) = events.next() {
            let replica = &mut self.replicas[index];
            if let Some((key, phase)) = step {
                replica.phases[key] = phase;
                // Until now, the former key signed.
                if let Some(signer) = replica.signer {
                    self.seen[signer].signed = self.seen[signer].signed.max(Some(time));
                }
            }
            if events.peek().is_none_or(|(next, of, _)| (*next, *of) != (time, index)) {
                self.look(index, time);
            }
        }
        self.now = until;
    }

    /// What must hold at every instant.
    fn look(&mut self, index: usize, time: i64) {
        let phases = std::mem::take(&mut self.replicas[index].phases);
        let mut signers = Vec::with_capacity(1);
        let mut shown = 0;
        let mut is_listed = vec![false; self.seen.len()];
        for (key, phase) in phases.iter().enumerate() {
            let number = self.number(key);
            let seen = &mut self.seen[number];
            is_listed[number] = phase.is_published();
            if phase.is_published() {
                seen.shown[index].get_or_insert(time);
                shown += 1;
                let is_recent = seen.revoked.is_none_or(|revoked| time - revoked <= SKEW);
                assert!(is_recent, "revoked and in the JWKS: {}", self.told(time, number));
            } else {
                seen.shown[index] = None;
            }
            if *phase == Phase::Active {
                signers.push(number);
            }
        }
        // Exactly one key signs, unless all were revoked.
        assert_eq!(signers.len(), shown.min(1), "{}", self.told(time, index));
        let is_there = |seen: &Seen| {
            let is_young = seen.signed.is_none_or(|signed| time - signed < LIFETIME + PROPAGATION);
            seen.revoked.is_none() && time - seen.added > SKEW && is_young
        };
        assert!(shown > 0 || !self.seen.iter().any(is_there), "no key: {}", self.told(time, index));

        let (former, signer) = (self.replicas[index].signer, signers.first().copied());
        if let Some(signer) = signer.filter(|signer| former != Some(*signer)) {
            // Every replica has shown it for the propagation time, or this one no key for longer.
            let seen = &self.seen[signer];
            let since = seen.shown.iter().map(|shown| shown.unwrap_or(i64::MAX)).max().unwrap();
            let is_known = time.saturating_sub(since) >= PROPAGATION - SKEW;
            let was_revoked = former.is_some_and(|former| self.seen[former].revoked.is_some());
            let mut others = self.seen.iter().zip(&is_listed).filter(|(_, is_listed)| **is_listed);
            let shown_here = |seen: &Seen| seen.shown[index].unwrap_or(time);
            let is_oldest = others.all(|(other, _)| shown_here(other) + SKEW >= shown_here(seen));
            let is_excused = is_oldest || seen.is_forced || was_revoked || former.is_none();
            assert!(is_known || is_excused, "signs too early: {}", self.told(time, signer));
            if is_known { self.patient += 1 } else { self.hasty += 1 }
        }
        if let Some(signer) = signer {
            self.seen[signer].signed = self.seen[signer].signed.max(Some(time));
        }
        self.replicas[index].signer = signer;
        self.replicas[index].phases = phases;

        // What signed lately can be verified.
        for (number, seen) in self.seen.iter().enumerate() {
            let is_recent = seen.signed.is_some_and(|signed| time - signed < LIFETIME + PROPAGATION - SKEW);
            let is_young = time - seen.added <= SKEW;
            let is_fine = is_listed[number] || !is_recent || is_young || seen.revoked.is_some();
            assert!(is_fine, "orphaned: {}", self.told(time, number));
        }
    }

    fn told(&self, time: i64, number: usize) -> String {
        format!("{number} at {time}: {}\n{:#?}", self.story.join(", "), self.plan)
    }

    /// An operator, whose clock is no better than those of the replicas, does something.
    fn operate(&mut self) {
        let clock = moment(self.now + self.random.below(1_000_000_000).cast_signed());
        match self.random.below(10) {
            0..5 => {
                let is_forced = self.random.one_in(5);
                let activate_in = match self.random.below(3) {
                    0 => None,
                    1 => Some(seconds(300)),
                    _ if is_forced => Some(seconds(self.random.below(400))),
                    _ => Some(seconds(300 + self.random.below(600))),
                };
                let overlap = self.random.one_in(3).then(|| seconds(self.random.below(1200)));
                self.rotate(Timing { activate_in, overlap, is_forced }, clock);
            }
            5..7 if !self.plan.keys.is_empty() => {
                let index = usize::try_from(self.random.below(self.plan.keys.len() as u64)).unwrap();
                let number = self.number(index);
                if let Some(revocation) = revoke(&self.plan, index, clock) {
                    self.plan.keys[index].revoke = Some(revocation.at);
                    self.seen[number].revoked = Some(self.now);
                    self.story.push(format!("{}: {number} revoked", self.now));
                }
            }
            _ => {
                let removed = prune(&self.plan, clock);
                self.plan = without(&self.plan, &removed);
                self.story.push(format!("{}: pruned {removed:?}", self.now));
            }
        }
        self.replan();
    }

    fn rotate(&mut self, timing: Timing, clock: OffsetDateTime) {
        let Rotation { mut key, retire } = rotate(&self.plan, timing, clock).unwrap();
        let number = self.seen.len();
        key.file = number.to_string();
        self.seen.push(Seen { added: self.now, is_forced: key.forced, ..Seen::default() });
        self.story.push(format!("{}: {number} rotates {timing:?}", self.now));
        self.plan.keys.push(key);
        if let Some((index, at)) = retire {
            self.plan.keys[index].retire = Some(at);
        }
    }
}

#[test]
fn in_any_history_one_known_key_signs_and_every_signature_can_be_verified() {
    const HISTORIES: u64 = 100_000;
    let threads = 2;
    let run = |first: u64| {
        let (mut patient, mut hasty) = (0, 0);
        for seed in (first..HISTORIES).step_by(threads) {
            let mut world = World::new(seed);
            for _ in 0..2 + world.random.below(6) {
                let pause = match world.random.below(4) {
                    0 => world.random.within(3),
                    1 => world.random.within(400),
                    2 => PROPAGATION + world.random.within(2) - SECOND,
                    _ => world.random.within(4000),
                };
                world.pass(world.now + pause);
                world.operate();
            }
            let end = world.now + world.random.within(3000);
            world.pass(end);
            patient += world.patient;
            hasty += world.hasty;
        }
        (patient, hasty)
    };
    let counts = std::thread::scope(|scope| {
        let runs: Vec<_> = (0..threads as u64).map(|first| scope.spawn(move || run(first))).collect();
        runs.into_iter()
            .map(|run| run.join().unwrap())
            .fold((0, 0), |sum, run| (sum.0 + run.0, sum.1 + run.1))
    });
    // Both kinds of histories are there.
    assert!(counts.0 > 100_000 && counts.1 > 10_000, "{counts:?}");
}
