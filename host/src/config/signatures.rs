//! How a configuration has messages signed: a plan signs with each of its keys and with no other.

use super::departure::departs;
use super::scalars::Scalars;
use crate::error::Result;
use crate::host::Host;
use crate::plan::{DkimSigner, TransportPlan};

/// The object `dkim`, without its keys.
#[derive(Debug)]
pub(super) struct Signatures {
    signers: Vec<Signer>,
    header_fields: Vec<String>,
    skip_fields: Vec<String>,
}

/// Who signs.
#[derive(Debug)]
struct Signer {
    /// Where the object of the key stands.
    object: String,
    domain: String,
    selector: String,
}

impl Signatures {
    /// Reads `dkim`.
    pub(super) fn read(scalars: &Scalars) -> Self {
        let mut indices: Vec<usize> = scalars
            .below("/dkim/keys")
            .filter_map(|(rest, _)| rest.split('/').next()?.parse().ok())
            .collect();
        indices.sort_unstable();
        indices.dedup();
        let mut objects: Vec<_> =
            indices.into_iter().map(|index| format!("/dkim/keys/{index}")).collect();
        if objects.is_empty() && scalars.text("/dkim/domainName").is_some() {
            objects.push("/dkim".to_owned());
        }
        let signer = |object: String| {
            let text = |key: &str| scalars.text(&format!("{object}/{key}")).unwrap_or_default();
            let (domain, selector) =
                (text("domainName").to_owned(), text("keySelector").to_owned());
            Signer { object, domain, selector }
        };
        Self {
            signers: objects.into_iter().map(signer).collect(),
            header_fields: names(scalars, "/dkim/headerFieldNames"),
            skip_fields: names(scalars, "/dkim/skipFields"),
        }
    }

    /// Refuses a plan that signs otherwise.
    pub(super) fn check(&self, plan: &TransportPlan) -> Result<()> {
        let planned = plan.dkim.as_ref();
        let signers = planned.map_or(&[][..], |dkim| &dkim.signers);
        if signers.len() < self.signers.len() {
            return Err(departs("dkim.signers", "leaves out a signature"));
        }
        if signers.len() > self.signers.len() {
            return Err(departs("dkim.signers", "adds a signature"));
        }
        for (declared, planned) in self.signers.iter().zip(signers) {
            declared.check(planned)?;
        }
        let Some(planned) = planned else { return Ok(()) };
        if planned.header_fields.as_deref().unwrap_or_default() != self.header_fields {
            return Err(departs("dkim.header-fields", "signs other header fields"));
        }
        match planned.skip_fields == self.skip_fields {
            true => Ok(()),
            false => Err(departs("dkim.skip-fields", "leaves other header fields unsigned")),
        }
    }
}

impl Signer {
    fn check(&self, planned: &DkimSigner) -> Result<()> {
        let Self { object, domain, selector } = self;
        if !is_same_name(domain, &planned.domain) {
            return Err(departs("dkim.signers", "signs for another domain"));
        }
        if *selector != planned.selector {
            return Err(departs("dkim.signers", "signs under another selector"));
        }
        let key = format!("{object}/privateKey");
        let in_pair = planned.private_key.0 == format!("{key}/key");
        let opens = planned.passphrase.as_ref();
        if !in_pair && planned.private_key.0 != key
            || opens.is_some_and(|place| !in_pair || place.0 != format!("{key}/passphrase"))
        {
            return Err(departs("dkim.signers", format!("signs with another key than `{key}`")));
        }
        Ok(())
    }
}

fn is_same_name(declared: &str, planned: &str) -> bool {
    let host = |name: &str| name.parse::<Host>().ok();
    declared == planned || host(declared).is_some_and(|name| Some(name) == host(planned))
}

/// Names that colons separate, in lower case.
fn names(scalars: &Scalars, pointer: &str) -> Vec<String> {
    let list = scalars.text(pointer).unwrap_or_default().split(':');
    list.map(|name| name.trim().to_ascii_lowercase()).filter(|name| !name.is_empty()).collect()
}

#[cfg(test)]
mod tests {
    use crate::config::SecretPaths;

    #[test]
    fn each_key_signs_in_order() {
        let keys: Vec<_> = (0..11)
            .map(|index| format!(r#"{{"domainName": "d{index}", "keySelector": "s{index}"}}"#))
            .collect();
        let keys = keys.join(",");
        for (text, expected) in [
            (r#"{"dkim": {}}"#.to_owned(), vec![]),
            (r#"{"dkim": {"domainName": "d", "keySelector": "s"}}"#.to_owned(), vec!["/dkim"]),
            (
                format!(r#"{{"dkim": {{"domainName": "d", "keys": [{keys}]}}}}"#),
                vec!["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10"],
            ),
            (format!(r#"{{"url": "smtp://h", "dkim": {{"keys": [{keys}]}}}}"#), vec![]),
        ] {
            let declared = SecretPaths::new([]).mask(&text).expect("the text is JSON").declared;
            let signers = &declared.signatures.signers;
            let found: Vec<_> = signers
                .iter()
                .map(|signer| signer.object.trim_start_matches("/dkim/keys/"))
                .collect();
            assert_eq!(found, expected, "{text}");
        }
    }
}
