//! In which order the addresses of an endpoint are tried: the one that answered last, then the two
//! families in turn (RFC 8305 §4), so that a family without a way costs one head start.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::plan::Endpoint;

/// Which address of each endpoint answered last, for the few endpoints of one configuration.
#[derive(Debug, Clone, Default)]
pub(crate) struct LastGood(Arc<Mutex<HashMap<Endpoint, SocketAddr>>>);

impl LastGood {
    /// Notes that an address has answered.
    pub(super) fn note(&self, endpoint: &Endpoint, address: SocketAddr) {
        let mut known = self.known();
        if known.get(endpoint) != Some(&address) {
            known.insert(endpoint.clone(), address);
        }
    }

    /// The addresses in the order in which they are to be tried.
    pub(super) fn order(
        &self,
        endpoint: &Endpoint,
        mut addresses: Vec<SocketAddr>,
    ) -> Vec<SocketAddr> {
        let good = self.known().get(endpoint).copied();
        if let Some(at) = addresses.iter().position(|address| Some(*address) == good) {
            addresses[..=at].rotate_right(1);
        }
        alternating(addresses)
    }

    fn known(&self) -> MutexGuard<'_, HashMap<Endpoint, SocketAddr>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The addresses with the families in turn, that of the first address first.
fn alternating(addresses: Vec<SocketAddr>) -> Vec<SocketAddr> {
    let Some(first) = addresses.first().map(SocketAddr::is_ipv4) else { return addresses };
    let count = addresses.len();
    let (own, other): (Vec<_>, Vec<_>) =
        addresses.into_iter().partition(|address| address.is_ipv4() == first);
    let (mut own, mut other) = (own.into_iter(), other.into_iter());
    let mut ordered = Vec::with_capacity(count);
    while ordered.len() < count {
        ordered.extend(own.next());
        ordered.extend(other.next());
    }
    ordered
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Addresses by their last digit: small letters are IPv6.
    fn addresses(letters: &str) -> Vec<SocketAddr> {
        let address = |letter: char| match letter.is_lowercase() {
            true => format!("[2001:db8::{:x}]:25", u32::from(letter)).parse(),
            false => format!("192.0.2.{}:25", u32::from(letter)).parse(),
        };
        letters.chars().map(|letter| address(letter).expect("an address")).collect()
    }

    #[test]
    fn families_take_turns_and_the_last_good_address_goes_first() {
        let cases = [
            ("", "", ""),
            ("A", "", "A"),
            ("ABC", "", "ABC"),
            ("abC", "", "aCb"),
            ("abcABC", "", "aAbBcC"),
            ("ABabcd", "", "AaBbcd"),
            ("abcABC", "B", "BaAbCc"),
            ("abcABC", "b", "bAaBcC"),
            ("abc", "b", "bac"),
            ("abcABC", "X", "aAbBcC"),
        ];
        let endpoint = Endpoint { host: "mx.test".parse().expect("a host"), port: 25 };
        for (resolved, good, expected) in cases {
            let last_good = LastGood::default();
            addresses(good).into_iter().for_each(|good| last_good.note(&endpoint, good));
            let ordered = last_good.order(&endpoint, addresses(resolved));
            assert_eq!(ordered, addresses(expected), "{resolved} {good}");
        }
    }
}
