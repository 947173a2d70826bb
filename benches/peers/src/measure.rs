//! Measures contenders in turns. What disturbs a shared machine lasts longer than a round, so it
//! affects all contenders of a round alike and does not change their ratio.

use std::time::{Duration, Instant};

use crate::contenders::Error;

/// One contender at one operation.
pub(crate) struct Lane<'a> {
    run: Box<dyn FnMut() -> Result<(), Error> + 'a>,
    batch: u32,
    /// Nanoseconds per operation, one figure a round.
    times: Vec<f64>,
}

impl<'a> Lane<'a> {
    /// Finds out how many operations fill a batch.
    pub(crate) fn new(
        run: impl FnMut() -> Result<(), Error> + 'a,
        batch_time: Duration,
    ) -> Result<Self, Error> {
        let mut lane = Self { run: Box::new(run), batch: 1, times: Vec::new() };
        lane.time(2)?; // what is set up at the first call belongs to no figure
        let mut tried = 1;
        let mut took = lane.time(tried)?;
        while took * 4 < batch_time {
            tried *= 2;
            took = lane.time(tried)?;
        }
        lane.batch = operations_in(batch_time, took / tried);
        Ok(lane)
    }

    pub(crate) fn into_times(self) -> Vec<f64> {
        self.times
    }

    fn time(&mut self, operations: u32) -> Result<Duration, Error> {
        let start = Instant::now();
        for _ in 0..operations {
            (self.run)()?;
        }
        Ok(start.elapsed())
    }
}

fn operations_in(time: Duration, one: Duration) -> u32 {
    u32::try_from(time.as_nanos() / one.as_nanos().max(1)).unwrap_or(u32::MAX).max(1)
}

/// Each lane once per round, in a different order each time.
pub(crate) fn interleave(lanes: &mut [Lane<'_>], rounds: usize) -> Result<(), Error> {
    // Seeded, so that two runs use the same order.
    let mut random = fastrand::Rng::with_seed(7523);
    let mut order: Vec<usize> = (0..lanes.len()).collect();
    for _ in 0..rounds {
        random.shuffle(&mut order);
        for &turn in &order {
            let lane = &mut lanes[turn];
            lane.time(1)?; // the one before has left its own code and tables in the caches
            let took = lane.time(lane.batch)?;
            lane.times.push(took.as_secs_f64() * 1e9 / f64::from(lane.batch));
        }
    }
    Ok(())
}

/// The median of many figures, and the 10th and 90th percentile.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Spread {
    pub(crate) median: f64,
    pub(crate) low: f64,
    pub(crate) high: f64,
}

impl Spread {
    /// # Panics
    ///
    /// If there are no figures.
    pub(crate) fn of(figures: impl IntoIterator<Item = f64>) -> Self {
        let mut sorted: Vec<f64> = figures.into_iter().collect();
        sorted.sort_by(f64::total_cmp);
        let at = |part| percentile(&sorted, part);
        Self { median: at(0.5), low: at(0.1), high: at(0.9) }
    }

    /// The median of the ratios of all rounds, which differs from the ratio of the medians.
    pub(crate) fn of_ratios(ours: &[f64], theirs: &[f64]) -> Self {
        assert_eq!(ours.len(), theirs.len(), "both were in every round");
        Self::of(ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs))
    }
}

/// Interpolates between the two nearest figures.
#[allow(clippy::cast_precision_loss, clippy::cast_possible_truncation, clippy::cast_sign_loss)]
fn percentile(sorted: &[f64], part: f64) -> f64 {
    let place = part * (sorted.len() - 1) as f64;
    let below = place.floor();
    let above = sorted[place.ceil() as usize];
    let start = sorted[below as usize];
    start + (above - start) * (place - below)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_middle_of_figures_in_any_order() {
        assert_eq!(Spread::of([3.0, 1.0, 2.0]).median, 2.0);
        assert_eq!(Spread::of([4.0, 1.0, 2.0, 3.0]).median, 2.5);
        assert_eq!(Spread::of([7.0]), Spread { median: 7.0, low: 7.0, high: 7.0 });
    }

    #[test]
    fn the_spread_leaves_out_a_tenth_at_each_end() {
        let spread = Spread::of((0..=10).map(f64::from));
        assert_eq!(spread, Spread { median: 5.0, low: 1.0, high: 9.0 });
        // One disturbed round in eleven does not change the median much.
        let spread = Spread::of((0..10).map(f64::from).chain([1e9]));
        assert_eq!(spread, Spread { median: 5.0, low: 1.0, high: 9.0 });
    }

    #[test]
    fn ratios_are_taken_round_by_round() {
        // Ours always takes half as long as theirs, while the machine becomes ten times slower.
        let (ours, theirs) = ([1.0, 10.0, 5.0], [2.0, 20.0, 10.0]);
        assert_eq!(Spread::of_ratios(&ours, &theirs), Spread { median: 0.5, low: 0.5, high: 0.5 });
    }

    #[test]
    #[should_panic(expected = "both were in every round")]
    fn ratios_need_the_same_rounds() {
        Spread::of_ratios(&[1.0], &[1.0, 2.0]);
    }

    #[test]
    fn a_batch_fills_its_time_and_is_never_empty() {
        let (time, millisecond) = (Duration::from_micros(1000), Duration::from_millis(1));
        assert_eq!(operations_in(time, Duration::from_micros(30)), 33);
        assert_eq!(operations_in(time, 5 * millisecond), 1);
        assert_eq!(operations_in(millisecond, Duration::ZERO), 1_000_000);
    }

    #[test]
    fn every_lane_has_one_figure_a_round() {
        let mut counts = [0_u32; 2];
        let [first, second] = &mut counts;
        let mut lanes = [first, second].map(|count| {
            let run = move || {
                *count += 1;
                Ok(())
            };
            Lane { run: Box::new(run), batch: 3, times: Vec::new() }
        });
        interleave(&mut lanes, 5).unwrap();
        let times = lanes.map(Lane::into_times);
        assert!(times.iter().all(|times| times.len() == 5));
        assert_eq!(counts, [20, 20]); // one to warm up and a batch of three, five times
    }

    #[test]
    fn what_fails_is_not_measured() {
        assert!(Lane::new(|| Err("refused".into()), Duration::from_micros(1)).is_err());
    }
}
