//! `pkjwt token --cache`.

use std::fs;
use std::path::PathBuf;
use std::process::Stdio;

use serde_json::{Value, json};
use time::OffsetDateTime;

use crate::run::{Place, Run, command, finish, pkjwt, pkjwt_stdin};
use crate::server::{Answer, Server, answering, recording, token_command};

/// A token of an hour.
const TOKEN: Answer = ("200 OK", r#"{"access_token":"first","token_type":"Bearer","expires_in":3600}"#);
const NEXT: Answer = ("200 OK", r#"{"access_token":"next","token_type":"Bearer","expires_in":3600}"#);

/// A cache with a token of a server that gives these answers.
pub(crate) struct Cached {
    place: Place,
    endpoint: String,
}

impl Cached {
    pub(crate) fn with(answers: Vec<Answer>) -> Self {
        let endpoint = format!("http://{}/token", answering(answers));
        let cached = Self { place: Place::new(), endpoint };
        cached.token(&[]).done();
        cached
    }

    pub(crate) fn command(&self, more: &[&str]) -> Vec<String> {
        let directory = self.place.name("cache");
        let more = [&["--cache-dir", &directory], more].concat();
        token_command(["--token-endpoint", &self.endpoint], "p256", &more)
    }

    /// Runs `pkjwt token` with the cache.
    pub(crate) fn token(&self, more: &[&str]) -> Run {
        pkjwt(self.command(more))
    }

    /// The file with the token.
    pub(crate) fn file(&self) -> PathBuf {
        let files = fs::read_dir(self.place.path("cache")).unwrap().map(|entry| entry.unwrap().path());
        let mut files = files.filter(|path| path.extension().is_some_and(|it| it == "json"));
        let (file, more) = (files.next().unwrap(), files.next());
        assert!(more.is_none());
        file
    }

    pub(crate) fn content(&self) -> Value {
        serde_json::from_slice(&fs::read(self.file()).unwrap()).unwrap()
    }

    /// Changes members of the file.
    pub(crate) fn change(&self, members: &[(&str, Value)]) {
        let mut content = self.content();
        for (name, value) in members {
            content[*name] = value.clone();
        }
        fs::write(self.file(), content.to_string()).unwrap();
    }
}

fn now() -> i64 {
    OffsetDateTime::now_utc().unix_timestamp()
}

#[test]
fn a_cached_token_needs_no_server() {
    let cached = Cached::with(vec![TOKEN]);
    for _ in 0..2 {
        assert_eq!(cached.token(&[]).done(), "first\n");
    }
    let response: Value = serde_json::from_str(&cached.token(&["--json"]).done()).unwrap();
    assert_eq!(response["access_token"], "first");
    // Formats and other options that do not decide about the token share it.
    assert_eq!(cached.token(&["--lifetime", "2m", "--timeout", "3s"]).done(), "first\n");
    let shown = cached.token(&["--verbose"]);
    assert_eq!((shown.status, shown.stdout.as_str()), (Some(0), "first\n"));
    assert_eq!(shown.stderr, "< no request: the token is from the cache\n");
    assert_eq!(cached.token(&["--scope", ""]).done(), "first\n");
}

#[test]
fn another_request_has_another_token() {
    const OPTIONS: [&[&str]; 8] = [
        &["--scope", "a b"],
        &["--scope", "a"],
        &["--resource", "urn:x"],
        &["--param", "audience=x"],
        &["--kid", "k"],
        &["--profile", "ping-one"],
        &["--claim", "a=1"],
        &["--audience", "https://as.example"],
    ];
    let mut answers = vec![TOKEN];
    answers.extend([NEXT; OPTIONS.len()]);
    let cached = Cached::with(answers);
    for _ in 0..2 {
        for options in OPTIONS {
            assert_eq!(cached.token(options).done(), "next\n", "{options:?}");
        }
        // The order of scopes has no meaning (RFC 6749 §3.3).
        assert_eq!(cached.token(&["--scope", "b", "--scope", "a"]).done(), "next\n");
        assert_eq!(cached.token(&[]).done(), "first\n");
    }
    let files = fs::read_dir(cached.place.path("cache")).unwrap();
    let files =
        files.filter(|entry| entry.as_ref().unwrap().path().extension().is_some_and(|it| it == "json"));
    assert_eq!(files.count(), 1 + OPTIONS.len());
}

/// The server gives one answer, so a second request would fail.
#[test]
fn two_processes_at_once_with_one_cache_make_one_request() {
    let cached = Cached::with(vec![TOKEN, NEXT]);
    let lock = fs::File::create(cached.file().with_extension("lock")).unwrap();
    fs::remove_file(cached.file()).unwrap();
    // None of them can begin before all are there.
    lock.lock().unwrap();
    let start =
        || command(cached.command(&[])).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let processes = [(); 4].map(|()| start());
    lock.unlock().unwrap();
    for process in processes {
        let output = process.wait_with_output().unwrap();
        let text = |bytes| String::from_utf8(bytes).unwrap();
        assert_eq!((text(output.stdout), text(output.stderr)), ("next\n".to_owned(), String::new()));
    }
}

#[test]
fn two_processes_at_once_with_an_empty_cache_make_one_request_at_the_dev_server() {
    let place = Place::new();
    let mut server = Server::start(&[format!("p256={}", place.jwks("p256"))]);
    let directory = place.name("deep/er/cache");
    let arguments = token_command(["--issuer", &server.issuer], "p256", &["--cache-dir", &directory]);
    let start = || command(&arguments).stdout(Stdio::piped()).spawn().unwrap();
    let tokens = [(); 3].map(|()| start()).map(|process| process.wait_with_output().unwrap().stdout);
    assert!(tokens[0].starts_with(b"ey") && tokens.iter().all(|token| *token == tokens[0]));
    assert!(server.outcome().contains(" 200 "));
    // The next request of the log is this one.
    pkjwt(token_command(["--token-endpoint", &server.token_endpoint], "p384", &[])).refused(&["400"]);
    assert!(server.outcome().contains(" 400 "));
}

#[test]
fn a_token_is_renewed_before_it_expires_and_used_until_then() {
    let due = [("obtained_at", json!(now() - 3570)), ("expires_at", json!(now() + 30))];
    let cached = Cached::with(vec![TOKEN, NEXT]);
    cached.change(&due);
    assert_eq!(cached.token(&[]).done(), "next\n");
    assert_eq!(cached.token(&[]).done(), "next\n");
    // The server is gone.
    cached.change(&due);
    let run = cached.token(&[]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), "next\n"));
    assert!(
        run.stderr.contains("cannot connect") && run.stderr.ends_with("; using the cached token\n"),
        "{}",
        run.stderr
    );
    assert_eq!(run.stderr.lines().count(), 1);
    // Another process that renews it does not hold this one up.
    let lock = fs::File::open(cached.file().with_extension("lock")).unwrap();
    lock.lock().unwrap();
    assert_eq!(cached.token(&[]).done(), "next\n");
    drop(lock);
    cached.change(&[("expires_at", json!(now() - 1))]);
    cached.token(&[]).refused(&["cannot connect"]);
}

