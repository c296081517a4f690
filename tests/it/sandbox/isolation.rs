//! Tenants and messages do not meet: not in the component's memory, not in a template, not in the
//! cache of compiled components.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde_json::{Value, json};
use smtp_connector::{Connector, Engine, ErrorKind, Mailer, Rendered, Request};
use smtp_connector_tests::guests::Guest;
use tempfile::TempDir;

use crate::helpers::tenant::{bundled, configuration, engine, local, mailer, sign_in, templates};

#[tokio::test]
async fn kept_instances_give_the_same_messages_as_fresh_ones() {
    let connector = bundled().await;
    for example in &connector.descriptor().examples {
        let configuration = example.configuration.to_string();
        let Ok(fresh) = connector.configure(&configuration).await else { continue };
        let kept = connector.configure_with(&configuration, &local().keep_instances(2)).await;
        let kept = kept.expect("it is configured as the other one");
        for (number, usage_type) in
            ["SignIn", "Register", "ForgotPassword", "Generic", "Other"].iter().enumerate()
        {
            let payload = json!({
                "code": number.to_string(), "user": { "name": "Ada & <Co>" }, "locale": "fr",
            });
            let request = Request::new(*usage_type, "user@example.com").payload(payload);
            let messages = [render(&fresh, &request).await, render(&kept, &request).await];
            // A placeholder in angle brackets is no address; both must say so.
            assert_eq!(messages[0], messages[1], "{} {usage_type}", example.id);
        }
    }
}

#[tokio::test]
async fn a_message_leaves_nothing_in_memory_for_the_next() {
    const CODE: &str = "n33dle-Zq7x-Wv";
    let spy = engine().load(&Guest::Spies.bytes()).await.expect("the component is admitted");
    let mut configuration = configuration(587);
    let inverted: String = CODE.bytes().map(|byte| format!("{:02x}", !byte)).collect();
    configuration["spy"] = json!(inverted);
    for (kept, remains) in [(0, false), (2, true)] {
        let options = local().keep_instances(kept);
        let mailer = spy.configure_with(&configuration.to_string(), &options).await;
        let mailer = mailer.expect("the configuration is sound");
        mailer.render(&sign_in("482913")).await.expect("the code is not there yet");
        // Told so often that the next message cannot overwrite all of it.
        let payload = json!({ "code": CODE, "user": { "names": vec![CODE; 100] } });
        let request = Request::new("SignIn", "user@example.com").payload(payload);
        let error = mailer.render(&request).await.expect_err("it is there while it is rendered");
        assert_eq!(
            (error.kind(), error.to_string().contains("secret-found")),
            (ErrorKind::Template, true)
        );
        // The second row shows that the first one can fail.
        assert_eq!(mailer.render(&sign_in("482913")).await.is_err(), remains, "{kept} are kept");
    }
}

