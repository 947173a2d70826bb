use proptest::prelude::*;
use time::UtcOffset;

use super::*;
use crate::jose::Algorithm;

const WHOLE: &str = r#"# Keys of the client.
propagation = "10m"
overlap = "12h"  # half a day
lifetime = "60s"

# The first one.
[[key]]
file = "2026-12.pem"
kid = "2026-12"
alg = "ES256"
publish = 2026-12-01T00:00:00Z
activate = 2026-12-01T01:10:00.5+01:00 # in winter
retire = 2026-12-02T00:10:00Z
revoked = 2026-12-01T09:00:00Z
forced = true
passphrase = "env:NAME"

[[key]]
file = "pkcs11:token=prod;object=oauth"
passphrase = "file:/run/secrets/pin"
# The end.
"#;

fn at(seconds: i64) -> OffsetDateTime {
    OffsetDateTime::from_unix_timestamp(seconds).unwrap()
}

/// The beginning of December 2026.
const START: i64 = 1_796_083_200;

#[test]
fn every_member_of_a_manifest_is_read() {
    let manifest = Manifest::parse(WHOLE).unwrap();
    let plan = manifest.plan();
    let seconds = Duration::from_secs;
    assert_eq!((plan.propagation, plan.overlap, plan.lifetime), (seconds(600), seconds(43_200), seconds(60)));
    let first = PlannedKey {
        publish: Some(at(START)),
        activate: Some(at(START + 600) + Duration::from_millis(500)),
        retire: Some(at(START + 86_400 + 600)),
        revoke: Some(at(START + 9 * 3600)),
        forced: true,
        ..PlannedKey::new("2026-12.pem")
    };
    assert_eq!(plan.keys, [first, PlannedKey::new("pkcs11:token=prod;object=oauth")]);
    let [first, second] = manifest.keys() else { panic!("{manifest:?}") };
    assert_eq!(first.key_id.as_ref().map(|key_id| key_id.as_str()), Some("2026-12"));
    assert_eq!((first.algorithm, first.is_uri()), (Some(Algorithm::ES256), false));
    assert_eq!(first.passphrase, Some(PassphraseSource::Environment("NAME".to_owned())));
    assert_eq!((second.key_id.as_ref(), second.algorithm, second.is_uri()), (None, None, true));
    assert_eq!(second.passphrase, Some(PassphraseSource::File("/run/secrets/pin".into())));
    assert_eq!(manifest.to_string(), WHOLE);
    assert_eq!(plan.keys[0].activate.unwrap().offset(), UtcOffset::UTC);
}

#[test]
fn an_empty_manifest_has_the_default_times_and_no_keys() {
    let manifest = Manifest::parse("").unwrap();
    assert_eq!(manifest, Manifest::default());
    assert_eq!(manifest.plan(), Plan::new(Vec::new()));
    assert!(manifest.keys().is_empty());
}

/// The members of a key, in a manifest whose lines 1 and 2 are before them.
fn of_key(members: &str) -> String {
    format!("[[key]]\nfile = \"a.pem\"\n{members}\n")
}

