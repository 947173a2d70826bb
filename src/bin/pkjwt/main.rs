//! `pkjwt`: private_key_jwt on the command line.
//!
//! One file per command. Each reads its arguments, calls the library, and prints; nothing that a
//! library user would miss lives here. Exit status 0: success, 1: refused or failed, 2: wrong
//! usage. Results go to stdout, everything else to stderr.

#![forbid(unsafe_code)]

mod assert;
mod assertion;
mod cache;
mod causes;
mod cert;
mod client;
mod completions;
mod config;
mod doctor;
mod error;
mod findings;
mod fingerprint;
mod grant;
mod hinted;
mod http;
mod inspect;
mod introspect;
mod issued;
mod jwks;
mod key;
mod key_folder;
mod keygen;
mod login;
mod man;
mod misplaced;
mod new_file;
mod output;
mod pairs;
mod profiles;
mod public_keys;
mod quickstart;
mod redirect;
mod revoke;
mod rotate;
mod rotation_steps;
mod secret;
mod serve;
mod serve_jwks;
mod settings;
mod source;
mod token;
mod trace;
mod verify;

use std::ffi::OsString;
use std::future::Future;
use std::process::ExitCode;

use clap::{CommandFactory, FromArgMatches, Parser};

use error::{Context, Failure};

/// Keys, client assertions and tokens for OAuth 2.0 private_key_jwt (RFC 7523)
#[derive(Parser)]
#[command(name = "pkjwt", version, arg_required_else_help = true, after_help = EXAMPLE)]
enum Command {
    Quickstart(quickstart::Arguments),
    Keygen(keygen::Arguments),
    Jwks(jwks::Arguments),
    Cert(cert::Arguments),
    Inspect(inspect::Arguments),
    Assert(assert::Arguments),
    Token(Box<token::Arguments>),
    Introspect(introspect::Arguments),
    Revoke(revoke::Arguments),
    Rotate(rotate::Arguments),
    Verify(verify::Arguments),
    Profiles(profiles::Arguments),
    Doctor(Box<doctor::Arguments>),
    Serve(serve::Arguments),
    ServeJwks(serve_jwks::Arguments),
    Completions(completions::Arguments),
    Man(man::Arguments),
}

const EXAMPLE: &str = "Examples:
  pkjwt quickstart                         # a token from an embedded dev server, step by step
  pkjwt keygen --alg ES256 --out key.pem
  pkjwt inspect key.pem
  pkjwt jwks key.pem                       # register this with the authorization server
  pkjwt token --issuer https://as.example --key key.pem --client-id my-client
  pkjwt doctor --issuer https://as.example --key key.pem --client-id my-client   # why the server says no

Variables: each option --NAME can also be set by a variable PKJWT_NAME, in capitals and with _ for -: PKJWT_ISSUER,
PKJWT_CLIENT_ID, PKJWT_KEY. For verify: PKJWT_VERIFY_ISSUER, PKJWT_VERIFY_AUDIENCE, PKJWT_VERIFY_PROFILE and
PKJWT_VERIFY_SCOPE. An option that may be repeated takes one value per line. PKJWT_KEY_PASSPHRASE is the passphrase of
the key.

Config file: one table per setup, whose members are options; pkjwt --use prod token:
  [prod]
  issuer = \"https://as.example\"
  client-id = \"my-client\"
  key = \"client.pem\"
An option takes precedence over a variable, and a variable over the config file.

Exit status: 0 success, 1 refused or failed, 2 wrong usage, 130 interrupted by Ctrl-C during a login.";

fn main() -> ExitCode {
    let arguments: Vec<OsString> = std::env::args_os().collect();
    let mut known = settings::with_options(Command::command());
    let completed = misplaced::check(&known, &arguments, |_| None)
        .and_then(|()| settings::complete(&known, arguments))
        .and_then(|settings| {
            misplaced::check(&known, &settings.arguments, |option| settings.origin(option))?;
            Ok(settings)
        });
    let settings = match completed {
        Ok(settings) => settings,
        Err(failure) => return failed(&failure),
    };
    let matches = known.clone().try_get_matches_from(&settings.arguments);
    let command = match matches.and_then(|matches| Command::from_arg_matches(&matches)) {
        Ok(command) => command,
        Err(error) => return misplaced::report(&error, &known, &settings),
    };
    let done = match command {
        Command::Quickstart(arguments) => quickstart::run(&arguments),
        Command::Keygen(arguments) => keygen::run(&arguments),
        Command::Jwks(arguments) => jwks::run(&arguments),
        Command::Cert(arguments) => cert::run(&arguments),
        Command::Inspect(arguments) => inspect::run(&arguments),
        Command::Assert(arguments) => assert::run(&arguments),
        Command::Token(arguments) => token::run(&arguments),
        Command::Introspect(arguments) => introspect::run(&arguments),
        Command::Revoke(arguments) => revoke::run(&arguments),
        Command::Rotate(arguments) => rotate::run(&arguments),
        Command::Verify(arguments) => verify::run(&arguments),
        Command::Profiles(arguments) => profiles::run(&arguments),
        Command::Doctor(arguments) => doctor::run(&arguments),
        Command::Serve(arguments) => serve::run(&arguments),
        Command::ServeJwks(arguments) => serve_jwks::run(&arguments),
        Command::Completions(arguments) => completions::run(&arguments, &mut known),
        Command::Man(arguments) => man::run(&arguments, &known),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(failure) => failed(&failure),
    }
}

fn failed(failure: &Failure) -> ExitCode {
    output::note(&failure.line());
    failure.causes().for_each(|line| output::note(&line));
    ExitCode::from(failure.status())
}

/// Runs a future to its end, with sockets and timers.
fn block_on<F: Future>(future: F) -> Result<F::Output, Failure> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().context("runtime")?;
    Ok(runtime.block_on(future))
}
