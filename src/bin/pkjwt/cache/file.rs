//! The files of the cache, and who can read them.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde_json::{Map, Value, json};
use time::OffsetDateTime;
use zeroize::Zeroizing;

use crate::error::{Context, Failure};
use crate::issued::{Issued, wipe};
use crate::new_file::{self, Readers};
use crate::source;

/// The version of the format. Files of another version are not used.
const VERSION: u64 = 1;
/// Maximum length of a file, in bytes: a response has at most a quarter of it.
const MAX_LEN: usize = 4 << 20;

/// What a file holds.
pub(super) enum Found {
    Token {
        token: Issued,
        /// Whether it is time to renew the token.
        is_due: bool,
    },
    /// No file, or a token that has expired.
    Nothing,
    /// A file that must not be used, and why.
    Unusable(String),
}

/// Creates the directory, or checks that it is private.
pub(super) fn prepare_directory(path: &Path) -> Result<(), Failure> {
    new_file::private_directory(path)?;
    let found = path.symlink_metadata().context(source::name(path))?;
    let refused = |why: String| Err(Failure::refused(source::name(path), why));
    if !found.is_dir() {
        return refused("the cache needs a directory".to_owned());
    }
    match access(&found) {
        Access::Private => Ok(()),
        Access::Shared { mode } => {
            refused(format!("others can enter the directory of the cache (mode {mode:o}); set mode 700"))
        }
        Access::Foreign { owner } => {
            refused(format!("the directory of the cache belongs to another user (uid {owner})"))
        }
    }
}

/// Reads a file. That of another user is an error: only its owner can say what it is for.
pub(super) fn read(path: &Path, name: &str, now: OffsetDateTime) -> Result<Found, Failure> {
    let shown = shown(path);
    let mut options = OpenOptions::new();
    options.read(true);
    no_links(&mut options);
    let file = match options.open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Found::Nothing),
        Err(error) => return Err(error).context(shown),
    };
    let metadata = file.metadata().context(&shown)?;
    if !metadata.is_file() {
        return Err(Failure::refused(shown, "not a regular file, so the cache cannot use it"));
    }
    match access(&metadata) {
        Access::Private => {}
        Access::Shared { mode } => {
            return Ok(Found::Unusable(format!("others can read {shown} (mode {mode:o})")));
        }
        Access::Foreign { owner } => {
            let why = format!("the file belongs to another user (uid {owner}); remove it");
            return Err(Failure::refused(shown, why));
        }
    }
    let mut bytes =
        Zeroizing::new(Vec::with_capacity(usize::try_from(metadata.len()).unwrap_or(0).min(MAX_LEN) + 2));
    file.take(MAX_LEN as u64 + 1).read_to_end(&mut bytes).context(&shown)?;
    Ok(parse(&bytes, name, now).unwrap_or_else(|why| Found::Unusable(format!("{shown} {why}"))))
}

/// Writes a file that only its owner can read.
pub(super) fn write(
    path: &Path,
    name: &str,
    token: &Issued,
    obtained_at: OffsetDateTime,
    expires_at: OffsetDateTime,
) -> Result<(), Failure> {
    let mut content = json!({
        "version": VERSION,
        "request": name,
        "obtained_at": obtained_at.unix_timestamp(),
        "expires_at": expires_at.unix_timestamp(),
        "response": token.members(),
    });
    // The cache never uses it, and it outlives the token.
    let response = content.get_mut("response").and_then(Value::as_object_mut);
    if let Some(mut unused) = response.and_then(|members| members.remove("refresh_token")) {
        wipe(&mut unused);
    }
    // Nothing grows it, which would leave a copy.
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_LEN));
    let written = serde_json::to_writer(&mut *bytes, &content).context(shown(path));
    wipe(&mut content);
    written?;
    new_file::write(path, &bytes, Readers::Owner, true)
}

