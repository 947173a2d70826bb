//! A folder of keys, for the commands that publish them.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use private_key_jwt::observer::{Event, Observer};
use private_key_jwt::rotation::KeyDirectory;

use crate::error::{Context, Failure};
use crate::key::KeyOptions;
use crate::{output, source};

/// Opens a folder, and prints what is wrong in it. Without a manifest, servers keep a copy of the
/// JWKS for `propagation`.
pub(crate) async fn open(
    folder: &Path,
    options: &KeyOptions,
    propagation: Duration,
) -> Result<KeyDirectory, Failure> {
    let problems = Arc::new(Problems::default());
    let mut builder = KeyDirectory::builder(folder).propagation(propagation).observer(Arc::clone(&problems));
    if let Some(passphrase) = options.of_folder()? {
        builder = builder.passphrase(passphrase);
    }
    let keys = builder.open().await.context(source::name(folder))?;
    problems.is_open.store(true, Ordering::Relaxed);
    for problem in keys.status().problems {
        output::note(&format!("pkjwt: {}: {:#}", problem.file, problem.reason));
    }
    Ok(keys)
}

/// Prints what becomes wrong with a file of the folder, and when it no longer is.
#[derive(Default)]
struct Problems {
    /// Until then, the error of `open` says it.
    is_open: AtomicBool,
}

impl Observer for Problems {
    fn event(&self, event: &Event<'_>) {
        match event {
            _ if !self.is_open.load(Ordering::Relaxed) => {}
            Event::KeyFileProblemBegan { file, error, .. } => {
                output::note(&format!("pkjwt: {file}: {error:#}; the keys that were read before stay"));
            }
            Event::KeyFileProblemEnded { file, .. } => {
                output::note(&format!("pkjwt: {file} can be used again"))
            }
            _ => {}
        }
    }
}
