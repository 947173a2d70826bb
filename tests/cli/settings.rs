//! Options from environment variables and from the config file.

use serde_json::{Value, json};

use crate::run::{Place, Run, decode, finish, pkjwt, pkjwt_env, pkjwt_envs, testdata};

const AUDIENCE: [&str; 2] = ["--audience", "https://as.example"];

/// `pkjwt assert` with a config file.
fn assert(place: &Place, config: &str, arguments: &[&str], variables: &[(&str, &str)]) -> Run {
    let config = place.put("config.toml", config);
    pkjwt_envs(["--config", &config, "assert"].iter().chain(arguments), variables)
}

/// Header and claims of a printed assertion.
#[track_caller]
fn printed(run: Run) -> (Value, Value) {
    decode(run.done().trim_end())
}

/// The lifetime and the client.
#[track_caller]
fn facts(run: Run) -> (i64, String) {
    let (_, claims) = printed(run);
    let seconds = |claim: &str| claims[claim].as_i64().unwrap();
    (seconds("exp") - seconds("iat"), claims["iss"].as_str().unwrap().to_owned())
}

#[test]
fn an_option_precedes_a_variable_a_variable_the_config_file_and_that_a_default() {
    let place = Place::new();
    let key = testdata("p256.pkcs8.pem");
    let with = |config: &str, variables: &[(&str, &str)], options: &[&str]| {
        let config = format!("[prod]\nkey = '{key}'\naudience = 'https://as.example'\n{config}");
        facts(assert(&place, &config, &[&["--use", "prod"], options].concat(), variables))
    };
    const CONFIG: &str = "client-id = 'config'\nlifetime = 120\n";
    let variables = [("PKJWT_CLIENT_ID", "variable"), ("PKJWT_LIFETIME", "3m")];
    let options = ["--client-id", "option", "--lifetime=4m"];
    assert_eq!(with("client-id = 'config'", &[], &[]), (60, "config".to_owned()));
    assert_eq!(with(CONFIG, &[], &[]), (120, "config".to_owned()));
    assert_eq!(with(CONFIG, &variables, &[]), (180, "variable".to_owned()));
    assert_eq!(with(CONFIG, &variables, &options), (240, "option".to_owned()));
    // An empty variable counts as not set.
    assert_eq!(with(CONFIG, &[("PKJWT_LIFETIME", "")], &[]), (120, "config".to_owned()));
}

/// `env:VAR` takes base64 and spelled-out line ends, so a secret variable of a CI system will do.
#[test]
fn variables_alone_make_an_assertion() {
    use base64ct::{Base64, Encoding};
    let pem = std::fs::read_to_string(testdata("p256.key-then-cert.pem")).unwrap();
    for key in [pem.clone(), pem.replace('\n', "\\n"), Base64::encode_string(pem.as_bytes())] {
        let variables = [
            ("CLIENT_KEY", key.as_str()),
            ("PKJWT_KEY", "env:CLIENT_KEY"),
            ("PKJWT_CLIENT_ID", "c"),
            ("PKJWT_AUDIENCE", "https://as.example"),
            // Flags, and options that may be repeated: one value per line.
            ("PKJWT_X5T_S256", "true"),
            ("PKJWT_NO_KID", "1"),
            ("PKJWT_X5C", "false"),
            ("PKJWT_CLAIM", "tenant=\"t\"\ngroups=[1]\n"),
        ];
        let (header, claims) = printed(pkjwt_envs(["assert"], &variables));
        let members: Vec<&String> = header.as_object().unwrap().keys().collect();
        assert_eq!(members, ["alg", "typ", "x5t#S256"]);
        assert_eq!((&claims["tenant"], &claims["groups"]), (&json!("t"), &json!([1])));
    }
}

