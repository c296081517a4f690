//! Compiled components on disk, so that a second process needs no compiler.
//!
//! Machine code from disk runs with the host's rights. Only what this user wrote itself is trusted:
//! the directory belongs to the user and is closed to others, and each file carries a keyed digest
//! over its content and its name, which is the digest of the component and of everything the engine
//! compiles by.

use std::fs::{self, FileTimes};
use std::hash::{Hash as _, Hasher};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use aws_lc_rs::{digest, hmac, rand};
use wasmtime::component::Component;

/// The key's file beside the compiled components.
const KEY_FILE: &str = "key";

/// The key's size: that of the digest (RFC 2104 §3).
const KEY_BYTES: usize = 32;

/// The tag's size, at the head of each file.
const TAG_BYTES: usize = 32;

/// How many bytes of compiled components are kept: six with a language's runtime, or a hundred of
/// Rust. Those that were not used for the longest time go first.
const MAX_BYTES: u64 = 256 << 20;

/// A directory of compiled components. Whatever is wrong with it, components are compiled instead.
pub(super) struct Cache {
    directory: PathBuf,
    engine_hash: Vec<u8>,
}

impl Cache {
    /// A cache in `directory` for what `engine` compiles.
    pub(super) fn new(directory: PathBuf, engine: &wasmtime::Engine) -> Self {
        let mut collector = Collector(digest::Context::new(&digest::SHA256));
        engine.precompile_compatibility_hash().hash(&mut collector);
        Self { directory, engine_hash: collector.0.finish().as_ref().to_vec() }
    }

    /// The compiled form of a component, if this user has compiled it before.
    pub(super) fn find(&self, engine: &wasmtime::Engine, component: &[u8]) -> Option<Component> {
        is_private(&self.directory).then_some(())?;
        let name = self.name(component);
        let file = fs::read(self.directory.join(&name)).ok()?;
        let (tag, compiled) = file.split_at_checked(TAG_BYTES)?;
        hmac::verify(&file_key(&self.key()?, &name), compiled, tag).ok()?;
        #[expect(
            unsafe_code,
            reason = "the bytes are this user's own: the keyed digest above covers them, the \
                      component they were compiled from and the engine that compiled them, and \
                      others cannot read the key"
        )]
        // SAFETY: `deserialize` asks for bytes that `serialize` made for a compatible engine.
        let component = unsafe { Component::deserialize(engine, compiled) }.ok()?;
        // The time of its last use, by which the cache is pruned; without it the next is pruned.
        let _ = fs::File::open(self.directory.join(&name))
            .and_then(|file| file.set_times(FileTimes::new().set_accessed(SystemTime::now())));
        Some(component)
    }

    /// Keeps the compiled form of a component. Failing to is no error: the next process compiles
    /// again.
    pub(super) fn keep(&self, component: &[u8], compiled: &Component) {
        if let Err(error) = self.try_keep(component, compiled) {
            let message = "the compiled component is not cached";
            tracing::debug!(target: "smtp_connector", %error, message);
        }
    }

    fn try_keep(&self, component: &[u8], compiled: &Component) -> std::io::Result<()> {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(&self.directory)?;
        if !is_private(&self.directory) {
            return Err(std::io::Error::other("the cache directory is open to other users"));
        }
        let key = match self.key() {
            Some(key) => key,
            None => self.make_key()?,
        };
        let name = self.name(component);
        let compiled = compiled.serialize().map_err(std::io::Error::other)?;
        let tag = hmac::sign(&file_key(&key, &name), &compiled);
        // Written aside and renamed, so that no reader ever sees half a file.
        let aside = self.directory.join(format!("{name}.{}", std::process::id()));
        let mut file = private_file(&aside)?;
        file.write_all(tag.as_ref())?;
        file.write_all(&compiled)?;
        fs::rename(&aside, self.directory.join(&name))?;
        self.prune(&name, MAX_BYTES)
    }

    /// Removes what was not used for the longest time, down to so many bytes, but not the newest.
    fn prune(&self, newest: &str, most: u64) -> std::io::Result<()> {
        let mut files = Vec::new();
        for file in fs::read_dir(&self.directory)? {
            let file = file?;
            let name = file.file_name();
            if name != KEY_FILE && name != newest {
                let found = file.metadata()?;
                files.push((found.accessed()?, found.len(), file.path()));
            }
        }
        files.sort();
        let kept = fs::metadata(self.directory.join(newest))?.len();
        let mut bytes = kept + files.iter().map(|(_, length, _)| length).sum::<u64>();
        for (_, length, path) in files {
            if bytes <= most {
                break;
            }
            fs::remove_file(path)?;
            bytes -= length;
        }
        Ok(())
    }

    fn key(&self) -> Option<hmac::Key> {
        let path = self.directory.join(KEY_FILE);
        is_private(&path).then_some(())?;
        let key = fs::read(path).ok()?;
        (key.len() == KEY_BYTES).then(|| hmac::Key::new(hmac::HMAC_SHA256, &key))
    }

    fn make_key(&self) -> std::io::Result<hmac::Key> {
        let random: [u8; KEY_BYTES] = rand::generate(&rand::SystemRandom::new())
            .map_err(|_| std::io::Error::other("no randomness to be had"))?
            .expose();
        let aside = self.directory.join(format!("{KEY_FILE}.{}", std::process::id()));
        private_file(&aside)?.write_all(&random)?;
        fs::rename(&aside, self.directory.join(KEY_FILE))?;
        Ok(hmac::Key::new(hmac::HMAC_SHA256, &random))
    }

    /// The file's name: a digest of the component and of the engine's compatibility.
    fn name(&self, component: &[u8]) -> String {
        let mut context = digest::Context::new(&digest::SHA256);
        context.update(&self.engine_hash);
        context.update(component);
        context.finish().as_ref().iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The key of one file, so that its tag covers its name as well.
fn file_key(key: &hmac::Key, name: &str) -> hmac::Key {
    hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(key, name.as_bytes()).as_ref())
}

