//! Writers that change the folder while it is read.

use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};

use private_key_jwt::rotation::KeyDirectory;
use tokio::runtime::Runtime;

use super::world::*;

/// Reads the folder again and again while this writes to it, once a round.
fn meanwhile(runtime: &Runtime, keys: &KeyDirectory, write: impl Fn(usize) + Sync, mut look: impl FnMut()) {
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for round in (0..).take_while(|_| !is_over.load(Ordering::Relaxed)) {
                write(round);
            }
        });
        let looked = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            for _ in 0..300 {
                runtime.block_on(keys.refresh());
                check(keys);
                look();
            }
        }));
        is_over.store(true, Ordering::Relaxed);
        looked.unwrap();
    });
}

#[test]
fn a_file_that_is_written_while_it_is_read_disturbs_nothing() {
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let world = World::new();
    let written = [pem(), pem()];
    world.write("tls.key", &written[0].text);
    let keys = runtime.block_on(world.open());
    let path = world.path("tls.key");
    let write = |round: usize| {
        // In place, in two pieces.
        let text = &written[round % 2].text;
        fs::write(&path, &text[..text.len() / 2]).unwrap();
        fs::write(&path, text).unwrap();
    };
    meanwhile(&runtime, &keys, write, || {
        world.clock.pass(1);
        let signs = active(&keys);
        assert!(written.iter().any(|key| key.id == signs));
    });
    // It settles.
    world.write("tls.key", &written[1].text);
    runtime.block_on(world.pass(&keys, 1));
    runtime.block_on(world.pass(&keys, PROPAGATION));
    check(&keys);
    assert_eq!((active(&keys), problems(&keys)), (written[1].id.clone(), vec![]));
}

#[cfg(unix)]
#[test]
fn a_folder_that_is_swapped_while_it_is_read_leaves_no_moment_without_a_key() {
    use std::os::unix::fs::symlink;
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let world = World::new();
    // The manifest of each of two generations names a file that the other does not have.
    for generation in 0..2 {
        fs::create_dir(world.path(&format!("..{generation}"))).unwrap();
        world.write(&format!("..{generation}/{generation}.pem"), pem().text);
        let manifest = entry(&format!("{generation}.pem"), &[("activate", -1000 * generation - 1000)]);
        world.write(&format!("..{generation}/keys.toml"), manifest);
    }
    let swap = |round: usize| {
        symlink(format!("..{}", round % 2), world.path("..tmp")).unwrap();
        fs::rename(world.path("..tmp"), world.path("..data")).unwrap();
    };
    swap(0);
    for file in ["0.pem", "1.pem", "keys.toml"] {
        symlink(format!("..data/{file}"), world.path(file)).unwrap();
    }
    let keys = runtime.block_on(world.open());
    meanwhile(&runtime, &keys, swap, || {});
    swap(0);
    runtime.block_on(keys.refresh());
    check(&keys);
    assert_eq!(problems(&keys), <[String; 0]>::default());
}