#[test]
fn an_option_replaces_every_variable_and_member_that_it_excludes() {
    let place = Place::new();
    let key = testdata("p256.pkcs8.pem");
    let config = "[prod]\nclient-id = 'c'\nno-kid = true\n";
    let base = [&["--use", "prod", "--key", &key], &AUDIENCE[..]].concat();
    let kid = |options: &[&str], variables: &[(&str, &str)]| {
        printed(assert(&place, config, &[&base[..], options].concat(), variables)).0["kid"].clone()
    };
    assert_eq!(kid(&[], &[]), Value::Null);
    assert_eq!(kid(&["--kid", "k"], &[]), "k");
    assert_eq!(kid(&[], &[("PKJWT_KID", "k")]), "k");
    assert_eq!(kid(&["--kid", "k"], &[("PKJWT_NO_KID", "true")]), "k");
    // A variable that says no replaces the member that says yes.
    assert!(kid(&[], &[("PKJWT_NO_KID", "false")]).is_string());
    let both = [("PKJWT_NO_KID", "true"), ("PKJWT_KID", "k")];
    let line = assert(&place, config, &base, &both).usage(&["PKJWT_KID", "PKJWT_NO_KID"]);
    assert!(
        line.starts_with("pkjwt: assert: ") && line.contains(" are both set; unset the second"),
        "{line}"
    );
}

#[test]
fn paths_of_the_config_file_are_relative_to_it() {
    let place = Place::new();
    std::fs::create_dir(place.path("keys")).unwrap();
    std::fs::copy(testdata("p256.scrypt-aes128.pem"), place.path("keys/client.pem")).unwrap();
    place.put("passphrase", "correct horse\n");
    let config = "[prod]\nkey = 'keys/client.pem'\npassphrase-file = 'passphrase'\nclient-id = 'c'";
    let variables = [("HOME", place.0.path().to_str().unwrap()), ("PASSPHRASE", "correct horse")];
    let use_prod = [&["--use", "prod"], &AUDIENCE[..]].concat();
    for config in [
        config.to_owned(),
        config.replace("'keys/", "'~/keys/"),
        config.replace("passphrase-file = 'passphrase'", "passphrase-env = 'PASSPHRASE'"),
    ] {
        printed(assert(&place, &config, &use_prod, &variables));
    }
}

/// In the user's directory for configuration, at its place on this platform.
#[cfg(unix)]
#[test]
fn the_config_file_has_a_default_place() {
    let place = Place::new();
    let key = testdata("p256.pkcs8.pem");
    let home = place.0.path().to_str().unwrap();
    let run = |name: &str, value: &str| {
        let mut command = crate::run::command(["--use=prod", "assert"].iter().chain(&AUDIENCE));
        finish(command.env_remove("XDG_CONFIG_HOME").env("HOME", home).env(name, value))
    };
    let file = place.path(".config/pkjwt/config.toml");
    let line = run("X", "y").refused(&["No such file", "; --config names the config file"]);
    assert!(line.contains(file.to_str().unwrap()), "{line}");
    for directory in [".config", "elsewhere"] {
        let directory = place.path(directory).join("pkjwt");
        std::fs::create_dir_all(&directory).unwrap();
        let config = format!("[prod]\nkey = '{key}'\nclient-id = '{}'\n", directory.display());
        std::fs::write(directory.join("config.toml"), config).unwrap();
    }
    let in_home = place.path(".config/pkjwt").to_str().unwrap().to_owned();
    assert_eq!(facts(run("X", "y")), (60, in_home));
    let (elsewhere, expected) = (place.name("elsewhere"), place.name("elsewhere/pkjwt"));
    assert_eq!(facts(run("XDG_CONFIG_HOME", &elsewhere)), (60, expected));
    // The variables name the setup and the file.
    let config = place.put("other.toml", format!("[dev]\nkey = '{key}'\nclient-id = 'dev'\n"));
    let variables = [("PKJWT_USE", "dev"), ("PKJWT_CONFIG", config.as_str())];
    assert_eq!(facts(pkjwt_envs(["assert"].iter().chain(&AUDIENCE), &variables)), (60, "dev".to_owned()));
}

