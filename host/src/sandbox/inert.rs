//! What a component's runtime may import, linked so that it leads nowhere: no variable, no
//! argument, no file, no time, no randomness, no way out. `wit/tolerated` states what each means.

use std::sync::{Arc, Mutex, PoisonError};

use wasmtime::component::{HasData, Linker, Resource, ResourceTable};
use wasmtime_wasi::filesystem::{WasiFilesystem, WasiFilesystemCtx, WasiFilesystemCtxView};
use wasmtime_wasi::p2::bindings::cli::{
    environment, exit, stderr, stdin, stdout, terminal_input, terminal_output, terminal_stderr,
    terminal_stdin, terminal_stdout,
};
use wasmtime_wasi::p2::bindings::clocks::{monotonic_clock, wall_clock};
use wasmtime_wasi::p2::bindings::{filesystem, io, random};
use wasmtime_wasi::p2::pipe::{ClosedInputStream, SinkOutputStream};
use wasmtime_wasi::p2::{
    DynInputStream, DynOutputStream, DynPollable, OutputStream, Pollable, StreamResult, subscribe,
};
use wasmtime_wasi::{I32Exit, async_trait};

use super::instance::State;

/// The interfaces that are linked, at any 0.2 version of WASI.
const INTERFACES: [&str; 20] = [
    "wasi:cli/environment",
    "wasi:cli/exit",
    "wasi:cli/stderr",
    "wasi:cli/stdin",
    "wasi:cli/stdout",
    "wasi:cli/terminal-input",
    "wasi:cli/terminal-output",
    "wasi:cli/terminal-stderr",
    "wasi:cli/terminal-stdin",
    "wasi:cli/terminal-stdout",
    "wasi:clocks/monotonic-clock",
    "wasi:clocks/wall-clock",
    "wasi:filesystem/preopens",
    "wasi:filesystem/types",
    "wasi:io/error",
    "wasi:io/poll",
    "wasi:io/streams",
    "wasi:random/insecure",
    "wasi:random/insecure-seed",
    "wasi:random/random",
];

/// How far the clock goes at each call, in nanoseconds. A clock that stands still stops runtimes
/// that wait for it to move.
const TICK: u64 = 1_000;

/// The most octets that one call for randomness gives: what seeds any hash table, and bounds what
/// a component can make the host build.
const MAX_RANDOM: u64 = 64 << 10;

/// How much of what a component says on its standard error is kept: a panic message.
const MAX_LAST_WORDS: usize = 2048;

/// Whether an import's name is one of the interfaces that lead nowhere.
pub(super) fn is_inert(name: &str) -> bool {
    let (interface, version) = name.split_once('@').unwrap_or((name, ""));
    INTERFACES.contains(&interface) && version.starts_with("0.2.")
}

/// What an instance finds behind its imports.
#[derive(Default)]
pub(super) struct Inert {
    table: ResourceTable,
    files: WasiFilesystemCtx,
    clock: u64,
    random: u64,
    last_words: LastWords,
}

impl Inert {
    /// What the component said last on its standard error, in one line.
    pub(super) fn last_words(&self) -> String {
        self.last_words.text()
    }

