//! Compares private-key-jwt with its peers: see `benches/README.md`.

mod checks;
mod contenders;
mod environment;
mod fixture;
mod measure;
mod report;
mod rounds;
mod targets;

use std::path::PathBuf;
use std::time::Duration;

use clap::Parser;
use private_key_jwt::Algorithm;

use contenders::{Contender, Error, Ours};
use fixture::Fixture;
use measure::{Lane, Spread, interleave};
use report::{Cell, Row, table};
use rounds::Rounds;
use targets::{Operation, remark, target};

/// Measures private-key-jwt and its peers in turns and prints the ratios as a Markdown table.
#[derive(Parser)]
struct Options {
    /// How often each contender has its turn at each operation.
    #[arg(long, default_value_t = 300, overrides_with = "rounds")]
    rounds: usize,
    /// Only operations with this in their name, such as ES256, verify or "load RSA".
    #[arg(long, default_value = "")]
    only: String,
    /// A few short rounds: checks every contender and prints the table, but the figures say little.
    #[arg(long)]
    quick: bool,
    /// Reports on the rounds in this file together with those of this run, and leaves all of them
    /// there.
    #[arg(long, value_name = "FILE")]
    carry: Option<PathBuf>,
}

impl Options {
    fn rounds(&self) -> usize {
        if self.quick { self.rounds.min(5) } else { self.rounds.max(1) }
    }

    /// The length of a turn: long compared with the clock's resolution, short compared with other
    /// load.
    fn batch_time(&self) -> Duration {
        Duration::from_micros(if self.quick { 100 } else { 1000 })
    }
}

fn main() -> Result<(), Error> {
    let options = Options::parse();
    let others = contenders::others()?;
    let mut rounds = options.carry.as_deref().map_or_else(|| Ok(Rounds::default()), Rounds::read)?;
    rounds.begin_run();
    let mut rows = Vec::new();
    for (operation, fixture) in operations(&Fixture::all()?) {
        if operation.label().contains(&options.only) {
            eprintln!("{} …", operation.label());
            measure(operation, fixture, &others, &options, &mut rounds)?;
            rows.push(row(operation, &others, &rounds)?);
        }
    }
    if let Some(file) = &options.carry {
        rounds.write(file)?;
    }
    let names: Vec<&str> = others.iter().map(|other| other.name()).collect();
    println!("{}", environment::describe());
    println!(
        "{}; the median of ours ÷ the other's and, in brackets, its 10th to 90th percentile.\n",
        rounds.extent()
    );
    println!("{}", table(Ours.name(), &names, &rows));
    println!("What the figures include:\n");
    for contender in std::iter::once(&Ours as &dyn Contender).chain(others.iter().map(AsRef::as_ref)) {
        println!("- {}: {}", contender.name(), contender.note());
    }
    Ok(())
}

fn operations(fixtures: &[&'static Fixture]) -> Vec<(Operation, &'static Fixture)> {
    let each = |operation: fn(Algorithm) -> Operation| {
        fixtures.iter().map(move |fixture| (operation(fixture.algorithm), *fixture))
    };
    let loaded = each(Operation::Load)
        .filter(|(_, fixture)| matches!(fixture.algorithm, Algorithm::RS256 | Algorithm::ES256));
    each(Operation::Sign).chain(each(Operation::Verify)).chain(loaded).collect()
}

/// Ours and all others that offer the operation, checked and then measured together.
fn measure(
    operation: Operation,
    fixture: &'static Fixture,
    others: &[Box<dyn Contender>],
    options: &Options,
    rounds: &mut Rounds,
) -> Result<(), Error> {
    let (mut names, mut lanes) = (Vec::new(), Vec::new());
    for contender in std::iter::once(&Ours as &dyn Contender).chain(others.iter().map(AsRef::as_ref)) {
        let lane = lane(operation, fixture, contender, options.batch_time())
            .map_err(|error| format!("{}: {}: {error}", operation.label(), contender.name()))?;
        if let Some(lane) = lane {
            names.push(contender.name());
            lanes.push(lane);
        }
    }
    interleave(&mut lanes, options.rounds())?;
    for (name, lane) in names.into_iter().zip(lanes) {
        rounds.add(&operation.label(), name, lane.into_times());
    }
    Ok(())
}

fn row(operation: Operation, others: &[Box<dyn Contender>], rounds: &Rounds) -> Result<Row, Error> {
    let label = operation.label();
    let ours = rounds.times(&label, Ours.name()).ok_or("ours offers everything")?;
    let cell = |other: &dyn Contender| match rounds.times(&label, other.name()) {
        None => Ok(Cell::NotOffered),
        Some(theirs) if theirs.len() != ours.len() => Err("the carried rounds had other contenders"),
        Some(theirs) => Ok(Cell::Ratio {
            ratio: Spread::of_ratios(ours, theirs),
            target: target(operation, Ours.backend(), other),
            remark: remark(operation, other),
        }),
    };
    let cells: Result<Vec<Cell>, _> = others.iter().map(|other| cell(other.as_ref())).collect();
    Ok(Row { operation: label, ours: Spread::of(ours.iter().copied()), others: cells? })
}

/// `None` if the contender does not offer it.
fn lane(
    operation: Operation,
    fixture: &'static Fixture,
    contender: &dyn Contender,
    batch_time: Duration,
) -> Result<Option<Lane<'static>>, Error> {
    let is_floor = contender.is_floor();
    match operation {
        Operation::Sign(_) => {
            let Some(mut sign) = contender.sign(fixture)? else { return Ok(None) };
            checks::signs(&mut sign, fixture, is_floor)?;
            let run = move || sign().map(|signed| drop(std::hint::black_box(signed)));
            Lane::new(run, batch_time).map(Some)
        }
        Operation::Verify(_) => {
            let Some(mut verify) = contender.verify(fixture)? else { return Ok(None) };
            checks::verifies(&mut verify, fixture, is_floor)?;
            Lane::new(move || verify(&fixture.token), batch_time).map(Some)
        }
        Operation::Load(_) => {
            let Some(mut load) = contender.load(fixture)? else { return Ok(None) };
            checks::loads(&mut load, fixture)?;
            Lane::new(move || load(fixture.private_pem), batch_time).map(Some)
        }
    }
}
