//! The real `pkjwt`: each command, its exit statuses, and what goes to stdout and what to stderr.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing)]

mod assert;
mod cache;
mod cert;
mod doctor;
mod formats;
mod grants;
mod inspect;
mod introspect;
mod jwks;
mod keygen;
mod login;
mod misplaced;
mod profiles;
mod quickstart;
mod rotate;
mod run;
#[path = "../support/secrets.rs"]
mod secrets;
mod serve;
mod serve_jwks;
mod serve_options;
mod server;
mod settings;
#[path = "../support/mod.rs"]
mod support;
mod token;
mod verify;

use std::io::Read;
use std::process::Stdio;

use run::{assert_command, command, pkjwt, testdata};

#[test]
fn help_has_an_example_and_usage_errors_are_status_2() {
    let commands = [
        "quickstart",
        "keygen",
        "jwks",
        "cert",
        "inspect",
        "assert",
        "token",
        "introspect",
        "revoke",
        "rotate",
        "verify",
        "profiles",
        "doctor",
        "serve",
        "serve-jwks",
        "completions",
        "man",
    ];
    for command in commands {
        let help = pkjwt([command, "--help"]).done();
        assert!(help.contains("Example") && help.contains(&format!("pkjwt {command}")), "{help}");
        pkjwt([command, "--no-such-option"]).clap();
    }
    assert!(pkjwt(["--help"]).done().contains("Exit status"));
    assert!(pkjwt(["--version"]).done().starts_with("pkjwt "));
    pkjwt(["unheard-of"]).clap();
    assert_eq!(pkjwt([""; 0]).status, Some(2));
}

#[test]
fn a_reader_that_has_gone_away_is_no_panic() {
    let key = testdata("rsa2048.pkcs8.pem");
    let about = |command: &str| vec![command.to_owned(), key.clone()];
    for arguments in [assert_command(&key, &[]), about("jwks"), about("inspect"), vec!["--help".to_owned()]] {
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let mut child = command(&arguments).stdout(writer).stderr(Stdio::piped()).spawn().unwrap();
        let mut stderr = String::new();
        child.stderr.take().unwrap().read_to_string(&mut stderr).unwrap();
        assert_eq!((child.wait().unwrap().code(), stderr.as_str()), (Some(0), ""));
    }
}

#[test]
fn completions_and_manual_pages_know_every_command() {
    for shell in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let script = pkjwt(["completions", shell]).done();
        for word in ["introspect", "cache-dir", "x5t-s256"] {
            assert!(script.contains(word), "{shell}: {word}");
        }
    }
    pkjwt(["completions", "cmd"]).clap();
    assert!(pkjwt(["man"]).done().contains(".TH pkjwt 1"));
    assert!(pkjwt(["man", "token"]).done().contains("client\\-credentials"));
    pkjwt(["man", "unheard-of"]).usage(&["man: no such command"]);
    let place = run::Place::new();
    for _ in 0..2 {
        assert_eq!(pkjwt(["man", "--out-dir", place.0.path().to_str().unwrap()]).done(), "");
    }
    let mut pages: Vec<String> = std::fs::read_dir(place.0.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    pages.sort();
    assert_eq!(pages.len(), 18);
    assert!(
        pages.contains(&"pkjwt.1".to_owned()) && pages.contains(&"pkjwt-token.1".to_owned()),
        "{pages:?}"
    );
}

/// Output that is no terminal's has no colours, whatever is printed.
#[test]
fn without_a_terminal_nothing_has_colours() {
    for arguments in [&["quickstart"][..], &["--help"], &["token", "--help"], &["token"], &["x"]] {
        let run = pkjwt(arguments);
        assert!(!format!("{}{}", run.stdout, run.stderr).contains('\u{1b}'), "{arguments:?}");
    }
}