#[test]
fn a_wrong_manifest_names_the_line_what_is_there_and_what_to_do() {
    const FILE: &str = "not a path inside the folder; name a file of the folder";
    const DURATION: &str = "write a duration such as \"90s\", \"10m\", \"24h\" or \"7d\"";
    const OFFSET: &str = "write a date and a time with an offset, such as 2026-12-01T00:00:00Z";
    const QUOTES: &str = "write a time without quotes, such as 2026-12-01T00:00:00Z";
    const PASSPHRASE: &str =
        "`passphrase` does not say where the passphrase is; write \"env:NAME\" or \"file:PATH\"";
    const ALGORITHM: &str =
        "write one of RS256, RS384, RS512, PS256, PS384, PS512, ES256, ES384, ES512, EdDSA, Ed25519";
    let file = |name: &str| format!("\n[[key]]\nfile = {name}\n");
    for (text, line, why) in [
        // TOML.
        ("=".to_owned(), 1, "not TOML: unquoted keys cannot be empty, expected letters, numbers, `-`, `_`".to_owned()),
        ("\n\nlifetime = \"1m\"\nlifetime = \"1m\"".to_owned(), 4, "not TOML: duplicate key".to_owned()),
        // Members.
        (
            "\npropogation = \"1m\"".to_owned(),
            2,
            "unknown member `propogation`; remove it, known members are propagation, overlap, lifetime and [[key]]".to_owned(),
        ),
        (
            of_key("key-id = \"1\""),
            3,
            "unknown member `key-id`; remove it, known members are file, kid, alg, publish, activate, retire, revoked, forced and passphrase".to_owned(),
        ),
        ("\n[key]".to_owned(), 2, "`key` is not a list of tables; begin each key with [[key]]".to_owned()),
        ("key = [{ file = \"a\" }]".to_owned(), 1, "`key` is not a list of tables; begin each key with [[key]]".to_owned()),
        ("\n[[key]]\nkid = \"a\"".to_owned(), 2, "the key has no `file`; name its file".to_owned()),
        // Durations.
        ("overlap = 60".to_owned(), 1, format!("`overlap` is 60; {DURATION}")),
        ("\noverlap = \"1w\"".to_owned(), 2, format!("`overlap` is \"1w\"; {DURATION}")),
        ("lifetime = \"-1s\"".to_owned(), 1, format!("`lifetime` is \"-1s\"; {DURATION}")),
        ("propagation = []".to_owned(), 1, format!("`propagation` is []; {DURATION}")),
        // Files.
        (file("1"), 3, "`file` is 1; write the name of a file".to_owned()),
        (file("\"\""), 3, format!("`file` is \"\", {FILE}")),
        (file("\"../a.pem\""), 3, format!("`file` is \"../a.pem\", {FILE}")),
        (file("\"a/../../b.pem\""), 3, format!("`file` is \"a/../../b.pem\", {FILE}")),
        (file("\"./a.pem\""), 3, format!("`file` is \"./a.pem\", {FILE}")),
        (file("\"/etc/a.pem\""), 3, format!("`file` is \"/etc/a.pem\", {FILE}")),
        (file("\"keys.toml\""), 3, "`file` is \"keys.toml\"; this name is not for keys; rename the file".to_owned()),
        (file("\".pkjwt-lock\""), 3, "`file` is \".pkjwt-lock\"; this name is not for keys; rename the file".to_owned()),
        (file("\"pkcs11:object=a?pin-value=1234\""), 3, "`file` is a URI with a PIN; use pin-source in place of pin-value".to_owned()),
        // Key ids and algorithms.
        (of_key("kid = \"\""), 3, "`kid` is \"\"; write a name, or remove it for the default".to_owned()),
        (of_key("kid = 7"), 3, "`kid` is 7; write a name, or remove it for the default".to_owned()),
        (of_key("alg = \"HS256\""), 3, format!("`alg` is \"HS256\"; {ALGORITHM}")),
        (of_key("alg = \"none\""), 3, format!("`alg` is \"none\"; {ALGORITHM}")),
        (of_key("forced = \"yes\""), 3, "`forced` is \"yes\"; write true or false".to_owned()),
        (of_key("passphrase = \"hunter2\""), 3, PASSPHRASE.to_owned()),
        (of_key("passphrase = \"env:\""), 3, PASSPHRASE.to_owned()),
        (of_key("passphrase = \"env:A B\""), 3, PASSPHRASE.to_owned()),
        (of_key("passphrase = \"file:\""), 3, PASSPHRASE.to_owned()),
        // Times.
        (of_key("publish = 2026-12-01T00:00:00"), 3, format!("`publish` is 2026-12-01T00:00:00; {OFFSET}")),
        (of_key("publish = 2026-12-01"), 3, format!("`publish` is 2026-12-01; {OFFSET}")),
        (of_key("activate = 00:00:00"), 3, format!("`activate` is 00:00:00; {OFFSET}")),
        (of_key("retire = \"2026-12-01T00:00:00Z\""), 3, format!("`retire` is \"2026-12-01T00:00:00Z\"; {QUOTES}")),
        (of_key("revoked = true"), 3, format!("`revoked` is true; {QUOTES}")),
        (
            of_key("activate = 2026-12-01T23:59:60Z"),
            3,
            "`activate` is 2026-12-01T23:59:60Z; write a time that exists".to_owned(),
        ),
        (
            of_key("activate = 2026-12-02T00:00:00+01:00\nretire = 2026-12-01T22:59:59Z"),
            4,
            "`retire` 2026-12-01T22:59:59Z is before `activate` 2026-12-02T00:00:00+01:00; swap them or remove one".to_owned(),
        ),
        (
            of_key("retire = 2026-12-01T22:59:59Z\npublish = 2026-12-02T00:00:00Z"),
            3,
            "`retire` 2026-12-01T22:59:59Z is before `publish` 2026-12-02T00:00:00Z; swap them or remove one".to_owned(),
        ),
        // Twice the same.
        (
            of_key("[[key]]\nfile = \"a.pem\""),
            4,
            "`file` is \"a.pem\"; line 2 has the same; each key needs its own".to_owned(),
        ),
        (
            "[[key]]\nfile = \"a/b.pem\"\n[[key]]\nfile = \"a//b.pem\"".to_owned(),
            4,
            "`file` is \"a//b.pem\"; line 2 has the same; each key needs its own".to_owned(),
        ),
        (
            of_key("kid = \"k\"\n[[key]]\nkid = \"k\"\nfile = \"b.pem\""),
            5,
            "`kid` is \"k\"; line 3 has the same; each key needs its own".to_owned(),
        ),
    ] {
        let error = Manifest::parse(&text).unwrap_err();
        assert_eq!(error.to_string(), format!("keys.toml line {line}: {why}"), "{text}");
        assert_eq!(error.line(), line);
    }
}

