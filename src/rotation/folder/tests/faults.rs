//! Every operation, interrupted at every call to the file system.

use std::any::Any;
use std::path::PathBuf;
use std::sync::Arc;

use super::*;
use crate::rotation::plan::Plan;

/// How far the call gets that fails.
#[derive(Clone, Copy, Debug)]
enum Reached {
    Nothing,
    Half,
    All,
}

#[derive(Clone, Copy, Debug)]
enum Fault {
    /// This call fails with an error of the operating system, and all others succeed.
    Error(i32),
    /// The process ends.
    Crash,
}

const ENOSPC: i32 = 28;
const EIO: i32 = 5;

/// A folder on a disk, where one call fails.
struct Faulty {
    disk: Disk,
    fault: Option<(usize, Reached, Fault)>,
    calls: AtomicUsize,
    trace: Arc<Mutex<Vec<String>>>,
}

impl Faulty {
    fn call<T>(
        &self,
        name: String,
        half: impl FnOnce() -> io::Result<()>,
        all: impl FnOnce() -> io::Result<T>,
    ) -> io::Result<T> {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        self.trace.lock().unwrap().push(name);
        let Some((at, reached, fault)) = self.fault else { return all() };
        let error = match fault {
            Fault::Error(number) => io::Error::from_raw_os_error(number),
            Fault::Crash => io::Error::other("the process has ended"),
        };
        match (call == at, reached, fault) {
            (true, Reached::Nothing, _) => Err(error),
            (true, Reached::Half, _) => half().and(Err(error)),
            (true, Reached::All, _) => all().and(Err(error)),
            (false, _, Fault::Crash) if call > at => Err(error),
            (false, ..) => all(),
        }
    }
}

fn nothing() -> io::Result<()> {
    Ok(())
}

impl Files for Faulty {
    fn lock(&self, name: &str) -> io::Result<Option<Box<dyn Any>>> {
        self.call(format!("lock {name}"), nothing, || self.disk.lock(name))
    }

    fn names(&self) -> io::Result<Vec<String>> {
        self.call("names".to_owned(), nothing, || self.disk.names())
    }

    fn kind(&self, name: &str) -> io::Result<Kind> {
        self.call(format!("kind {name}"), nothing, || self.disk.kind(name))
    }

    fn read(&self, name: &str, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
        self.call(format!("read {name}"), nothing, || self.disk.read(name, limit))
    }

    fn write_new(&self, name: &str, bytes: &[u8], like: Option<&str>) -> io::Result<()> {
        let half = || self.disk.write_new(name, &bytes[..bytes.len() / 2], like);
        self.call(format!("write {name}"), half, || self.disk.write_new(name, bytes, like))
    }

    /// Only its place in the order matters.
    fn sync(&self, name: &str) -> io::Result<()> {
        self.call(format!("sync {name}"), nothing, nothing)
    }

    fn publish(&self, from: &str, to: &str) -> io::Result<()> {
        let path = |name: &str| self.disk.0.join(name);
        let half = || fs::hard_link(path(from), path(to));
        self.call(format!("publish {from} {to}"), half, || self.disk.publish(from, to))
    }

    fn replace(&self, from: &str, to: &str) -> io::Result<()> {
        self.call(format!("replace {from} {to}"), nothing, || self.disk.replace(from, to))
    }

    fn remove(&self, name: &str) -> io::Result<()> {
        self.call(format!("remove {name}"), nothing, || self.disk.remove(name))
    }

    fn sync_folder(&self) -> io::Result<()> {
        self.call("sync folder".to_owned(), nothing, nothing)
    }
}

fn faulty(place: &TempDir, fault: Option<(usize, Reached, Fault)>) -> (KeyFolder, Arc<Mutex<Vec<String>>>) {
    let path: PathBuf = place.path().to_owned();
    let trace = Arc::new(Mutex::new(Vec::new()));
    let disk = Disk(path.clone());
    let files = Faulty { disk, fault, calls: AtomicUsize::new(0), trace: Arc::clone(&trace) };
    (KeyFolder { path, files: Box::new(files) }, trace)
}

