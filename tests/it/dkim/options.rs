//! Signatures as far as the keys of `dkim` decide them. Whether they are valid is for verifiers to
//! say that others wrote: `dkim/real`.

use serde_json::{Value, json};
use smtp_connector::Delivery;
use smtp_connector_tests::peer::{Peer, Script};

use crate::helpers::proof::{check, plan};
use crate::helpers::tenant::{self, with};

const RSA: &str = include_str!("../../fixtures/keys/rsa.pem");
const ED25519: &str = include_str!("../../fixtures/keys/ed25519.pem");
const ENCRYPTED: &str = include_str!("../../fixtures/keys/ed25519-aes.pem");
const ELLIPTIC: &str = include_str!("../../fixtures/keys/ec.pem");

/// A key that signs, with these members besides or in place of its own.
fn key(members: &Value) -> Value {
    with(
        json!({ "domainName": "acme.test", "keySelector": "2026", "privateKey": ED25519 }),
        members,
    )
}

fn dkim(members: &Value) -> Value {
    json!({ "dkim": key(members) })
}

/// The fields before all others, unfolded, that sign a mail with these members of the
/// configuration.
async fn signatures(members: &Value) -> Vec<String> {
    let configuration = with(tenant::configuration(587), members);
    let mailer = tenant::mailer(&tenant::bundled().await, &configuration).await;
    let rendered = mailer.render(&tenant::sign_in("482913")).await.expect("a mail");
    let mail = String::from_utf8(rendered.bytes().to_vec()).expect("ASCII");
    let unfolded = mail.replace("\r\n ", "");
    let fields = unfolded.lines().map_while(|line| line.strip_prefix("DKIM-Signature: "));
    let signatures: Vec<_> = fields.map(str::to_owned).collect();
    assert_eq!(signatures.len(), unfolded.matches("DKIM-Signature").count(), "{mail}");
    signatures
}

/// The value of a tag in the one signature.
async fn tag(members: &Value, name: &str) -> String {
    let [signature] = &signatures(members).await[..] else { panic!("one signature: {members}") };
    read_tag(signature, name)
}

fn read_tag(signature: &str, name: &str) -> String {
    let found =
        signature.split(';').find_map(|tag| tag.trim().strip_prefix(name)?.strip_prefix('='));
    found.unwrap_or_else(|| panic!("no {name} in {signature}")).to_owned()
}

#[tokio::test]
pub(crate) async fn whole() {
    for nothing in [json!({}), json!({ "dkim": null }), json!({ "dkim": {} })] {
        assert!(signatures(&nothing).await.is_empty());
    }
    let [signature] = &signatures(&dkim(&json!({}))).await[..] else { panic!("one signature") };
    let names: Vec<_> =
        signature.split(';').filter_map(|tag| Some(tag.trim().split_once('=')?.0)).collect();
    assert_eq!(names, ["v", "a", "c", "d", "q", "s", "bh", "h", "b"]);
    assert_eq!(read_tag(signature, "c"), "relaxed/relaxed");
    let of_header =
        "from:subject:date:message-id:to:mime-version:content-type:content-transfer-encoding";
    assert_eq!(read_tag(signature, "h"), of_header);
    check([
        (dkim(&json!({ "privateKey": ELLIPTIC })), "error unusable-key /dkim/privateKey"),
        (dkim(&json!({ "privateKey": "no key" })), "error unusable-key /dkim/privateKey"),
        (json!({ "dkim": true }), "error wrong-type /dkim"),
    ])
    .await;
}

/// What is rendered is what each attempt sends.
#[tokio::test]
async fn a_message_is_signed_once() {
    let peer = Peer::start_all(vec![
        Script::offering(&[])
            .on("MAIL *", "250 ok\r\n")
            .on("RCPT *", "250 ok\r\n")
            .on("DATA", "354 go\r\n")
            .hear_any_content()
            .say("451 later\r\n")
            .quit(),
        Script::offering(&[]).takes_mail(),
    ]);
    let configuration =
        with(tenant::configuration(peer.port()), &dkim(&json!({ "privateKey": RSA })));
    let mailer = tenant::mailer(&tenant::bundled().await, &configuration).await;
    let rendered = mailer.render(&tenant::sign_in("482913")).await.expect("a mail");
    let receipt = mailer.submit(&rendered, &Delivery::default()).await.expect("acceptance");
    assert_eq!(receipt.attempts, 2);
    drop(mailer);
    let expected = [rendered.bytes(), b".\r\n"].concat();
    for recording in peer.finish().await {
        assert_eq!(recording.contents, [expected.as_slice()]);
    }
}