#[test]
fn a_manifest_is_bounded() {
    let keys = |count: usize| {
        (0..count).map(|index| format!("[[key]]\nfile = \"{index}.pem\"\n")).collect::<String>()
    };
    assert_eq!(Manifest::parse(&keys(1000)).unwrap().keys().len(), 1000);
    let error = Manifest::parse(&keys(1001)).unwrap_err();
    assert_eq!(error.to_string(), "keys.toml line 2001: more than 1000 keys; remove keys that are gone");

    let comment = |len: usize| format!("#\n#{}\n", "x".repeat(len - 4));
    assert!(Manifest::parse(&comment(Manifest::MAX_LEN)).is_ok());
    let error = Manifest::parse(&(comment(Manifest::MAX_LEN) + "#")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "keys.toml line 3: the manifest has more than 262144 bytes; remove keys that are gone"
    );
}

/// Whatever is in the wrong place, a key or a passphrase is not repeated.
#[test]
fn an_error_never_shows_a_key() {
    const KEY: &str = "MC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC";
    const PEM: &str = "-----BEGIN PRIVATE KEY-----\\nMC4CAQAwBQYDK2VwBCIEINTuctv5E1hK1bbY8fdp+K06/nwoy/HU++CXqI9EdVhC\\n-----END PRIVATE KEY-----";
    for secret in [KEY, PEM] {
        for text in [
            format!("overlap = \"{secret}\""),
            format!("\"{secret}\" = 1"),
            format!("[[key]]\nfile = \"/{secret}\""),
            format!("[[key]]\n\"{secret}\" = 1"),
            of_key(&format!("alg = \"{secret}\"")),
            of_key(&format!("publish = \"{secret}\"")),
            of_key(&format!("passphrase = \"{secret}\"")),
            of_key(&format!("forced = \"{secret}\"")),
            of_key(&format!("kid = \"{secret}\"\n[[key]]\nkid = \"{secret}\"\nfile = \"b\"")),
            secret.to_owned(),
        ] {
            let error = Manifest::parse(&text).unwrap_err();
            let shown = format!("{error} {error:?}");
            assert!(!shown.contains("MC4CAQ") && !shown.contains("INTuctv5"), "{shown}");
        }
    }
}