fn copy(from: &TempDir) -> TempDir {
    let to = tempfile::tempdir().unwrap();
    for name in names(from) {
        fs::copy(from.path().join(&name), to.path().join(&name)).unwrap();
    }
    to
}

fn plan_of(folder: &KeyFolder) -> Plan {
    folder.changes().state().unwrap_or_else(|error| panic!("{error:#}")).manifest.plan()
}

const NOW: i64 = 100_000;

fn rotate(folder: &KeyFolder) -> Result<(), KeyFolderError> {
    folder.rotate(&options().overlap(Duration::from_secs(60)), at(NOW)).map(drop)
}

fn prune(folder: &KeyFolder) -> Result<(), KeyFolderError> {
    folder.prune(at(NOW)).map(drop)
}

/// Interrupts an operation at every call, in every way.
#[track_caller]
fn interrupt(template: &TempDir, operation: impl Fn(&KeyFolder) -> Result<(), KeyFolderError>) {
    let whole = copy(template);
    let (folder, trace) = faulty(&whole, None);
    let before = plan_of(&folder);
    trace.lock().unwrap().clear();
    operation(&folder).unwrap();
    let calls = trace.lock().unwrap().clone();
    let after = plan_of(&folder);
    assert!(calls.len() > 10, "{calls:?}");

    let faults = [Fault::Error(ENOSPC), Fault::Error(EIO), Fault::Crash];
    for (index, call) in calls.iter().enumerate() {
        for reached in [Reached::Nothing, Reached::Half, Reached::All] {
            for fault in faults {
                let place = copy(template);
                let result = operation(&faulty(&place, Some((index, reached, fault))).0);
                let told = format!("{index} {call} {reached:?} {fault:?} {result:?} {:?}", names(&place));

                // The folder loads, and says what it said or what it was to say.
                let (folder, _) = faulty(&place, None);
                let status = folder.status(at(NOW)).unwrap_or_else(|error| panic!("{told}: {error:#}"));
                let plan = plan_of(&folder);
                assert!(plan == before || plan == after, "{told}: {plan:#?}");
                assert!(result.is_err() || plan == after, "{told}");
                assert!(status.keys.iter().all(|key| key.problem.is_none()), "{told}: {status:#?}");
                let signing = status.keys.iter().filter(|key| key.phase == Phase::Active).count();
                let expected = plan.phases(at(NOW)).iter().filter(|phase| **phase == Phase::Active).count();
                assert_eq!(signing, expected, "{told}");

                // The next operation works, and tidies up.
                let next = folder
                    .rotate(&options(), at(NOW + 1))
                    .unwrap_or_else(|error| panic!("{told}: {error:#}"));
                let plan = plan_of(&folder);
                assert_eq!(plan.keys.last().map(|key| &*key.file), Some(&*next.file), "{told}");
                let is_known = |name: &String| {
                    [".pkjwt-lock", Manifest::FILE].contains(&&**name)
                        || plan.keys.iter().any(|key| key.file == *name)
                };
                let unknown: Vec<String> = names(&place).into_iter().filter(|name| !is_known(name)).collect();
                assert!(unknown.is_empty(), "{told}: left {unknown:?}");
            }
        }
    }
}

#[test]
fn the_first_key_of_a_folder() {
    interrupt(&tempfile::tempdir().unwrap(), rotate);
}

#[test]
fn the_second_key_of_a_folder_without_a_manifest() {
    let place = tempfile::tempdir().unwrap();
    put_key(&place, "key.pem");
    interrupt(&place, rotate);
}

#[test]
fn the_next_key_of_a_folder_with_a_manifest() {
    let place = tempfile::tempdir().unwrap();
    put_key(&place, "key.pem");
    folder(&place).rotate(&options(), at(0)).unwrap();
    interrupt(&place, rotate);
}