/// Whether a path belongs to this user and is closed to all others.
fn is_private(path: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path)
        .is_ok_and(|found| !found.is_symlink() && found.uid() == user && found.mode() & 0o077 == 0)
}

fn private_file(path: &Path) -> std::io::Result<fs::File> {
    fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(path)
}

/// Turns whatever is hashed into a digest that does not depend on the process.
struct Collector(digest::Context);

impl Hasher for Collector {
    fn write(&mut self, bytes: &[u8]) {
        self.0.update(bytes);
    }

    fn finish(&self) -> u64 {
        0
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn what_was_used_last_is_kept() {
        let folder = tempfile::tempdir().expect("a folder can be made");
        let engine = wasmtime::Engine::default();
        let cache = Cache::new(folder.path().to_owned(), &engine);
        let now = SystemTime::now();
        for (name, age) in [("key", 9), ("old", 3), ("older", 4), ("new", 1), ("newest", 0)] {
            let file = fs::File::create(folder.path().join(name)).expect("a file can be made");
            file.set_len(10).expect("it can grow");
            let times = FileTimes::new().set_accessed(now - Duration::from_secs(age));
            file.set_times(times).expect("its times can be set");
        }
        for (most, left) in [
            (40, ["key", "new", "newest", "old", "older"].as_slice()),
            (30, &["key", "new", "newest", "old"]),
            (19, &["key", "newest"]),
            (0, &["key", "newest"]),
        ] {
            cache.prune("newest", most).expect("the folder is ours");
            let files = fs::read_dir(folder.path()).expect("the folder can be read");
            let name = |file: std::io::Result<fs::DirEntry>| file.expect("a file").file_name();
            let mut names: Vec<_> = files.map(name).collect();
            names.sort();
            assert_eq!(names, left, "{most}");
        }
    }
}