#[tokio::test]
pub(crate) async fn domain_name() {
    assert_eq!(tag(&dkim(&json!({})), "d").await, "acme.test");
    for name in ["Bücher.example", "xn--bcher-kva.example", "bücher.example."] {
        assert_eq!(tag(&dkim(&json!({ "domainName": name })), "d").await, "xn--bcher-kva.example");
    }
    check([
        (dkim(&json!({ "domainName": null })), "error missing-key /dkim/domainName"),
        (dkim(&json!({ "domainName": "acme.test; x=y" })), "error invalid-host /dkim/domainName"),
        (
            dkim(&json!({ "domainName": "acme.test\r\nBcc: x" })),
            "error invalid-host /dkim/domainName",
        ),
        (dkim(&json!({ "domainName": "192.0.2.1" })), "error invalid-host /dkim/domainName"),
        (dkim(&json!({ "domainName": "a\u{200d}.test" })), "error invalid-host /dkim/domainName"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn key_selector() {
    for name in ["2026", "mail.2026", "s_1"] {
        assert_eq!(tag(&dkim(&json!({ "keySelector": name })), "s").await, name);
    }
    check([
        (dkim(&json!({ "keySelector": "" })), "error missing-key /dkim/keySelector"),
        (dkim(&json!({ "keySelector": "a;b" })), "error invalid-value /dkim/keySelector"),
        (dkim(&json!({ "keySelector": "a\r\nb" })), "error invalid-value /dkim/keySelector"),
        (dkim(&json!({ "keySelector": 2026 })), "error wrong-type /dkim/keySelector"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn private_key() {
    let encrypted = |passphrase| json!({ "key": ENCRYPTED, "passphrase": passphrase });
    for (key, algorithm) in [
        (json!(RSA), "rsa-sha256"),
        (json!(ED25519), "ed25519-sha256"),
        (json!({ "key": ED25519 }), "ed25519-sha256"),
        (encrypted("pass phrase"), "ed25519-sha256"),
    ] {
        assert_eq!(tag(&dkim(&json!({ "privateKey": key })), "a").await, algorithm);
    }
    check([
        (dkim(&json!({ "privateKey": null })), "error missing-key /dkim/privateKey"),
        (
            dkim(&json!({ "privateKey": encrypted("wrong") })),
            "error wrong-passphrase /dkim/privateKey/passphrase",
        ),
        (
            dkim(&json!({ "privateKey": { "env": "KEY" } })),
            "error secret-source-not-allowed /dkim/privateKey",
        ),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn keys() {
    let second = key(&json!({ "domainName": "second.test", "privateKey": RSA }));
    let both = json!({ "dkim": { "keys": [key(&json!({})), second] } });
    let domains: Vec<_> =
        signatures(&both).await.iter().map(|signature| read_tag(signature, "d")).collect();
    assert_eq!(domains, ["acme.test", "second.test"]);
    let idle = dkim(&json!({ "keys": [key(&json!({ "domainName": "second.test" }))] }));
    assert_eq!(tag(&idle, "d").await, "second.test");
    let many = vec![key(&json!({})); 9];
    check([
        (json!({ "dkim": { "keys": many[1..] } }), ""),
        (json!({ "dkim": { "keys": many } }), "error too-complex /dkim/keys"),
        (json!({ "dkim": { "keys": [] } }), "error missing-key /dkim/keys"),
        (
            idle,
            "warning no-effect /dkim/domainName, warning no-effect /dkim/keySelector, \
             warning no-effect /dkim/privateKey",
        ),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn header_field_names() {
    let headers = json!({ "X-Tag": ["a", "b"], "List-Unsubscribe": "<https://acme.test/u>" });
    for (names, signed) in [
        (json!("From:To:X-Tag:X-None"), "from:to:x-tag"),
        (json!(" subject : FROM :from"), "subject:from"),
        (json!("To"), "from:to"),
        (
            json!(""),
            "from:subject:date:message-id:to:mime-version:content-type:\
             content-transfer-encoding:list-unsubscribe",
        ),
    ] {
        let members =
            with(dkim(&json!({ "headerFieldNames": names })), &json!({ "customHeaders": headers }));
        assert_eq!(tag(&members, "h").await, signed, "{names}");
    }
    check([
        (dkim(&json!({ "headerFieldNames": "To" })), "warning no-effect /dkim/headerFieldNames"),
        (
            dkim(&json!({ "headerFieldNames": "From:a b" })),
            "error invalid-header-name /dkim/headerFieldNames",
        ),
        (dkim(&json!({ "headerFieldNames": ["From"] })), "error wrong-type /dkim/headerFieldNames"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn skip_fields() {
    for (names, signed) in [
        ("Message-ID:date:MIME-Version", "from:subject:to:content-type:content-transfer-encoding"),
        (
            "From:Content-Transfer-Encoding",
            "from:subject:date:message-id:to:mime-version:content-type",
        ),
    ] {
        assert_eq!(tag(&dkim(&json!({ "skipFields": names })), "h").await, signed, "{names}");
    }
    check([(dkim(&json!({ "skipFields": "to:from" })), "warning no-effect /dkim/skipFields")])
        .await;
}

#[tokio::test]
pub(crate) async fn hash_algo() {
    for name in ["sha256", "SHA256", ""] {
        assert_eq!(tag(&dkim(&json!({ "hashAlgo": name })), "a").await, "ed25519-sha256");
    }
    check([
        (dkim(&json!({ "hashAlgo": "sha1" })), "error unsupported /dkim/hashAlgo"),
        (dkim(&json!({ "hashAlgo": 256 })), "error wrong-type /dkim/hashAlgo"),
    ])
    .await;
}

#[tokio::test]
pub(crate) async fn cache() {
    for key in ["cacheDir", "cacheTreshold"] {
        for value in [json!("/tmp"), json!(5), json!(true)] {
            check([(dkim(&json!({ key: value })), &format!("warning no-effect /dkim/{key}"))])
                .await;
        }
    }
    assert_eq!(
        plan(&dkim(&json!({ "cacheDir": false, "cacheTreshold": 0 }))).await["dkim"]["skipFields"],
        json!([])
    );
}
