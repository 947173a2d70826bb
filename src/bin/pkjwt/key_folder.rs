//! A folder of keys, for the commands that publish them.

use std::fs;
use std::path::Path;
use std::time::Duration;

use private_key_jwt::observer::{Event, Observer};
use private_key_jwt::rotation::{KeyDirectory, Manifest, Plan};

use crate::error::{Context, Failure};
use crate::key::KeyOptions;
use crate::{output, source};

/// Opens a folder. Without a manifest, servers keep a copy of the JWKS for `propagation`.
pub(crate) async fn open(
    folder: &Path,
    options: &KeyOptions,
    propagation: Duration,
) -> Result<KeyDirectory, Failure> {
    let mut builder = KeyDirectory::builder(folder).propagation(propagation).observer(Problems);
    if let Some(passphrase) = options.of_folder()? {
        builder = builder.passphrase(passphrase);
    }
    builder.open().await.context(source::name(folder))
}

/// The plan in the manifest of a folder, if it has one.
pub(crate) fn plan(folder: &Path) -> Option<Plan> {
    let text = fs::read_to_string(folder.join(Manifest::FILE)).ok()?;
    Manifest::parse(&text).ok().map(|manifest| manifest.plan())
}

/// Prints what is wrong with a file of the folder, and when it no longer is.
struct Problems;

impl Observer for Problems {
    fn event(&self, event: &Event<'_>) {
        match event {
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
