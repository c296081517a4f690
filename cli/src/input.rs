//! What the arguments name: files, the standard input, payloads and templates; bounded before they
//! are read.

use std::io::Read;
use std::path::Path;

use zeroize::Zeroizing;

use super::arguments::MessageArguments;
use super::failure::{Failure, Problem};
use smtp_connector::{Diagnostic, Error, ErrorKind, Limits, Request, TemplateOverride};

/// The text of a configuration, and what it is called in reports.
pub(super) struct Config {
    pub(super) name: String,
    pub(super) text: Zeroizing<String>,
}

impl Config {
    /// Reads CONFIG: a file, or `-` for the standard input.
    pub(super) fn read(path: &Path) -> Result<Self, Failure> {
        let bytes = if is_standard_input(path) {
            bounded(std::io::stdin().lock(), "the standard input")?
        } else {
            file(path)?
        };
        // Some editors begin a file with a byte order mark, which is no part of the JSON.
        let text = bytes.strip_prefix("\u{feff}".as_bytes()).unwrap_or(&bytes);
        match std::str::from_utf8(text) {
            Ok(text) => Ok(Self { name: config_name(path), text: text.to_owned().into() }),
            Err(error) => {
                let at = error.valid_up_to();
                let message =
                    format!("the configuration is not UTF-8: byte {at} begins no character");
                let diagnostic = Diagnostic::error("", "not-utf8", message)
                    .with_help("save the file in the encoding UTF-8");
                Err(Error::configuration(vec![diagnostic]).into())
            }
        }
    }
}

/// What CONFIG is called in reports.
pub(super) fn config_name(path: &Path) -> String {
    if is_standard_input(path) { "standard input".to_owned() } else { path.display().to_string() }
}

/// Whether a path stands for the standard input.
pub(super) fn is_standard_input(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// Reads the request that the arguments describe.
pub(super) fn request(arguments: &MessageArguments) -> Result<Request, Failure> {
    let mut request = Request::new(&arguments.usage_type, &arguments.to)
        .payload_text(payload(&arguments.payload)?);
    if let Some(locale) = &arguments.locale {
        request = request.locale(locale);
    }
    if let Some(path) = &arguments.template {
        request = request.template(template(path)?);
    }
    Ok(request)
}

fn payload(argument: &str) -> Result<String, Failure> {
    let Some(path) = argument.strip_prefix('@') else {
        return Ok(argument.to_owned());
    };
    let bytes = file(Path::new(path))?;
    std::str::from_utf8(&bytes).map(str::to_owned).map_err(|_| {
        Error::new(ErrorKind::Payload, format!("the payload in `{path}` is not UTF-8")).into()
    })
}

fn template(path: &Path) -> Result<TemplateOverride, Failure> {
    let text = file(path)?;
    serde_json::from_slice(&text).map_err(|error| {
        let message = format!("`{}` holds no template: {error}", path.display());
        let hint = "expected a JSON object with `subject` and `content`, and maybe \
                    `contentType`, `replyTo`, `sendFrom`";
        Error::new(ErrorKind::Template, message).with_hint(hint).into()
    })
}

fn file(path: &Path) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let name = format!("`{}`", path.display());
    let open = std::fs::File::open(path).map_err(|error| unreadable(&name, &error))?;
    bounded(open, &name)
}

/// Reads to the end, and one byte past the largest input at most, so that whoever checks the size
/// sees it.
fn bounded(source: impl Read, name: &str) -> Result<Zeroizing<Vec<u8>>, Problem> {
    let most = Limits::default().configuration_bytes as u64 + 1;
    let mut bytes = Zeroizing::default();
    source.take(most).read_to_end(&mut *bytes).map_err(|error| unreadable(name, &error))?;
    Ok(bytes)
}

/// The failure to read what people call `name`.
pub(super) fn unreadable(name: &str, error: &std::io::Error) -> Problem {
    Problem::input(format!("cannot read {name}: {error}"))
}