/// Removes the files of expired tokens, as far as possible: there is one for each subject token and
/// each JWT of a grant.
pub(super) fn remove_expired(directory: &Path, now: OffsetDateTime) {
    /// So many files at a time, so that no command takes long.
    const MOST: usize = 256;
    let Ok(entries) = std::fs::read_dir(directory) else { return };
    let paths = entries.flatten().map(|entry| entry.path());
    let named = paths.filter_map(|path| Some((name_of(&path)?, path)));
    for (name, path) in named.take(MOST) {
        let lock = path.with_extension("lock");
        if matches!(read(&path, &name, now), Ok(Found::Nothing))
            // Another process may be renewing it.
            && let Ok(held) = open_lock(&lock)
            && held.try_lock().is_ok()
        {
            let _ = std::fs::remove_file(&path);
            let _ = std::fs::remove_file(&lock);
        }
    }
}

/// The name of the request whose token this file has.
fn name_of(path: &Path) -> Option<String> {
    let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
    let is_hash = name.len() == 64 && name.bytes().all(|byte| byte.is_ascii_hexdigit());
    is_hash.then(|| name.to_owned())
}

/// Opens the lock, which holds nothing.
pub(super) fn open_lock(path: &Path) -> Result<File, Failure> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(false);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    no_links(&mut options);
    options.open(path).context(shown(path))
}

/// Reads the content of a file. Errors say why it cannot be used.
fn parse(bytes: &[u8], name: &str, now: OffsetDateTime) -> Result<Found, &'static str> {
    const DAMAGED: &str = "is damaged";
    if bytes.len() > MAX_LEN {
        return Err("is too long");
    }
    let mut content: Map<String, Value> = serde_json::from_slice(bytes).map_err(|_| DAMAGED)?;
    let mut response = content.remove("response").unwrap_or_default();
    let checked = (|| {
        match content.get("version").and_then(Value::as_u64) {
            Some(VERSION) => {}
            Some(_) => return Err("has another version"),
            None => return Err(DAMAGED),
        }
        if content.get("request").and_then(Value::as_str) != Some(name) {
            return Err("is for another request");
        }
        let time = |member: &str| {
            let seconds = content.get(member).and_then(Value::as_i64).ok_or(DAMAGED)?;
            OffsetDateTime::from_unix_timestamp(seconds).map_err(|_| DAMAGED)
        };
        Ok((time("obtained_at")?, time("expires_at")?))
    })();
    let members = response.as_object_mut().map(std::mem::take);
    wipe(&mut response);
    let (obtained_at, expires_at) = match checked {
        Ok(times) => times,
        Err(why) => {
            members.into_iter().flatten().for_each(|(_, mut value)| wipe(&mut value));
            return Err(why);
        }
    };
    let token = members.and_then(|members| Issued::cached(members, expires_at)).ok_or(DAMAGED)?;
    if obtained_at > now + time::Duration::SECOND {
        return Err("is from the future; is the clock right?");
    }
    if expires_at <= now {
        return Ok(Found::Nothing);
    }
    let is_due = expires_at - now <= ahead(expires_at - obtained_at);
    Ok(Found::Token { token, is_due })
}

/// The name of a file in a message. The hash in it looks like a secret and is none.
pub(super) fn shown(path: &Path) -> String {
    let directory = path.parent().map(source::name).unwrap_or_default();
    let file = path.file_name().unwrap_or_default();
    Path::new(&directory).join(file).display().to_string()
}

/// How long before its end a token is renewed.
fn ahead(lifetime: time::Duration) -> time::Duration {
    std::cmp::min(lifetime / 10, time::Duration::MINUTE)
}

/// Who can use a file or a directory.
enum Access {
    Private,
    Shared { mode: u32 },
    Foreign { owner: u32 },
}

#[cfg(unix)]
fn access(found: &Metadata) -> Access {
    use std::os::unix::fs::MetadataExt;
    judged(found.uid(), found.mode() & 0o7777, rustix::process::geteuid().as_raw())
}

#[cfg(unix)]
const fn judged(owner: u32, mode: u32, user: u32) -> Access {
    if owner != user {
        Access::Foreign { owner }
    } else if mode & 0o077 != 0 {
        Access::Shared { mode }
    } else {
        Access::Private
    }
}

