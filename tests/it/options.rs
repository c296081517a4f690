//! Every option of OPTIONS.md, row by row: each row of its tables has a test that fails where the
//! row no longer tells the truth, and the registry below fails where a row has no test, or a test
//! no row.

mod authentication;
mod connections;
mod deadlines;
mod dkim;
mod document;
mod encryption;
mod keys;
mod log;
mod message;
mod oauth2;
mod proof;
mod proxies;
mod server;
mod services;
mod starttls;
mod tls;

use std::collections::BTreeSet;
use std::process::Command;

/// Makes the registry: for each section its rows, by the first cell, and for each row its test.
macro_rules! rows {
    ($($section:literal { $($row:literal => $test:path,)+ })+) => {
        const ROWS: &[(&str, &str, &str)] = &[$($({
            let _: fn() = $test;
            ($section, $row, stringify!($test))
        }),+),+];
    };
}

// The keys are those of the document, however long.
#[rustfmt::skip]
rows! {
    "Where the server is" {
        "`host`" => server::host,
        "`port`" => server::port,
        "`secure`" => server::secure,
        "`service`" => services::service,
        "`service`" => services::service_and_keys_beside_it,
        "`url`" => server::url,
        "`url`" => server::url_refused,
        "`localAddress`" => server::local_address,
        "`name`" => server::name,
        "`proxy`" => server::proxy,
        "`lmtp`" => server::lmtp,
        "`allowInternalNetworkInterfaces`, `dnsTtl`" => server::resolver,
        "`socket`, `connection`, `secured`, `getSocket`" => server::sockets,
        "`sendmail`, `streamTransport`, `jsonTransport`, `SES`" => server::other_transports,
    }
    "Proxies" {
        "`http://…`" => proxies::http,
        "`https://…`" => proxies::https,
        "`socks4://…`" => proxies::socks4,
        "`socks4a://…`" => proxies::socks4a,
        "`socks5://…`, `socks://…`" => proxies::socks5_and_socks,
    }
    "Encryption" {
        "`requireTLS`" => encryption::require_tls,
        "`ignoreTLS`" => encryption::ignore_tls,
        "`opportunisticTLS`" => encryption::opportunistic_tls,
        "none of the three" => encryption::none_of_the_three,
        "`servername`" => encryption::servername,
        "`tls`" => encryption::tls,
        "true, false, any, any, not said" => starttls::ignored,
        "true, true, any" => starttls::ignored_and_required,
        "false, false, false, no, not said" => starttls::unoffered,
        "false, false, true, no, not said" => starttls::unoffered_and_opportunistic,
        "false, any, any, yes, 2yz" => starttls::offered,
        "false, true, any, no, 2yz" => starttls::unoffered_and_required,
        "false, false, false, yes, 4yz, 5yz" => starttls::refused,
        "false, true, false, any, 4yz, 5yz" => starttls::refused_and_required,
        "false, any, true, any, 4yz, 5yz, but 421" => starttls::refused_and_opportunistic,
        "false, any, any, any, 421" => starttls::closing,
        "false, any, any, any, 2yz and further bytes" => starttls::further_bytes,
        "false, any, any, any, 2yz, then a failed handshake or certificate" => starttls::failed_handshake,
        "false, any, any, any, 2yz, then the connection ends" => starttls::closed,
    }
    "`tls`" {
        "`rejectUnauthorized`" => tls::reject_unauthorized,
        "`ca`" => tls::ca,
        "`cert`" => tls::cert,
        "`key`" => tls::key,
        "`passphrase`" => tls::passphrase,
        "`servername`" => tls::servername,
        "`minVersion`" => tls::min_version,
        "`maxVersion`" => tls::max_version,
        "`secureProtocol`" => tls::secure_protocol,
        "`ciphers`" => tls::ciphers,
        "`pfx`, `crl`, `clientCertEngine`, `privateKeyEngine`, `privateKeyIdentifier`" => tls::needed,
        "`host`, `port`, `path`, `socket`, `lookup`, `family`, `hints`, `localAddress`, \
        `localPort`" => tls::redirecting,
        "`ALPNProtocols`, `allowPartialTrustChain`, `dhparam`, `dnsTtl`, `ecdhCurve`, \
        `enableTrace`, `handshakeTimeout`, `honorCipherOrder`, `minDHSize`, `requestCert`, \
        `requestOCSP`, `secureOptions`, `session`, `sessionIdContext`, `sessionTimeout`, \
        `sigalgs`, `ticketKeys`, `timeout`" => tls::harmless,
        "`ALPNCallback`, `SNICallback`, `checkServerIdentity`, `pskCallback`, `secureContext`" => tls::functions,
    }
    "Private keys" {
        "PKCS #8: `PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`" => keys::pkcs8,
        "PKCS #1 and SEC 1: `RSA PRIVATE KEY`, `EC PRIVATE KEY`" => keys::pkcs1_and_sec1,
    }
    "Authentication" {
        "`auth`" => authentication::auth,
        "`authMethod`" => authentication::auth_method,
        "`forceAuth`" => authentication::force_auth,
        "`customAuth`" => authentication::custom_auth,
    }
    "`auth`" {
        "`type`" => authentication::kind,
        "`user`" => authentication::user,
        "`pass`" => authentication::pass,
        "`method`" => authentication::method,
        "`options`, `provisionCallback`" => authentication::functions,
        "`clientId`" => oauth2::client_id,
        "`clientSecret`" => oauth2::client_secret,
        "`refreshToken`" => oauth2::refresh_token,
        "`accessToken`" => oauth2::access_token,
        "`expires`" => oauth2::expires,
        "`timeout`" => oauth2::timeout,
        "`serviceClient`" => oauth2::service_client,
        "`privateKey`" => oauth2::private_key,
        "`serviceRequestTimeout`" => oauth2::service_request_timeout,
        "`accessUrl`" => oauth2::access_url,
        "`scope`" => oauth2::scope,
        "`customParams`" => oauth2::custom_params,
        "`customHeaders`" => oauth2::custom_headers,
        "`tls`" => oauth2::tls,
    }
    "Deadlines" {
        "`dnsTimeout`" => deadlines::dns_timeout,
        "`connectionTimeout`" => deadlines::connection_timeout,
        "`greetingTimeout`" => deadlines::greeting_timeout,
        "`socketTimeout`" => deadlines::socket_timeout,
    }
    "Connections" {
        "`pool`" => connections::pool,
        "`maxConnections`" => connections::max_connections,
        "`maxMessages`" => connections::max_messages,
        "`maxRequeues`" => connections::max_requeues,
        "`rateLimit`" => connections::rate_limit,
        "`rateDelta`" => connections::rate_delta,
    }
    "Message" {
        "`fromEmail`, `replyTo`, `customHeaders`, `templates`" => message::own_keys,
        "`dkim`" => dkim::whole,
        "`dkim.domainName`" => dkim::domain_name,
        "`dkim.keySelector`" => dkim::key_selector,
        "`dkim.privateKey`" => dkim::private_key,
        "`dkim.keys`" => dkim::keys,
        "`dkim.headerFieldNames`" => dkim::header_field_names,
        "`dkim.skipFields`" => dkim::skip_fields,
        "`dkim.hashAlgo`" => dkim::hash_algo,
        "`dkim.cacheDir`, `dkim.cacheTreshold`" => dkim::cache,
        "`disableFileAccess`, `disableUrlAccess`" => message::access,
        "`attachDataUrls`, `normalizeHeaderKey`" => message::conversions,
        "`_dkim`, `alternatives`, `amp`, `attachments`, `baseBoundary`, `bcc`, `boundaryPrefix`, \
        `cc`, `date`, `dsn`, `encoding`, `envelope`, `from`, `headers`, `html`, `icalEvent`, \
        `inReplyTo`, `list`, `messageId`, `newline`, `priority`, `raw`, `references`, \
        `requireTLSExtensionEnabled`, `sender`, `subject`, `text`, `textEncoding`, `to`, \
        `watchHtml`, `xMailer`" => message::single_messages,
    }
    "Log" {
        "`logger`" => log::logger,
        "`debug`" => log::debug,
        "`transactionLog`" => log::transaction_log,
        "`component`" => log::component,
    }
}

#[test]
fn every_row_has_a_test_and_every_test_a_row() {
    let rows: BTreeSet<_> = document::rows().into_iter().collect();
    let proved: BTreeSet<_> =
        ROWS.iter().map(|(section, row, _)| (*section, (*row).to_owned())).collect();
    assert!(rows.len() > 80, "{rows:?}");
    let unproved: Vec<_> = rows.difference(&proved).collect();
    let gone: Vec<_> = proved.difference(&rows).collect();
    assert!(
        unproved.is_empty() && gone.is_empty(),
        "without a test: {unproved:#?}\ngone: {gone:#?}"
    );
}

/// A function that is registered and not marked as a test would prove nothing.
#[test]
fn every_registered_function_runs_as_a_test() {
    let listing = Command::new(std::env::current_exe().expect("a test has a program"))
        .args(["--list", "--format", "terse", "options::"])
        .output()
        .expect("the program lists its tests");
    let listing = String::from_utf8(listing.stdout).expect("names are UTF-8");
    let listed: BTreeSet<_> =
        listing.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    for (_, row, test) in ROWS {
        assert!(
            listed.contains(format!("options::{test}").as_str()),
            "{row}: {test} in {listed:?}"
        );
    }
}