#[test]
fn renew_replaces_a_valid_token() {
    let cached = Cached::with(vec![TOKEN, NEXT]);
    assert_eq!(cached.token(&["--renew"]).done(), "next\n");
    assert_eq!(cached.token(&[]).done(), "next\n");
    cached.token(&["--renew"]).refused(&["cannot connect"]);
    pkjwt(token_command(["--token-endpoint", &cached.endpoint], "p256", &["--renew"]))
        .usage(&["--renew", "--cache"]);
}

#[test]
fn a_file_that_cannot_be_used_is_named_and_replaced() {
    type Spoil = fn(&Cached);
    let cases: [(Spoil, &str); 6] = [
        (|it| fs::write(it.file(), &fs::read(it.file()).unwrap()[..40]).unwrap(), " is damaged"),
        (|it| fs::write(it.file(), "").unwrap(), " is damaged"),
        (|it| it.change(&[("version", json!(2))]), " has another version"),
        (|it| it.change(&[("request", json!("x"))]), " is for another request"),
        (|it| it.change(&[("obtained_at", json!(now() + 60))]), " is from the future; is the clock right?"),
        (|it| it.change(&[("response", json!({"access_token": "x"}))]), " is damaged"),
    ];
    for (spoil, why) in cases {
        let cached = Cached::with(vec![TOKEN, NEXT]);
        spoil(&cached);
        let run = cached.token(&[]);
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), "next\n"), "{}", run.stderr);
        assert_eq!(run.stderr, format!("pkjwt: cache ignored: {}{why}\n", cached.file().display()));
        assert_eq!(cached.token(&[]).done(), "next\n");
    }
}