/// The directories of users are private by their access control lists.
#[cfg(not(unix))]
const fn access(_: &Metadata) -> Access {
    Access::Private
}

/// Makes opening a symbolic link fail.
fn no_links(options: &mut OpenOptions) {
    #[cfg(unix)]
    {
        use rustix::fs::OFlags;
        let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
        std::os::unix::fs::OpenOptionsExt::custom_flags(options, flags.bits().cast_signed());
    }
    #[cfg(not(unix))]
    let _ = options;
}

#[cfg(test)]
mod tests {
    use super::*;

    const RESPONSE: &str = r#"{"access_token":"t","token_type":"Bearer"}"#;

    fn at(seconds: i64) -> OffsetDateTime {
        OffsetDateTime::UNIX_EPOCH + time::Duration::seconds(1_800_000_000 + seconds)
    }

    fn content(version: u64, name: &str, response: &str) -> String {
        format!(
            r#"{{"version":{version},"request":"{name}","obtained_at":1800000000,"expires_at":1800000600,"response":{response}}}"#
        )
    }

    fn parsed(content: &str, now: OffsetDateTime) -> &'static str {
        match parse(content.as_bytes(), "name", now) {
            Ok(Found::Token { is_due: false, .. }) => "fresh",
            Ok(Found::Token { is_due: true, .. }) => "due",
            Ok(Found::Nothing) => "nothing",
            Ok(Found::Unusable(_)) => "unusable",
            Err(why) => why,
        }
    }

    #[test]
    fn a_token_is_renewed_in_the_last_tenth_of_its_lifetime_and_never_used_after_it() {
        let content = content(1, "name", RESPONSE);
        let cases = [
            (-2, "is from the future; is the clock right?"),
            (0, "fresh"),
            (539, "fresh"),
            (540, "due"),
            (599, "due"),
        ];
        for (seconds, expected) in
            cases.into_iter().chain([(600, "nothing"), (i64::from(u32::MAX), "nothing")])
        {
            assert_eq!(parsed(&content, at(seconds)), expected, "{seconds}");
        }
        assert_eq!(ahead(time::Duration::DAY), time::Duration::MINUTE);
    }

    #[test]
    fn a_file_that_is_not_a_cached_token_is_not_used() {
        let whole = content(1, "name", RESPONSE);
        for end in 0..whole.len() {
            assert_eq!(parsed(&whole[..end], at(0)), "is damaged", "{end}");
        }
        assert_eq!(parsed(&content(2, "name", RESPONSE), at(0)), "has another version");
        assert_eq!(parsed(&content(1, "other", RESPONSE), at(0)), "is for another request");
        for response in
            ["null", "[]", "{}", r#"{"access_token":"","token_type":"Bearer"}"#, r#"{"access_token":1}"#]
        {
            assert_eq!(parsed(&content(1, "name", response), at(0)), "is damaged", "{response}");
        }
        assert_eq!(parsed(&whole.replace("1800000600", "1e300"), at(0)), "is damaged");
        assert_eq!(parsed(&whole.replace("1800000600", "9223372036854775807"), at(0)), "is damaged");
        assert_eq!(parsed(&" ".repeat(MAX_LEN + 1), at(0)), "is too long");
    }

    #[cfg(unix)]
    #[test]
    fn only_the_user_may_have_access() {
        let judged = |owner, mode| match judged(owner, mode, 1000) {
            Access::Private => "private",
            Access::Shared { .. } => "shared",
            Access::Foreign { .. } => "foreign",
        };
        for (owner, mode, expected) in [
            (1000, 0o600, "private"),
            (1000, 0o700, "private"),
            (1000, 0o640, "shared"),
            (1000, 0o604, "shared"),
            (1000, 0o610, "shared"),
            (0, 0o600, "foreign"),
            (1001, 0o666, "foreign"),
        ] {
            assert_eq!(judged(owner, mode), expected, "{owner} {mode:o}");
        }
    }
}
