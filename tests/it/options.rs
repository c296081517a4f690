//! Every option of docs/options.md, row by row: each row of its tables has a test that fails where
//! the row no longer tells the truth, and the registry below fails where a row has no test, or a
//! test no row.

mod document;

use std::collections::BTreeSet;
use std::process::Command;

use crate::{
    connection, deadlines, dkim, log, login, message, oauth2, pool, proxy, services, starttls, tls,
};

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
        "`host`" => connection::options::host,
        "`port`" => connection::options::port,
        "`secure`" => connection::options::secure,
        "`service`" => services::service,
        "`service`" => services::service_and_keys_beside_it,
        "`url`" => connection::options::url,
        "`url`" => connection::options::url_refused,
        "`localAddress`" => connection::options::local_address,
        "`name`" => connection::options::name,
        "`proxy`" => connection::options::proxy,
        "`lmtp`" => connection::options::lmtp,
        "`allowInternalNetworkInterfaces`, `dnsTtl`" => connection::options::resolver,
        "`socket`, `connection`, `secured`, `getSocket`" => connection::options::sockets,
        "`sendmail`, `streamTransport`, `jsonTransport`, `SES`" =>
            connection::options::other_transports,
    }
    "Proxies" {
        "`http://…`" => proxy::options::http,
        "`https://…`" => proxy::options::https,
        "`socks4://…`" => proxy::options::socks4,
        "`socks4a://…`" => proxy::options::socks4a,
        "`socks5://…`, `socks://…`" => proxy::options::socks5_and_socks,
    }
    "Encryption" {
        "`requireTLS`" => starttls::options::require_tls,
        "`ignoreTLS`" => starttls::options::ignore_tls,
        "`opportunisticTLS`" => starttls::options::opportunistic_tls,
        "none of the three" => starttls::options::none_of_the_three,
        "`servername`" => starttls::options::servername,
        "`tls`" => starttls::options::tls,
        "true, false, any, any, not said" => starttls::table::ignored,
        "true, true, any" => starttls::table::ignored_and_required,
        "false, false, false, no, not said" => starttls::table::unoffered,
        "false, false, true, no, not said" => starttls::table::unoffered_and_opportunistic,
        "false, any, any, yes, 2yz" => starttls::table::offered,
        "false, true, any, no, 2yz" => starttls::table::unoffered_and_required,
        "false, false, false, yes, 4yz, 5yz" => starttls::table::refused,
        "false, true, false, any, 4yz, 5yz" => starttls::table::refused_and_required,
        "false, any, true, any, 4yz, 5yz, but 421" => starttls::table::refused_and_opportunistic,
        "false, any, any, any, 421" => starttls::table::closing,
        "false, any, any, any, 2yz and further bytes" => starttls::table::further_bytes,
        "false, any, any, any, 2yz, then a failed handshake or certificate" =>
            starttls::table::failed_handshake,
        "false, any, any, any, 2yz, then the connection ends" => starttls::table::closed,
    }
    "`tls`" {
        "`rejectUnauthorized`" => tls::options::reject_unauthorized,
        "`ca`" => tls::options::ca,
        "`cert`" => tls::options::cert,
        "`key`" => tls::options::key,
        "`passphrase`" => tls::options::passphrase,
        "`servername`" => tls::options::servername,
        "`minVersion`" => tls::options::min_version,
        "`maxVersion`" => tls::options::max_version,
        "`secureProtocol`" => tls::options::secure_protocol,
        "`ciphers`" => tls::options::ciphers,
        "`pfx`, `crl`, `clientCertEngine`, `privateKeyEngine`, `privateKeyIdentifier`" =>
            tls::options::needed,
        "`host`, `port`, `path`, `socket`, `lookup`, `family`, `hints`, `localAddress`, \
        `localPort`" => tls::options::redirecting,
        "`ALPNProtocols`, `allowPartialTrustChain`, `dhparam`, `dnsTtl`, `ecdhCurve`, \
        `enableTrace`, `handshakeTimeout`, `honorCipherOrder`, `minDHSize`, `requestCert`, \
        `requestOCSP`, `secureOptions`, `session`, `sessionIdContext`, `sessionTimeout`, \
        `sigalgs`, `ticketKeys`, `timeout`" => tls::options::harmless,
        "`ALPNCallback`, `SNICallback`, `checkServerIdentity`, `pskCallback`, `secureContext`" =>
            tls::options::functions,
    }
    "Private keys" {
        "PKCS #8: `PRIVATE KEY`, `ENCRYPTED PRIVATE KEY`" => tls::keys::pkcs8,
        "PKCS #1 and SEC 1: `RSA PRIVATE KEY`, `EC PRIVATE KEY`" => tls::keys::pkcs1_and_sec1,
    }
    "Authentication" {
        "`auth`" => login::options::auth,
        "`authMethod`" => login::options::auth_method,
        "`forceAuth`" => login::options::force_auth,
        "`customAuth`" => login::options::custom_auth,
    }
    "`auth`" {
        "`type`" => login::options::kind,
        "`user`" => login::options::user,
        "`pass`" => login::options::pass,
        "`method`" => login::options::method,
        "`options`, `provisionCallback`" => login::options::functions,
        "`clientId`" => oauth2::options::client_id,
        "`clientSecret`" => oauth2::options::client_secret,
        "`refreshToken`" => oauth2::options::refresh_token,
        "`accessToken`" => oauth2::options::access_token,
        "`expires`" => oauth2::options::expires,
        "`timeout`" => oauth2::options::timeout,
        "`serviceClient`" => oauth2::options::service_client,
        "`privateKey`" => oauth2::options::private_key,
        "`serviceRequestTimeout`" => oauth2::options::service_request_timeout,
        "`accessUrl`" => oauth2::options::access_url,
        "`scope`" => oauth2::options::scope,
        "`customParams`" => oauth2::options::custom_params,
        "`customHeaders`" => oauth2::options::custom_headers,
        "`tls`" => oauth2::options::tls,
    }
    "Deadlines" {
        "`dnsTimeout`" => deadlines::options::dns_timeout,
        "`connectionTimeout`" => deadlines::options::connection_timeout,
        "`greetingTimeout`" => deadlines::options::greeting_timeout,
        "`socketTimeout`" => deadlines::options::socket_timeout,
    }
    "Connections" {
        "`pool`" => pool::options::pool,
        "`maxConnections`" => pool::options::max_connections,
        "`maxMessages`" => pool::options::max_messages,
        "`maxRequeues`" => pool::options::max_requeues,
        "`rateLimit`" => pool::options::rate_limit,
        "`rateDelta`" => pool::options::rate_delta,
        "`pipelining`" => pool::options::pipelining,
    }
    "Message" {
        "`fromEmail`, `replyTo`, `customHeaders`, `templates`" => message::options::own_keys,
        "`dkim`" => dkim::options::whole,
        "`dkim.domainName`" => dkim::options::domain_name,
        "`dkim.keySelector`" => dkim::options::key_selector,
        "`dkim.privateKey`" => dkim::options::private_key,
        "`dkim.keys`" => dkim::options::keys,
        "`dkim.headerFieldNames`" => dkim::options::header_field_names,
        "`dkim.skipFields`" => dkim::options::skip_fields,
        "`dkim.hashAlgo`" => dkim::options::hash_algo,
        "`dkim.cacheDir`, `dkim.cacheTreshold`" => dkim::options::cache,
        "`disableFileAccess`, `disableUrlAccess`" => message::options::access,
        "`attachDataUrls`, `normalizeHeaderKey`" => message::options::conversions,
        "`_dkim`, `alternatives`, `amp`, `attachments`, `baseBoundary`, `bcc`, `boundaryPrefix`, \
        `cc`, `date`, `dsn`, `encoding`, `envelope`, `from`, `headers`, `html`, `icalEvent`, \
        `inReplyTo`, `list`, `messageId`, `newline`, `priority`, `raw`, `references`, \
        `requireTLSExtensionEnabled`, `sender`, `subject`, `text`, `textEncoding`, `to`, \
        `watchHtml`, `xMailer`" => message::options::single_messages,
    }
    "Log" {
        "`logger`" => log::options::logger,
        "`debug`" => log::options::debug,
        "`transactionLog`" => log::options::transaction_log,
        "`component`" => log::options::component,
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
        .args(["--list", "--format", "terse"])
        .output()
        .expect("the program lists its tests");
    let listing = String::from_utf8(listing.stdout).expect("names are UTF-8");
    let listed: BTreeSet<_> =
        listing.lines().filter_map(|line| line.strip_suffix(": test")).collect();
    for (_, row, test) in ROWS {
        assert!(listed.contains(test), "{row}: {test} in {listed:?}");
    }
}