#[cfg(unix)]
#[test]
fn the_cache_is_private_or_not_used() {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, chown, symlink};
    let mode =
        |path: &std::path::Path, mode| fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
    let cached = Cached::with(vec![TOKEN, NEXT]);
    let (file, directory) = (cached.file(), cached.place.path("cache"));
    let mode_of = |path: &std::path::Path| fs::metadata(path).unwrap().permissions().mode() & 0o7777;
    assert_eq!([mode_of(&directory), mode_of(&file)], [0o700, 0o600]);
    // Ours, but others can read it: replaced.
    mode(&file, 0o644);
    let run = cached.token(&[]);
    assert_eq!((run.status, run.stdout.as_str()), (Some(0), "next\n"));
    assert_eq!(run.stderr, format!("pkjwt: cache ignored: others can read {} (mode 644)\n", file.display()));
    assert_eq!(mode_of(&file), 0o600);
    // A directory that others can enter, a link, and a directory in the place of a file.
    mode(&directory, 0o755);
    cached.token(&[]).refused(&["cache: ", "others can enter the directory of the cache (mode 755)"]);
    mode(&directory, 0o700);
    fs::rename(&file, cached.place.path("elsewhere")).unwrap();
    symlink(cached.place.path("elsewhere"), &file).unwrap();
    cached.token(&[]).refused(&[".json: "]);
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    cached.token(&[]).refused(&[".json: ", "not a regular file"]);
    fs::remove_dir(&file).unwrap();
    fs::rename(cached.place.path("elsewhere"), &file).unwrap();
    assert_eq!(cached.token(&[]).done(), "next\n");
    // Only root can give files away.
    if fs::metadata(&directory).unwrap().uid() == 0 {
        chown(&file, Some(12_345), None).unwrap();
        cached.token(&[]).refused(&[".json: ", "belongs to another user (uid 12345); remove it"]);
        chown(&directory, Some(12_345), None).unwrap();
        cached.token(&[]).refused(&["the directory of the cache belongs to another user (uid 12345)"]);
    }
}

#[cfg(unix)]
#[test]
fn the_cache_has_a_default_place_and_the_name_of_a_file_tells_nothing() {
    let place = Place::new();
    let url = format!("http://{}/token", answering(vec![TOKEN]));
    let run = |more: &[&str]| {
        let mut command =
            command(token_command(["--token-endpoint", &url], "p256", &[&["--cache"], more].concat()));
        finish(command.env_remove("XDG_CACHE_HOME").env("HOME", place.0.path()))
    };
    assert_eq!(run(&[]).done(), "first\n");
    let names = fs::read_dir(place.path(".cache/pkjwt")).unwrap();
    let mut names: Vec<String> =
        names.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names.len(), 2);
    assert!(
        names[0].ends_with(".json") && names[1].ends_with(".lock") && names[0].len() == 64 + 5,
        "{names:?}"
    );
    assert_eq!(run(&[]).done(), "first\n");
}

#[test]
fn only_repeatable_requests_with_a_known_lifetime_are_cached() {
    let place = Place::new();
    let body = r#"{"access_token":"t","token_type":"Bearer"}"#;
    let (url, requests) = recording(vec![("200 OK", body); 2]);
    let directory = place.name("cache");
    let run = |more: &[&str]| {
        let more = [&["--cache-dir", &directory], more].concat();
        pkjwt(token_command(["--token-endpoint", &format!("{url}/token")], "p256", &more))
    };
    for _ in 0..2 {
        let run = run(&[]);
        assert_eq!((run.status, run.stdout.as_str()), (Some(0), "t\n"));
        assert_eq!(run.stderr, "pkjwt: token not cached: the server did not state its lifetime\n");
        requests.recv().unwrap();
    }
    const LOGIN: &str = "each token needs a new login of the user";
    // It is refused before a secret is read.
    for (grant, secret, why) in [
        ("refresh-token", "--refresh-token", "the server may replace the refresh token with each use"),
        ("authorization-code", "--code", LOGIN),
        ("device-code", "--scope", LOGIN),
    ] {
        assert_eq!(
            run(&["--grant", grant, secret, "no-such-file"]).usage(&[]),
            format!(
                "pkjwt: --cache: does not work with --grant {grant}, because {why}; it works with client-credentials, \
                 jwt-bearer and token-exchange\n"
            )
        );
    }
}

