//! The real component, which also searches its own memory for a secret after each call: it must
//! find none.
//!
//! The configuration's `spy` is the needle, in hexadecimal and each octet with its bits inverted,
//! so that neither the configuration nor the search puts it into memory. A find is the error
//! `secret-found`.

use smtp_connector_guest::Component as Real;
use smtp_connector_guest::bindings::exports::smtp_connector::contract as real;
use smtp_connector_guest::compose::Composer as RealComposer;
use smtp_connector_test_guests::text_at;

use real::connector::{Composer, Guest, GuestComposer, Report};
use real::description::Descriptor;
use real::diagnostics::{Diagnostic, Severity};
use real::messages::{ComposeError, Message, MessagePart, Request, TemplateProblem};

struct Spies {
    composer: RealComposer,
    needle: Needle,
}

impl Guest for Spies {
    type Composer = Self;

    fn describe() -> Descriptor {
        Real::describe()
    }

    fn check(configuration: String) -> Report {
        let needle = Needle::read(&configuration);
        let mut report = Real::check(configuration);
        if let Some(outcome) = &mut report.outcome {
            outcome.program = needle.join(&outcome.program);
        }
        if needle.search() {
            report.diagnostics.push(finding());
            report.outcome = None;
        }
        report
    }
}

impl GuestComposer for Spies {
    fn open(program: Vec<u8>) -> Result<Composer, String> {
        let (needle, program) = Needle::split(&program);
        let composer = RealComposer::open(program.to_vec())?;
        if needle.search() {
            Err("secret-found".to_owned())
        } else {
            Ok(Composer::new(Self { composer, needle }))
        }
    }

    fn compose(&self, request: Request) -> Result<Message, ComposeError> {
        let message = self.composer.compose(&request)?;
        if !self.needle.search() {
            return Ok(message);
        }
        let part = MessagePart::Subject;
        Err(ComposeError::Template(TemplateProblem {
            part,
            message: "secret-found".into(),
            line: None,
            column: None,
        }))
    }
}

fn finding() -> Diagnostic {
    Diagnostic {
        severity: Severity::Error,
        code: "secret-found".into(),
        path: String::new(),
        message: "the secret is in the memory of the component".into(),
        help: None,
        quotable: false,
    }
}

/// What to search for, its bits inverted.
struct Needle(Vec<u8>);

impl Needle {
    fn read(configuration: &str) -> Self {
        let digits = text_at(configuration, "/spy");
        let octets =
            digits.as_bytes().chunks(2).map(|pair| std::str::from_utf8(pair).unwrap_or_default());
        Self(
            octets
                .map(|pair| u8::from_str_radix(pair, 16).expect("the needle is hexadecimal"))
                .collect(),
        )
    }

    /// A program with the needle before it.
    fn join(&self, program: &[u8]) -> Vec<u8> {
        let length = u8::try_from(self.0.len()).expect("a short needle");
        [&[length], self.0.as_slice(), program].concat()
    }

    /// The needle and the program behind it.
    fn split(program: &[u8]) -> (Self, &[u8]) {
        let (needle, rest) = program[1..].split_at(program[0].into());
        (Self(needle.to_vec()), rest)
    }

    /// Whether the needle is anywhere in the linear memory, freed memory and stack included.
    fn search(&self) -> bool {
        let size = core::arch::wasm32::memory_size::<0>() << 16;
        let Some(last) = size.checked_sub(self.0.len()).filter(|_| !self.0.is_empty()) else {
            return false;
        };
        (1..last).any(|start| self.0.iter().zip(start..).all(|(&octet, at)| octet == !read(at)))
    }
}

fn read(address: usize) -> u8 {
    // SAFETY: the address is within the linear memory, all of which may be read; it is never zero.
    unsafe { std::ptr::read_volatile(std::ptr::without_provenance(address)) }
}

/// The contract's functions as the real component exports them, for `Spies` in its place.
///
/// The real bindings keep their `export!` to themselves, so this repeats what it would write.
mod exported {
    use super::Spies;
    use super::real::connector::{self as abi, Composer};

    #[unsafe(export_name = "smtp-connector:contract/connector@0.2.0#describe")]
    unsafe extern "C" fn describe() -> *mut u8 {
        unsafe { abi::_export_describe_cabi::<Spies>() }
    }

    #[unsafe(export_name = "cabi_post_smtp-connector:contract/connector@0.2.0#describe")]
    unsafe extern "C" fn free_described(returned: *mut u8) {
        unsafe { abi::__post_return_describe::<Spies>(returned) }
    }

    #[unsafe(export_name = "smtp-connector:contract/connector@0.2.0#check")]
    unsafe extern "C" fn check(text: *mut u8, length: usize) -> *mut u8 {
        unsafe { abi::_export_check_cabi::<Spies>(text, length) }
    }

    #[unsafe(export_name = "cabi_post_smtp-connector:contract/connector@0.2.0#check")]
    unsafe extern "C" fn free_checked(returned: *mut u8) {
        unsafe { abi::__post_return_check::<Spies>(returned) }
    }

    #[unsafe(export_name = "smtp-connector:contract/connector@0.2.0#[static]composer.open")]
    unsafe extern "C" fn open(text: *mut u8, length: usize) -> *mut u8 {
        unsafe { abi::_export_static_composer_open_cabi::<Spies>(text, length) }
    }

    #[unsafe(export_name = "cabi_post_smtp-connector:contract/connector@0.2.0#[static]composer.open")]
    unsafe extern "C" fn free_opened(returned: *mut u8) {
        unsafe { abi::__post_return_static_composer_open::<Spies>(returned) }
    }

    #[unsafe(export_name = "smtp-connector:contract/connector@0.2.0#[method]composer.compose")]
    unsafe extern "C" fn compose(arguments: *mut u8) -> *mut u8 {
        unsafe { abi::_export_method_composer_compose_cabi::<Spies>(arguments) }
    }

    #[unsafe(export_name = "cabi_post_smtp-connector:contract/connector@0.2.0#[method]composer.compose")]
    unsafe extern "C" fn free_composed(returned: *mut u8) {
        unsafe { abi::__post_return_method_composer_compose::<Spies>(returned) }
    }

    #[unsafe(export_name = "smtp-connector:contract/connector@0.2.0#[dtor]composer")]
    unsafe extern "C" fn drop_composer(composer: *mut u8) {
        unsafe { Composer::dtor::<Spies>(composer) }
    }
}