    fn files(state: &mut State) -> WasiFilesystemCtxView<'_> {
        WasiFilesystemCtxView { ctx: &mut state.inert.files, table: &mut state.inert.table }
    }

    /// The next number of a sequence that is the same for every instance (`SplitMix64`).
    fn next_random(&mut self) -> u64 {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (self.random ^ (self.random >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn random_octets(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        if length > MAX_RANDOM {
            return Err(wasmtime::Error::msg("more randomness than the sandbox gives at once"));
        }
        let words = std::iter::repeat_with(|| self.next_random().to_le_bytes());
        Ok(words.flatten().take(length as usize).collect())
    }

    fn output(&mut self, stream: impl OutputStream) -> wasmtime::Result<Resource<DynOutputStream>> {
        let stream: DynOutputStream = Box::new(stream);
        Ok(self.table.push(stream)?)
    }

    /// A wait that is over.
    fn no_wait(&mut self) -> wasmtime::Result<Resource<DynPollable>> {
        let ready = self.table.push(Ready)?;
        subscribe(&mut self.table, ready)
    }
}

/// Links every interface, one by one.
pub(super) fn linker(engine: &wasmtime::Engine) -> wasmtime::Result<Linker<State>> {
    let mut linker = Linker::new(engine);
    let l = &mut linker;
    io::error::add_to_linker::<State, Table>(l, |state| &mut state.inert.table)?;
    io::poll::add_to_linker::<State, Table>(l, |state| &mut state.inert.table)?;
    io::streams::add_to_linker::<State, Table>(l, |state| &mut state.inert.table)?;
    filesystem::preopens::add_to_linker::<State, WasiFilesystem>(l, Inert::files)?;
    filesystem::types::add_to_linker::<State, WasiFilesystem>(l, Inert::files)?;
    monotonic_clock::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    wall_clock::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    random::insecure::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    random::insecure_seed::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    random::random::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    environment::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    exit::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    stderr::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    stdin::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    stdout::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    terminal_input::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    terminal_output::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    terminal_stderr::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    terminal_stdin::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    terminal_stdout::add_to_linker::<State, Inert>(l, |state| &mut state.inert)?;
    Ok(linker)
}

/// Where `wasi:io` finds its resources.
struct Table;

impl HasData for Table {
    type Data<'a> = &'a mut ResourceTable;
}

impl HasData for Inert {
    type Data<'a> = &'a mut Self;
}

impl environment::Host for Inert {
    fn get_environment(&mut self) -> wasmtime::Result<Vec<(String, String)>> {
        Ok(Vec::new())
    }

    fn get_arguments(&mut self) -> wasmtime::Result<Vec<String>> {
        Ok(Vec::new())
    }

    fn initial_cwd(&mut self) -> wasmtime::Result<Option<String>> {
        Ok(None)
    }
}

impl exit::Host for Inert {
    fn exit(&mut self, status: Result<(), ()>) -> wasmtime::Result<()> {
        Err(I32Exit(i32::from(status.is_err())).into())
    }

    fn exit_with_code(&mut self, code: u8) -> wasmtime::Result<()> {
        Err(I32Exit(code.into()).into())
    }
}

impl stdin::Host for Inert {
    fn get_stdin(&mut self) -> wasmtime::Result<Resource<DynInputStream>> {
        let stream: DynInputStream = Box::new(ClosedInputStream);
        Ok(self.table.push(stream)?)
    }
}

impl stdout::Host for Inert {
    fn get_stdout(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(SinkOutputStream)
    }
}

impl stderr::Host for Inert {
    fn get_stderr(&mut self) -> wasmtime::Result<Resource<DynOutputStream>> {
        self.output(self.last_words.clone())
    }
}

impl terminal_input::Host for Inert {}

impl terminal_input::HostTerminalInput for Inert {
    fn drop(&mut self, input: Resource<terminal_input::TerminalInput>) -> wasmtime::Result<()> {
        self.table.delete(input)?;
        Ok(())
    }
}

impl terminal_output::Host for Inert {}

impl terminal_output::HostTerminalOutput for Inert {
    fn drop(&mut self, output: Resource<terminal_output::TerminalOutput>) -> wasmtime::Result<()> {
        self.table.delete(output)?;
        Ok(())
    }
}

impl terminal_stdin::Host for Inert {
    fn get_terminal_stdin(
        &mut self,
    ) -> wasmtime::Result<Option<Resource<terminal_stdin::TerminalInput>>> {
        Ok(None)
    }
}

impl terminal_stdout::Host for Inert {
    fn get_terminal_stdout(
        &mut self,
    ) -> wasmtime::Result<Option<Resource<terminal_stdout::TerminalOutput>>> {
        Ok(None)
    }
}

impl terminal_stderr::Host for Inert {
    fn get_terminal_stderr(
        &mut self,
    ) -> wasmtime::Result<Option<Resource<terminal_stderr::TerminalOutput>>> {
        Ok(None)
    }
}

impl monotonic_clock::Host for Inert {
    fn now(&mut self) -> wasmtime::Result<monotonic_clock::Instant> {
        self.clock += TICK;
        Ok(self.clock)
    }

    fn resolution(&mut self) -> wasmtime::Result<monotonic_clock::Duration> {
        Ok(TICK)
    }

    fn subscribe_instant(
        &mut self,
        when: monotonic_clock::Instant,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.clock = self.clock.max(when);
        self.no_wait()
    }

    fn subscribe_duration(
        &mut self,
        duration: monotonic_clock::Duration,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        self.clock = self.clock.saturating_add(duration);
        self.no_wait()
    }
}

impl wall_clock::Host for Inert {
    fn now(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 0, nanoseconds: 0 })
    }

    fn resolution(&mut self) -> wasmtime::Result<wall_clock::Datetime> {
        Ok(wall_clock::Datetime { seconds: 1, nanoseconds: 0 })
    }
}

