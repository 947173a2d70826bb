//! A secret in the wrong place on the command line: every option and positional of every command,
//! and extra arguments. The output repeats none of it.

use crate::run::{Place, Run, pkjwt, pkjwt_env, testdata};
use crate::secrets::{secrets, suspects};
use crate::support::{MARK, has_mark};

/// Values that may be any text or are secrets themselves, and never show in an error.
const FREE: [&str; 12] = [
    "ID",
    "SCOPE",
    "KID",
    "NAME",
    "NAME=JSON",
    "NAME=VALUE",
    "TEXT",
    "TYP",
    "SUBJECT",
    "CLAIM",
    "CLIENT_ID",
    // Options of `verify`.
    "ISSUER",
];

/// A command with its required arguments. It ends by itself, whatever is added, because no server
/// listens at port 1.
fn commands(place: &Place) -> Vec<(&'static str, Vec<String>)> {
    let key = testdata("p256.pkcs8.pem");
    let (token, jwks) = (place.put("token", "t"), place.jwks("p256"));
    let server = ["--token-endpoint", "https://127.0.0.1:1/token", "--key", &key, "--client-id", "c"];
    let words = |words: &[&str]| words.iter().map(|word| (*word).to_owned()).collect::<Vec<_>>();
    let with_server = |more: &[&str]| words(&[&server[..], more].concat());
    vec![
        ("keygen", words(&["--alg", "ES256", "--out", &place.name("new.pem")])),
        ("jwks", words(&[&key])),
        ("cert", words(&["--key", &key, "--subject", "CN=c"])),
        ("inspect", words(&[&key])),
        ("assert", words(&["--key", &key, "--client-id", "c", "--audience", "https://as.example"])),
        ("token", with_server(&[])),
        ("introspect", with_server(&[&token])),
        ("revoke", with_server(&[&token])),
        ("verify", words(&["-", "--jwks", &jwks, "--issuer", "c", "--audience", "https://as.example"])),
        ("profiles", words(&["okta"])),
        ("serve", words(&["--client", "c=no-such-file.json"])),
        ("serve-jwks", words(&["no-such-file.pem"])),
        ("quickstart", with_server(&[])),
    ]
}