#[test]
fn a_revocation_with_a_manifest_and_without_one() {
    let place = tempfile::tempdir().unwrap();
    let key_id = put_key(&place, "key.pem");
    let revoke = |folder: &KeyFolder| folder.revoke(&key_id, at(NOW)).map(drop);
    interrupt(&place, revoke);
    folder(&place).rotate(&options(), at(0)).unwrap();
    interrupt(&place, revoke);
}

#[test]
fn pruning_several_keys() {
    let place = tempfile::tempdir().unwrap();
    put_key(&place, "key.pem");
    let folder = folder(&place);
    folder.rotate(&options(), at(0)).unwrap();
    let third = folder.rotate(&options(), at(1)).unwrap();
    folder.revoke(&third.key_id, at(2)).unwrap();
    assert_eq!(folder.prune(at(3)).unwrap().removed, [third.file]);
    folder.rotate(&options(), at(600)).unwrap();
    let fifth = folder.rotate(&options(), at(601)).unwrap();
    folder.revoke(&fifth.key_id, at(602)).unwrap();
    assert_eq!(edit::prune(&plan_of(&folder), at(NOW)).len(), 3);
    interrupt(&place, prune);
}

/// Whatever is lost with the power, a name never leads to a content that is not durable.
#[test]
fn contents_are_durable_before_names_and_keys_before_the_manifest() {
    let place = tempfile::tempdir().unwrap();
    put_key(&place, "key.pem");
    let (folder, trace) = faulty(&place, None);
    rotate(&folder).unwrap();
    let is_write =
        |call: &String| !["names", "kind", "read", "remove"].iter().any(|read| call.starts_with(read));
    let calls: Vec<String> = trace.lock().unwrap().iter().filter(|call| is_write(call)).cloned().collect();
    let expected = [
        "lock .pkjwt-lock",
        // Adoption.
        "write .pkjwt-keys.toml",
        "sync .pkjwt-keys.toml",
        "publish .pkjwt-keys.toml keys.toml",
        "sync folder",
        // What to remove after a crash.
        "write .pkjwt-journal",
        "sync .pkjwt-journal",
        // The key.
        "write .pkjwt-key",
        "sync .pkjwt-key",
        "publish .pkjwt-key 2026-12-02T03-56-40Z-EdDSA.pem",
        // The manifest.
        "write .pkjwt-keys.toml",
        "sync .pkjwt-keys.toml",
        "sync folder",
        "replace .pkjwt-keys.toml keys.toml",
        "sync folder",
        "sync folder",
    ];
    assert_eq!(calls, expected);
}

/// A journal that was cut, or that names what is not its business, removes nothing.
#[test]
fn a_journal_never_removes_what_the_manifest_names_or_what_is_elsewhere() {
    let (outer, inner) = (tempfile::tempdir().unwrap(), "folder");
    fs::create_dir(outer.path().join(inner)).unwrap();
    fs::write(outer.path().join("outside.pem"), "x").unwrap();
    let path = outer.path().join(inner);
    let folder = KeyFolder::open(&path).unwrap();
    let first = folder.rotate(&options(), at(0)).unwrap();
    for name in ["unlisted.pem", "cut.pem", "orphan.pem"] {
        fs::write(path.join(name), "x").unwrap();
    }
    let journal = format!(
        "{}\n../outside.pem\nkeys.toml\n.pkjwt-lock\n/\n\norphan.pem\nno-such.pem\ncut.pem",
        first.file
    );
    fs::write(path.join(".pkjwt-journal"), journal).unwrap();
    folder.prune(at(0)).unwrap();
    assert!(outer.path().join("outside.pem").exists());
    let mut names: Vec<String> =
        fs::read_dir(&path).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    assert_eq!(names, [".pkjwt-lock", &first.file, "cut.pem", Manifest::FILE, "unlisted.pem"]);

    // Without a manifest, it may not know what belongs here.
    fs::remove_file(path.join(Manifest::FILE)).unwrap();
    fs::remove_file(path.join("cut.pem")).unwrap();
    fs::write(path.join(".pkjwt-journal"), "unlisted.pem\n").unwrap();
    assert!(folder.prune(at(0)).is_err());
    assert!(path.join("unlisted.pem").exists());
}
