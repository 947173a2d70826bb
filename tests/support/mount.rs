//! A folder that is swapped as Kubernetes does with the files of a secret.

use std::fs;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Puts the files into a new folder of this name, renames a link to it over the last one, and then
/// removes what no longer is in the secret. A file of the secret is a link through that one.
/// `write` writes a file at this path below the folder.
pub fn swap<C>(folder: &Path, name: &str, files: &[(&str, C)], write: impl Fn(&str, &C)) {
    let former = fs::read_link(folder.join("..data"));
    fs::create_dir(folder.join(name)).unwrap();
    for (file, content) in files {
        write(&format!("{name}/{file}"), content);
    }
    symlink(name, folder.join("..data_tmp")).unwrap();
    fs::rename(folder.join("..data_tmp"), folder.join("..data")).unwrap();
    for (file, _) in files {
        if !folder.join(file).exists() {
            symlink(format!("..data/{file}"), folder.join(file)).unwrap();
        }
    }
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if !path.exists() {
            fs::remove_file(path).unwrap();
        }
    }
    if let Ok(former) = former {
        fs::remove_dir_all(folder.join(former)).unwrap();
    }
}