#[test]
fn an_edit_keeps_comments_and_order() {
    let manifest = Manifest::parse(WHOLE).unwrap();
    let next = PlannedKey {
        publish: Some(at(START)),
        activate: Some(at(START + 60)),
        ..PlannedKey::new("next.pem")
    };
    let facts = ManifestKey {
        key_id: Some("next".into()),
        algorithm: Some(Algorithm::EdDSA),
        passphrase: Some(PassphraseSource::File("pass".into())),
        ..ManifestKey::new("next.pem")
    };
    let edited = manifest.with_key(&next, &facts).unwrap();
    let entry = "\n[[key]]\nfile = \"next.pem\"\nkid = \"next\"\nalg = \"EdDSA\"\npublish = 2026-12-01T00:00:00Z\nactivate = 2026-12-01T00:01:00Z\npassphrase = \"file:pass\"\n";
    let (before, end) = WHOLE.split_at(WHOLE.find("# The end.").unwrap());
    assert_eq!(edited.to_string(), format!("{before}{entry}{end}"));
    assert_eq!((edited.plan().keys.last(), edited.keys().last()), (Some(&next), Some(&facts)));

    let edited = manifest.with_retire(0, at(START + 700)).unwrap();
    let former = "retire = 2026-12-02T00:10:00Z\n";
    assert_eq!(edited.to_string(), WHOLE.replace(former, "retire = 2026-12-01T00:11:40Z\n"));
    let edited = manifest.with_revoked(1, at(START)).unwrap();
    let pin = "passphrase = \"file:/run/secrets/pin\"\n";
    assert_eq!(edited.to_string(), WHOLE.replace(pin, &format!("{pin}revoked = 2026-12-01T00:00:00Z\n")));

    let edited = manifest.without(&[0]).unwrap();
    let first = WHOLE.find("# The first").unwrap()..WHOLE.rfind("\n[[key]]").unwrap() + 1;
    let mut expected = WHOLE.to_owned();
    expected.replace_range(first, "");
    assert_eq!(edited.to_string(), expected);
    let none = manifest.without(&[0, 1]).unwrap();
    assert_eq!(none.to_string(), WHOLE.split("\n# The first").next().unwrap().to_owned() + "# The end.\n");
    assert!(none.keys().is_empty());
    assert_eq!(none.with_key(&next, &facts).unwrap().plan().keys, [next]);
}

/// A comment at the beginning of the file is not about its first key if an empty line follows.
#[test]
fn a_comment_with_an_empty_line_after_it_stays_without_its_key() {
    let text = "# About all.\n\n# About a.\n[[key]]\nfile = \"a\"\n\n# About b.\n[[key]]\nfile = \"b\"\n";
    let without = |indices: &[usize]| Manifest::parse(text).unwrap().without(indices).unwrap().to_string();
    assert_eq!(without(&[0]), "# About all.\n\n# About b.\n[[key]]\nfile = \"b\"\n");
    assert_eq!(without(&[1]), "# About all.\n\n# About a.\n[[key]]\nfile = \"a\"\n");
    assert_eq!(without(&[0, 1]), "# About all.\n");
}

#[test]
fn a_time_that_toml_cannot_have_is_an_error() {
    let time = at(-62_167_219_201);
    let error = Manifest::default()
        .with_key(&PlannedKey { publish: Some(time), ..PlannedKey::new("a") }, &ManifestKey::new("a"));
    assert_eq!(
        error.unwrap_err().to_string(),
        "keys.toml line 1: a time is outside of the years 0 to 9999; check the clock"
    );
}

