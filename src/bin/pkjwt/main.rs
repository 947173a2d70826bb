//! `pkjwt`: private_key_jwt on the command line.
//!
//! One file per command. Each reads its arguments, calls the library, and prints; nothing that a
//! library user would miss lives here. Exit status 0: success, 1: refused or failed, 2: wrong
//! usage. Results go to stdout, everything else to stderr.

#![forbid(unsafe_code)]

mod assert;
mod assertion;
mod client;
mod error;
mod findings;
mod grant;
mod hinted;
mod inspect;
mod introspect;
mod jwks;
mod key;
mod keygen;
mod login;
mod misplaced;
mod output;
mod pairs;
mod public_keys;
mod quickstart;
mod redirect;
mod revoke;
mod secret;
mod serve;
mod source;
mod token;
mod verify;

use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;

use clap::{CommandFactory, Parser};

use error::{Context, Failure};

/// Keys, client assertions and tokens for OAuth 2.0 private_key_jwt (RFC 7523)
#[derive(Parser)]
#[command(name = "pkjwt", version, arg_required_else_help = true, after_help = EXAMPLE)]
enum Command {
    Quickstart(quickstart::Arguments),
    Keygen(keygen::Arguments),
    Jwks(jwks::Arguments),
    Inspect(inspect::Arguments),
    Assert(assert::Arguments),
    Token(Box<token::Arguments>),
    Introspect(introspect::Arguments),
    Revoke(revoke::Arguments),
    Verify(verify::Arguments),
    Serve(serve::Arguments),
}

const EXAMPLE: &str = "Example:
  pkjwt quickstart                         # a token from an embedded dev server, step by step
  pkjwt keygen --alg ES256 --out key.pem
  pkjwt inspect key.pem
  pkjwt jwks key.pem                       # register this with the authorization server
  pkjwt token --issuer https://as.example --key key.pem --client-id my-client

Exit status: 0 success, 1 refused or failed, 2 wrong usage, 130 interrupted by Ctrl-C during a login.";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let known = Command::command();
    if let Err(failure) = misplaced::check(&known, &arguments) {
        return failed(&failure);
    }
    let command = match Command::try_parse_from(&arguments) {
        Ok(command) => command,
        Err(error) => return misplaced::report(&error, &known, &arguments),
    };
    let done = match command {
        Command::Quickstart(arguments) => quickstart::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Jwks(arguments) => jwks::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Assert(arguments) => assert::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Introspect(arguments) => introspect::run(&arguments),
        Command::Revoke(arguments) => revoke::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    output::note(&failure.line());
    ExitCode::from(failure.status())
}

/// Runs a future to its end, with sockets and timers.
fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("runtime")?;
    Ok(runtime.block_on(future))
}