#[tokio::test]
async fn a_component_cannot_tell_one_users_code_to_another() {
    let connector = engine().load(&Guest::Remembers.bytes()).await.expect("it is admitted");
    let configuration = configuration(587).to_string();
    for (kept, told) in [(0, String::new()), (2, r#"{"code":"111111"}"#.to_owned())] {
        let options = local().keep_instances(kept);
        let mailer = connector.configure_with(&configuration, &options).await;
        let mailer = mailer.expect("the configuration is sound");
        mailer.render(&sign_in("111111")).await.expect("it renders");
        let next = mailer.render(&sign_in("222222")).await.expect("it renders");
        // The second row shows that the first one can fail.
        assert_eq!(next.message.text, Some(told), "{kept} are kept");
    }
}

#[tokio::test]
async fn two_tenants_never_see_each_others_templates() {
    let connector = bundled().await;
    let tenants = ["Acme", "Umbrella"].map(|name| {
        let mut configuration = configuration(587);
        configuration["templates"] = templates(&format!("{name} {{{{code}}}}"));
        configuration["fromEmail"] =
            json!(format!("{name} <no-reply@{}.test>", name.to_lowercase()));
        (name, configuration)
    });
    for kept in [0, 2] {
        let mut mailers = Vec::new();
        for (name, configuration) in &tenants {
            let options = local().keep_instances(kept);
            let mailer = connector.configure_with(&configuration.to_string(), &options).await;
            mailers.push((*name, mailer.expect("the configuration is sound")));
        }
        for round in 0..20 {
            let code = round.to_string();
            let request = sign_in(&code);
            let (first, second) =
                tokio::join!(mailers[0].1.render(&request), mailers[1].1.render(&request));
            for ((name, _), rendered) in mailers.iter().zip([first, second]) {
                let message = rendered.expect("it renders").message;
                assert_eq!(message.text, Some(format!("{name} {code}")));
                assert_eq!(message.from.name.as_deref(), Some(*name));
            }
        }
    }
}

#[tokio::test]
async fn a_compiled_component_is_found_by_the_next_engine() {
    let cache = Cache::new();
    let check_bundled = async || {
        let connector = cache.engine().bundled().await.expect("the bundled component loads");
        check_renders(&connector, "482913").await;
    };
    check_bundled().await;
    let files = cache.files();
    assert_eq!(files.len(), 2, "a key and a component: {files:?}");
    assert!(files.iter().all(|file| mode(file) == 0o600) && mode(&cache.path()) == 0o700);
    let written = cache.written();
    check_bundled().await;
    assert_eq!((cache.files(), cache.written()), (files, written), "nothing is written again");
}

#[tokio::test]
async fn each_component_has_a_file_of_its_own() {
    let cache = Cache::new();
    cache.check_works().await;
    let engine = cache.engine();
    engine.load(&Guest::Traps.bytes()).await.expect("the component is admitted");
    assert_eq!(cache.files().len(), 3);
    let error = engine.load(&Guest::ImportsSockets.bytes()).await.expect_err("it imports sockets");
    assert!(error.to_string().contains("wasi:sockets"), "{error}");
    assert_eq!(cache.files().len(), 3, "what is refused is not compiled");
}

#[tokio::test]
async fn a_file_with_a_flipped_bit_is_not_run_but_made_anew() {
    let cache = Cache::new();
    cache.check_works().await;
    let component = cache.component();
    let sound = fs::read(&component).expect("the file can be read");
    for place in [0, 31, 32, sound.len() / 2, sound.len() - 1] {
        let mut damaged = sound.clone();
        damaged[place] ^= 1;
        check_made_anew(&cache, &component, &damaged).await;
    }
    for length in [0, 31, 32, sound.len() - 1] {
        check_made_anew(&cache, &component, &sound[..length]).await;
    }
}

#[tokio::test]
async fn a_file_under_another_name_is_not_run() {
    let cache = Cache::new();
    cache.check_works().await;
    let echo = cache.component();
    cache.engine().load(&Guest::Traps.bytes()).await.expect("the component is admitted");
    let mut others =
        cache.files().into_iter().filter(|file| *file != echo && !file.ends_with("key"));
    let traps = others.next().expect("there is a second component");
    check_made_anew(&cache, &echo, &fs::read(traps).expect("the file can be read")).await;
}

#[tokio::test]
async fn a_cache_that_is_open_to_others_is_not_used() {
    for open in [0o777, 0o750, 0o701] {
        let cache = Cache::new();
        fs::create_dir(cache.path()).expect("the folder can be made");
        set_mode(&cache.path(), open);
        cache.check_works().await;
        assert_eq!(cache.files(), Vec::<PathBuf>::new(), "{open:o}");
    }
    let cache = Cache::new();
    cache.check_works().await;
    set_mode(&cache.path().join("key"), 0o644);
    let written = cache.written();
    cache.check_works().await;
    assert_ne!(cache.written(), written, "a key that others can read signs nothing");
    assert_eq!(mode(&cache.path().join("key")), 0o600);
}

#[tokio::test]
async fn a_cache_behind_a_link_or_in_no_folder_is_not_used() {
    let target = Cache::new();
    target.check_works().await;
    let (files, written) = (target.files(), target.written());
    let cache = Cache::new();
    std::os::unix::fs::symlink(target.path(), cache.path()).expect("the link can be made");
    cache.check_works().await;
    assert_eq!((target.files(), target.written()), (files, written));
    let engine =
        Engine::builder().cache_directory("/dev/null/cache").build().expect("the engine works");
    engine.load(&Guest::Echo.bytes()).await.expect("the component is compiled instead");
}

/// A folder for compiled components that is not there yet.
struct Cache(TempDir);

impl Cache {
    fn new() -> Self {
        Self(tempfile::tempdir().expect("a folder can be made"))
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("cache")
    }

    fn engine(&self) -> Engine {
        Engine::builder()
            .cache_directory(self.path())
            .build()
            .expect("this machine runs WebAssembly")
    }

    /// Loads a component that is soon compiled with a new engine, and renders.
    async fn check_works(&self) {
        let connector = self.engine().load(&Guest::Echo.bytes()).await;
        let connector = connector.expect("the component is admitted");
        check_renders(&connector, r#"{"code":"482913"}"#).await;
    }

    fn files(&self) -> Vec<PathBuf> {
        let listing = fs::read_dir(self.path()).expect("the folder can be listed");
        let mut files: Vec<_> =
            listing.map(|file| file.expect("the folder can be listed").path()).collect();
        files.sort();
        files
    }

    /// The only compiled component.
    fn component(&self) -> PathBuf {
        let mut components = self.files().into_iter().filter(|file| !file.ends_with("key"));
        components.next().expect("a component is compiled")
    }

    fn written(&self) -> Vec<SystemTime> {
        let time = |file: PathBuf| fs::metadata(file).and_then(|file| file.modified());
        self.files().into_iter().map(|file| time(file).expect("the file has a time")).collect()
    }
}

async fn check_renders(connector: &Connector, text: &str) {
    let mailer = mailer(connector, &configuration(587)).await;
    let rendered = mailer.render(&sign_in("482913")).await.expect("it renders");
    assert_eq!(rendered.message.text.as_deref(), Some(text));
}

async fn check_made_anew(cache: &Cache, file: &Path, content: &[u8]) {
    fs::write(file, content).expect("the file can be written");
    cache.check_works().await;
    let renewed = fs::read(file).expect("the file can be read");
    assert!(renewed != content, "{} bytes were taken for the component", content.len());
    let files = cache.files();
    cache.check_works().await;
    assert_eq!(fs::read(file).expect("the file can be read"), renewed, "the new file is found");
    assert_eq!(cache.files(), files);
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).expect("the path is there").permissions().mode() & 0o777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).expect("the mode can be set");
}

/// The message, or the error.
async fn render(mailer: &Mailer, request: &Request) -> Result<Value, String> {
    let rendered = mailer.render(request).await;
    rendered.map(|Rendered { message, .. }| json!(message)).map_err(|error| error.to_string())
}