fn any_time() -> impl Strategy<Value = Option<OffsetDateTime>> {
    proptest::option::of((0..4_000_000_000_i64, prop_oneof![Just(0), 0..1_000_000_000_i64])).prop_map(
        |time| time.map(|(seconds, nanoseconds)| at(seconds) + time::Duration::nanoseconds(nanoseconds)),
    )
}

fn any_key() -> impl Strategy<Value = (PlannedKey, ManifestKey)> {
    let text = || proptest::option::of("[ -~äß\u{1F511}]{1,12}");
    let algorithm = proptest::option::of(prop::sample::select(Algorithm::ALL.to_vec()));
    let passphrase = proptest::option::of(prop_oneof![
        "[A-Za-z_][A-Za-z0-9_]{0,8}".prop_map(PassphraseSource::Environment),
        "[ -~]{1,12}".prop_map(|path| PassphraseSource::File(path.into())),
    ]);
    let times = (any_time(), any_time(), any_time(), any_time(), any::<bool>());
    (times, text(), algorithm, passphrase).prop_map(
        |((publish, activate, retire, revoke, forced), key_id, algorithm, passphrase)| {
            let retire = retire.map(|retire| Some(retire).max(publish).max(activate).unwrap_or(retire));
            let planned = PlannedKey { publish, activate, retire, revoke, forced, ..PlannedKey::default() };
            let key_id = key_id.map(Into::into);
            (planned, ManifestKey { key_id, algorithm, passphrase, ..ManifestKey::new("") })
        },
    )
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(512) })]

    /// What is written is what is read, and edits change nothing else.
    #[test]
    fn a_written_manifest_reads_as_it_was_meant(
        keys in prop::collection::vec(any_key(), 0..6),
        seconds in prop::array::uniform3(0..1_000_000_u64),
        time in 0..4_000_000_000_i64,
    ) {
        let [propagation, overlap, lifetime] = seconds.map(Duration::from_secs);
        let times = Plan { propagation, overlap, lifetime, ..Plan::new(Vec::new()) };
        let mut manifest = Manifest::of(&times).unwrap();
        let (mut planned, mut facts) = (Vec::new(), Vec::new());
        for (index, (mut key, mut fact)) in keys.into_iter().enumerate() {
            key.file = format!("{index} \"ü'.pem");
            fact.file.clone_from(&key.file);
            // Equal names are refused.
            fact.key_id = fact.key_id.map(|key_id| format!("{index}{}", key_id.as_str()).into());
            manifest = manifest.with_key(&key, &fact).unwrap();
            planned.push(key);
            facts.push(fact);
        }
        let mut plan = Plan { keys: planned, ..times };
        prop_assert_eq!(&manifest.plan(), &plan);
        prop_assert_eq!(manifest.keys(), &facts[..]);
        prop_assert_eq!(&Manifest::parse(&manifest.to_string()).unwrap(), &manifest);
        prop_assert_eq!(Manifest::of(&plan).unwrap().plan(), plan.clone());

        for index in 0..plan.keys.len() {
            plan.keys[index].revoke = Some(at(time));
            manifest = manifest.with_revoked(index, at(time)).unwrap();
        }
        prop_assert_eq!(&manifest.plan(), &plan);
        if !plan.keys.is_empty() {
            let kept: Vec<PlannedKey> = plan.keys.iter().skip(1).cloned().collect();
            prop_assert_eq!(manifest.without(&[0]).unwrap().plan().keys, kept);
        }
    }

    /// No text makes it panic.
    #[test]
    fn any_text_is_read_or_refused(text in "(\\[\\[key\\]\\]|file|kid|publish|=|\"a\"|\"\n|2026-12-01T00:00:00Z|[ -~]|\n|\u{feff}|ß){0,24}") {
        let _ = Manifest::parse(&text);
    }
}
