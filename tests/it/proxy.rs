//! The way through a proxy: the scripts here play it.

mod hostile;
pub(crate) mod options;
mod real;
mod session;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use smtp_connector_tests::peer::Script;

/// Hears a request for a tunnel to this target, with this login.
pub(crate) fn connect(script: Script, target: &str, login: Option<&str>) -> Script {
    let head = script.hear(&format!("CONNECT {target} HTTP/1.1")).hear(&format!("Host: {target}"));
    match login {
        Some(login) => {
            head.hear(&format!("Proxy-Authorization: Basic {}", STANDARD.encode(login))).hear("")
        }
        None => head.hear(""),
    }
}

/// The request of SOCKS 5 for a name, after the choice of a method.
pub(crate) fn socks5_request(name: &str, port: u16) -> Vec<u8> {
    let mut octets = vec![5, 1, 0, 3, u8::try_from(name.len()).expect("a short name")];
    octets.extend(name.bytes());
    octets.extend(port.to_be_bytes());
    octets
}

pub(crate) fn socks5(login: Option<(&str, &str)>) -> Script {
    let Some((user, password)) = login else {
        return Script::new().hear_octets([5, 1, 0]).say([5, 0]);
    };
    let length = |text: &str| u8::try_from(text.len()).expect("a short text");
    let asked = Script::new().hear_octets([5, 2, 0, 2]).say([5, 2]);
    let mut octets = vec![1, length(user)];
    octets.extend(user.bytes());
    octets.push(length(password));
    octets.extend(password.bytes());
    asked.hear_octets(octets)
}

/// The answer of SOCKS 5 with this code, from an unspecified address.
pub(crate) fn answer(code: u8) -> [u8; 10] {
    [5, code, 0, 1, 0, 0, 0, 0, 0, 0]
}