#[test]
fn a_mistake_in_the_config_file_is_named_with_its_line() {
    let place = Place::new();
    let file = place.name("config.toml");
    let known = "known members: accept-created, actor-token, actor-token-type, alg, assertion, ";
    for (config, expected) in [
        ("[prod]\nclient-id = 'c'\n\nisuer = 'x'\n", "line 4: unknown member `isuer`; known members: "),
        ("[prod]\nisuer = 'x'\n", known),
        ("[dev]\n[test]\n", "no setup [prod]; the file has: dev, test"),
        ("issuer = 'x'\n[prod]\n", "line 1: `issuer` is outside of a setup; begin one with [NAME]"),
        ("[prod]\nno-kid = 'yes'\n", "line 2: `no-kid` must be true or false"),
        ("[prod]\nclient-id = true\n", "line 2: `client-id` must be a string or a number"),
        ("[prod]\nscope = [1.5]\n", "line 2: `scope` must be a list of strings"),
        ("[prod]\nscope = true\n", "line 2: `scope` must be a string or a list of strings"),
        ("[prod]\nclient-id = ['a', 'b']\n", "line 2: `client-id` must be a string or a number"),
        ("[prod]\n\nclient-id = c\n", "line 3: "),
        ("[prod]\nclient-id = 'c'\nclient-id = 'd'\n", "line 3: duplicate key"),
    ] {
        let line = assert(&place, config, &["--use", "prod"], &[]).usage(&[expected]);
        assert!(line.starts_with(&format!("pkjwt: {file}: ")), "{line}");
    }
    // Text that may be a secret is not repeated.
    let jwk = r#"{"kty":"OKP","d":"canary"}"#;
    for config in [
        format!("[prod]\n'{jwk}' = 1\n"),
        format!("[prod]\nkey = '{jwk}'\n"),
        format!("[prod]\nkey = {jwk}\n"),
    ] {
        let line = assert(&place, &config, &["--use", "prod"], &[]).usage(&["config.toml: "]);
        assert!(!line.contains("canary"), "{line}");
    }
}

#[test]
fn a_wrong_value_is_named_by_the_place_that_it_comes_from() {
    let place = Place::new();
    let key = testdata("p256.pkcs8.pem");
    let run = |name: &str, value: &str| pkjwt_env(["assert", "--key", &key, "--client-id", "c"], name, value);
    for (variable, value, expected) in [
        ("PKJWT_ALG", "RS257", "pkjwt: PKJWT_ALG: `RS257` is no value of --alg\n"),
        ("PKJWT_LIFETIME", "0", "pkjwt: PKJWT_LIFETIME: must be at least one second\n"),
        ("PKJWT_NO_KID", "maybe", "pkjwt: PKJWT_NO_KID: expected true or false\n"),
    ] {
        assert_eq!(run(variable, value).usage(&[]), expected);
    }
    let pem = std::fs::read_to_string(&key).unwrap();
    assert_eq!(
        pkjwt_env(["jwks", &key], "PKJWT_ALG", &pem).usage(&[]),
        "pkjwt: PKJWT_ALG: found a PEM private key, which does not belong here\n"
    );
    assert_eq!(
        pkjwt_env(["assert"], "PKJWT_KEY", &pem).usage(&[]),
        "pkjwt: PKJWT_KEY: expected a path, found a PEM private key; write it to a file, or to a variable and pass \
         env:NAME\n"
    );
    let line = assert(&place, "[prod]\nprofile = 'unheard-of'\n", &["--use", "prod"], &[])
        .usage(&["config.toml: [prod]: profile: `unheard-of` is no value of --profile"]);
    assert!(line.starts_with("pkjwt: "), "{line}");
    // Help is there in any case.
    assert!(pkjwt_env(["assert", "--help"], "PKJWT_NO_KID", "maybe").done().contains("--no-kid"));
}

#[test]
fn a_command_without_a_client_takes_no_setup() {
    let key = testdata("p256.pkcs8.pem");
    let line = pkjwt(["--use", "prod", "jwks", &key]).usage(&[]);
    assert_eq!(line, "pkjwt: --use: `pkjwt jwks` takes no options from a setup\n");
    // The variable is for other commands, too.
    pkjwt_env(["jwks", &key], "PKJWT_USE", "prod").done();
    pkjwt(["--use", "prod"]).clap();
}