/// The options of a command, from its help: the name, and the name of the value.
fn options(command: &str) -> Vec<(String, Option<String>)> {
    let help = pkjwt([command, "--help"]).done();
    let lines = help.lines().filter_map(|line| {
        let (_, rest) = line
            .trim_start()
            .split_once("--")
            .filter(|(before, _)| before.len() <= 4 && !before.contains("pkjwt"))?;
        let rest = rest.split("  ").next()?.trim();
        Some(match rest.split_once(" <") {
            Some((name, value)) => (format!("--{name}"), value.split('>').next().map(str::to_owned)),
            None => (format!("--{rest}"), None),
        })
    });
    let options: Vec<_> = lines
        .filter(|(name, _)| name[2..].bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-'))
        .collect();
    assert!(options.len() > 2, "{help}");
    options
}

/// The arguments with another value of an option. Adds the option if it is missing.
fn with_option(arguments: &[String], name: &str, value: &str) -> Vec<String> {
    let mut arguments = arguments.to_vec();
    match arguments.iter().position(|argument| argument == name) {
        Some(at) => arguments[at + 1] = value.to_owned(),
        None => arguments.extend([name.to_owned(), value.to_owned()]),
    }
    arguments
}

#[track_caller]
fn check(arguments: &[String], form: &str) -> Run {
    let run = pkjwt(arguments);
    let said = format!("{}{}", run.stdout, run.stderr);
    assert!(!has_mark(&said), "{form} in {arguments:?} shows in: {said}");
    run
}

fn all(command: &str, arguments: &[String]) -> Vec<String> {
    [&[command.to_owned()][..], arguments].concat()
}

#[test]
fn no_option_repeats_a_secret() {
    let place = Place::new();
    let mut count = 0;
    for (command, arguments) in commands(&place) {
        for (option, value) in options(command) {
            for (form, secret) in secrets() {
                let is_client_id = option == "--client-id" || option == "--missing-audience-from";
                if is_client_id && form == "JWT" {
                    // It may be a token, and is shown to its user.
                    continue;
                }
                let run = match &value {
                    Some(_) => check(&all(command, &with_option(&arguments, &option, &secret)), form),
                    // A flag takes no value.
                    None => check(
                        &all(command, &[&arguments[..], &[format!("{option}={secret}")]].concat()),
                        form,
                    ),
                };
                let is_help = option == "--help" || option == "--version";
                if !is_help {
                    assert_eq!(run.status, Some(2), "{command} {option} {form}: {}", run.stderr);
                    assert!(run.stderr.lines().count() == 1 || value.is_none(), "{}", run.stderr);
                }
                count += 1;
            }
            for (form, secret) in suspects() {
                // The audience of an assertion may be any text.
                let is_free =
                    value.as_deref().is_some_and(|value| FREE.contains(&value)) || option == "--audience";
                if !is_free {
                    check(&all(command, &with_option(&arguments, &option, &secret)), form);
                }
            }
        }
    }
    assert!(count > 1000, "only {count} runs");
}

#[test]
fn no_argument_that_is_none_repeats_a_secret() {
    let place = Place::new();
    for (form, secret) in secrets().into_iter().chain(suspects()) {
        check(std::slice::from_ref(&secret), form);
        check(&[format!("--{secret}")], form);
        check(&[format!("-{secret}")], form);
        check(&["--".to_owned(), secret.clone()], form);
        check(&["help".to_owned(), secret.clone()], form);
        for (command, arguments) in commands(&place) {
            let with = |more: &[String]| all(command, &[&arguments[..], more].concat());
            for more in [
                vec![secret.clone()],
                vec!["--".to_owned(), secret.clone()],
                vec![format!("--{secret}")],
                vec![format!("--no-such-option={secret}")],
                vec!["--no-such-option".to_owned(), secret.clone()],
            ] {
                check(&with(&more), form);
            }
            check(&all(command, &with_option(&arguments, "--key", &format!("env:{secret}"))), form);
            // In the place of its own positional.
            let is_shown = (command, form) == ("inspect", "JWT");
            if !is_shown && !["keygen", "cert", "assert", "token", "serve", "quickstart"].contains(&command) {
                let rest = if command == "verify" { &arguments[1..] } else { &[] };
                check(&all(command, &[&[secret.clone()][..], rest].concat()), form);
            }
        }
    }
}

/// Options that name a place to write. Each run checks that its working directory is still empty.
#[test]
fn a_secret_in_the_place_of_a_new_file_or_directory_is_not_created() {
    let key = testdata("p256.pkcs8.pem");
    let server = ["--token-endpoint", "https://127.0.0.1:1/token", "--key", &key, "--client-id", "c"];
    let token = [&["token"], &server[..]].concat();
    let place = Place::new();
    let client = format!("c={}", place.jwks("p256"));
    let mut commands = vec![
        (token.clone(), "--cache-dir"),
        (vec!["keygen", "--alg", "ES256"], "--out"),
        (vec!["cert", "--key", &key, "--subject", "CN=c"], "--out"),
        (vec!["man"], "--out-dir"),
    ];
    if cfg!(feature = "dev-server-tls") {
        commands.push((vec!["serve", "--client", &client], "--tls-self-signed"));
    }
    for (arguments, option) in commands {
        let below = secrets().into_iter().map(|(form, secret)| (form, format!("no-such-folder/{secret}")));
        for (form, value) in secrets().into_iter().chain(suspects()).chain(below) {
            let words = arguments.iter().copied().chain([option, &value]);
            let run = check(&words.map(str::to_owned).collect::<Vec<_>>(), form);
            assert_eq!((run.status, run.stdout.as_str()), (Some(2), ""), "{option} {form}: {}", run.stderr);
        }
        let run = pkjwt(arguments.iter().copied().chain([option, MARK]));
        assert_eq!(
            run.usage(&[]),
            "pkjwt: the path: looks like a possible secret, so nothing is created; write ./NAME if it is a name\n"
        );
    }
    // A variable, and the directory that the system names.
    let expected = "pkjwt: the path: looks like a possible secret, so nothing is created; write ./NAME if it is a name\n";
    let run = pkjwt_env(&token, "PKJWT_CACHE_DIR", MARK);
    assert_eq!(run.usage(&[]), expected);
}

#[test]
fn a_name_before_a_value_is_no_place_for_a_secret() {
    let place = Place::new();
    let commands = commands(&place);
    let arguments = |wanted: &str| commands.iter().find(|(name, _)| *name == wanted).unwrap().1.clone();
    for (form, secret) in secrets() {
        for (command, option, value) in [
            ("token", "--param", format!("{secret}=x")),
            ("token", "--param", secret.clone()),
            ("token", "--claim", format!("{secret}=1")),
            ("token", "--claim", format!("x={secret}")),
            ("token", "--endpoint", format!("{secret}=https://as.example")),
            ("token", "--endpoint", format!("introspection_endpoint={secret}")),
            ("serve", "--client", format!("c={secret}")),
            ("serve", "--client", format!("{secret}=x.json")),
            ("serve", "--trust-issuer", format!("c={secret}")),
        ] {
            check(&all(command, &with_option(&arguments(command), option, &value)), form);
        }
    }
    // Their values belong to the user.
    let token = arguments("token");
    let jwt = secrets().pop().unwrap().1;
    let sent = check(&all("token", &with_option(&token, "--param", &format!("request={jwt}"))), "JWT");
    assert!(sent.stderr.contains("cannot connect"), "{}", sent.stderr);
}

#[test]
fn the_message_says_what_it_looks_like_and_what_to_do() {
    let key = testdata("p256.pkcs8.pem");
    let pem = secrets()[0].1.clone();
    for (arguments, expected) in [
        (
            vec!["inspect", &pem],
            "pkjwt: argument 2: expected a path, found a PEM private key; write it to a file, or to a variable and pass env:NAME\n",
        ),
        (
            vec!["token", "--key", &pem],
            "pkjwt: --key: expected a path, found a PEM private key; write it to a file, or to a variable and pass env:NAME\n",
        ),
        (
            vec!["keygen", "--alg", &pem],
            "pkjwt: --alg: found a PEM private key, which does not belong here\n",
        ),
        (vec![&pem], "pkjwt: argument 1: found a PEM private key, which does not belong here\n"),
        (
            vec!["jwks", &key, "--alg", "correct horse battery"],
            "pkjwt: --alg <ALG>: one of the values isn't valid for an argument; a possible secret is not shown\n",
        ),
        (
            vec!["correct horse battery"],
            "pkjwt: arguments: unrecognized subcommand; a possible secret is not shown\n",
        ),
        (
            vec!["jwks", "correct horse battery"],
            "pkjwt: the path: expected a path, found a possible secret; write it to a file, or to a variable and pass env:NAME\n",
        ),
    ] {
        let run = pkjwt(arguments);
        assert_eq!((run.status, run.stderr.as_str()), (Some(2), expected));
    }
    // Anything that is not a secret is named.
    for (arguments, words) in [
        (vec!["jwks", &key, "--isuer", "x"], "unexpected argument '--isuer'"),
        (vec!["jwks", &key, "--alg", "RS257"], "invalid value 'RS257'"),
        (vec!["jwk", &key], "unrecognized subcommand 'jwk'"),
        (vec!["jwks", "no-such-key.pem"], "no-such-key.pem"),
        (vec!["jwks", "env:NO_SUCH_VARIABLE"], "env:NO_SUCH_VARIABLE"),
    ] {
        let run = pkjwt(arguments);
        assert!(run.stderr.contains(words), "{}", run.stderr);
    }
}