/// The server gives one answer for each subject, so a second request for one would fail.
#[test]
fn rfc7523_2_1_and_rfc8693_2_1_a_token_is_cached_for_each_subject() {
    const TOKENS: [Answer; 5] = [
        ("200 OK", r#"{"access_token":"0","token_type":"Bearer","expires_in":3600}"#),
        ("200 OK", r#"{"access_token":"1","token_type":"Bearer","expires_in":3600}"#),
        ("200 OK", r#"{"access_token":"2","token_type":"Bearer","expires_in":3600}"#),
        ("200 OK", r#"{"access_token":"3","token_type":"Bearer","expires_in":3600}"#),
        ("200 OK", r#"{"access_token":"4","token_type":"Bearer","expires_in":3600}"#),
    ];
    let place = Place::new();
    let url = format!("http://{}/token", answering(TOKENS.to_vec()));
    let (directory, alice, bob) = (place.name("cache"), place.put("a", "alice"), place.put("b", "bob"));
    let exchange = ["--grant", "token-exchange", "--subject-token", &alice];
    let with_actor = [&exchange[..], &["--actor-token", &bob]].concat();
    let as_jwt = [&exchange[..], &["--requested-token-type", "jwt"]].concat();
    let requests: [&[&str]; 5] = [
        &["--grant", "jwt-bearer", "--assertion", &alice],
        &["--grant", "jwt-bearer", "--assertion", &bob],
        &exchange,
        &with_actor,
        &as_jwt,
    ];
    for _ in 0..2 {
        for (index, request) in requests.into_iter().enumerate() {
            let more = [request, &["--cache-dir", &directory]].concat();
            let token = pkjwt(token_command(["--token-endpoint", &url], "p256", &more)).done();
            assert_eq!(token, format!("{index}\n"), "{request:?}");
        }
    }
    // The place of a secret does not matter, only the secret.
    let from_stdin = ["--grant", "jwt-bearer", "--assertion", "-", "--cache-dir", &directory];
    let command = token_command(["--token-endpoint", &url], "p256", &from_stdin);
    assert_eq!(pkjwt_stdin(command, b"alice\n").done(), "0\n");
}

#[test]
fn files_of_expired_tokens_are_removed_with_the_next_token() {
    let cached = Cached::with(vec![TOKEN, NEXT]);
    let directory = cached.file().parent().unwrap().to_owned();
    let content = cached.content();
    let now = OffsetDateTime::now_utc().unix_timestamp();
    let put = |first: char, expires_at: i64| {
        let name = first.to_string().repeat(64);
        let mut content = content.clone();
        (content["request"], content["expires_at"]) = (name.clone().into(), expires_at.into());
        for (file, bytes) in
            [(format!("{name}.json"), content.to_string()), (format!("{name}.lock"), String::new())]
        {
            fs::write(directory.join(&file), bytes).unwrap();
            #[cfg(unix)]
            {
                use std::os::unix::fs::PermissionsExt;
                fs::set_permissions(directory.join(&file), fs::Permissions::from_mode(0o600)).unwrap();
            }
        }
        name
    };
    let (expired, valid, locked) = (put('a', now - 1), put('b', now + 600), put('c', now - 1));
    let lock = fs::File::open(directory.join(format!("{locked}.lock"))).unwrap();
    lock.lock().unwrap();
    fs::write(directory.join("notes.json"), "{}").unwrap();
    assert_eq!(cached.token(&["--renew"]).done(), "next\n");
    let is_there = |file: String| directory.join(file).exists();
    for (name, expected) in [(&expired, false), (&valid, true), (&locked, true)] {
        assert_eq!(
            [is_there(format!("{name}.json")), is_there(format!("{name}.lock"))],
            [expected; 2],
            "{name}"
        );
    }
    assert!(is_there("notes.json".to_owned()));
}

#[test]
fn a_refresh_token_is_not_cached() {
    const WITH: Answer = (
        "200 OK",
        r#"{"access_token":"first","token_type":"Bearer","expires_in":3600,"refresh_token":"R","scope":"a"}"#,
    );
    let response = &Cached::with(vec![WITH]).content()["response"];
    assert_eq!((&response["refresh_token"], &response["scope"]), (&Value::Null, &"a".into()));
}