impl random::random::Host for Inert {
    fn get_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_octets(length)
    }

    fn get_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.next_random())
    }
}

impl random::insecure::Host for Inert {
    fn get_insecure_random_bytes(&mut self, length: u64) -> wasmtime::Result<Vec<u8>> {
        self.random_octets(length)
    }

    fn get_insecure_random_u64(&mut self) -> wasmtime::Result<u64> {
        Ok(self.next_random())
    }
}

impl random::insecure_seed::Host for Inert {
    fn insecure_seed(&mut self) -> wasmtime::Result<(u64, u64)> {
        Ok((0, 0))
    }
}

/// What is always ready.
struct Ready;

#[async_trait]
impl Pollable for Ready {
    async fn ready(&mut self) {}
}

/// What a component said last on its standard error, such as a panic message.
#[derive(Clone, Default)]
struct LastWords(Arc<Mutex<Vec<u8>>>);

impl LastWords {
    fn append(&self, bytes: &[u8]) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        kept.extend_from_slice(&bytes[bytes.len().saturating_sub(MAX_LAST_WORDS)..]);
        let surplus = kept.len().saturating_sub(MAX_LAST_WORDS);
        kept.drain(..surplus);
    }

    fn text(&self) -> String {
        let kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let text = String::from_utf8_lossy(&kept);
        let lines = text.split(char::is_control).filter(|line| !line.trim().is_empty());
        lines.collect::<Vec<_>>().join(" ")
    }
}

impl OutputStream for LastWords {
    fn write(&mut self, bytes: bytes::Bytes) -> StreamResult<()> {
        self.append(&bytes);
        Ok(())
    }

    fn flush(&mut self) -> StreamResult<()> {
        Ok(())
    }

    fn check_write(&mut self) -> StreamResult<usize> {
        Ok(4096)
    }
}

#[async_trait]
impl Pollable for LastWords {
    async fn ready(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_interface_is_inert_by_its_name_and_version() {
        let rows = [
            ("wasi:cli/stderr@0.2.6", true),
            ("wasi:cli/stderr@0.2.99", true),
            ("wasi:clocks/monotonic-clock@0.2.0", true),
            ("wasi:cli/stderr@0.3.0", false),
            ("wasi:cli/stderr@0.20.0", false),
            ("wasi:cli/stderr", false),
            ("wasi:cli/run@0.2.6", false),
            ("wasi:sockets/tcp@0.2.6", false),
            ("wasi:http/outgoing-handler@0.2.6", false),
        ];
        for (name, expected) in rows {
            assert_eq!(is_inert(name), expected, "{name}");
        }
    }

    #[test]
    fn the_world_of_what_is_tolerated_lists_exactly_what_is_linked() {
        let world = include_str!("../../wit/tolerated/world.wit");
        let imports = world.lines().filter_map(|line| line.trim().strip_prefix("import "));
        let mut listed: Vec<_> = imports.filter_map(|import| import.split('@').next()).collect();
        listed.sort_unstable();
        assert_eq!(listed, INTERFACES);
    }

    #[test]
    fn time_and_randomness_are_the_same_for_every_instance() {
        use monotonic_clock::Host as _;
        let mut instances = [Inert::default(), Inert::default()];
        let told = instances.each_mut().map(|inert| {
            let octets = inert.random_octets(12).expect("a few octets");
            (inert.now().expect("a time"), inert.next_random(), octets)
        });
        assert_eq!(told[0], told[1]);
        assert_eq!(told[0].2.len(), 12);
        assert!(instances[0].now().expect("a time") > told[0].0);
        assert!(instances[0].random_octets(MAX_RANDOM + 1).is_err());
    }

    #[test]
    fn last_words_are_the_end_of_what_was_said() {
        let words = LastWords::default();
        words.append(&[b'x'; 3 * MAX_LAST_WORDS]);
        words.append(b"panicked at\n  'it'\n");
        let text = words.text();
        assert!(text.len() <= MAX_LAST_WORDS && text.ends_with("panicked at   'it'"), "{text}");
    }
}
