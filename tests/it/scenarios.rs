//! What users of nodemailer rely on, from the connection to the message: behaviour that nobody
//! wrote down and that a configuration may depend on. Each scenario has a test, here or where its
//! subject is at home:
//!
//! | scenario | tests |
//! |---|---|
//! | in clear, by STARTTLS, by TLS at once; STARTTLS wanted, missing, refused | `scenarios/starttls`, `submission/tests/tls` |
//! | bytes before the handshake, a server that leaves before it | `scenarios/starttls`, `submission/tests/tls` |
//! | old cipher lists, ports that speak otherwise | `scenarios/starttls`, `reach/probe` |
//! | closed ports, ports that are none, names that inject | `scenarios/connection`, `command_line/send` |
//! | a server that refuses at once, leaves or resets | `scenarios/connection`, `delivery` |
//! | several addresses, in turn | `submission/dial`, `reach/deadlines` |
//! | a server silent after each stage, a proxy or a token endpoint that drips | `reach/deadlines` |
//! | blank lines, replies in pieces, replies in any charset, the last words of a server | `scenarios/replies`, `submission/answer` |
//! | line ends of the message | `scenarios/connection`, `submission/tests/dialogue` |
//! | services by name, URLs in each form | `scenarios/endpoint`, `config/endpoint` |
//! | logins good, wrong, empty, half; forced and missing offers | `scenarios/authentication`, `reach/login` |
//! | what a verification counts as success | `scenarios/authentication`, `command_line/verify` |
//! | addresses beyond ASCII without SMTPUTF8, extensions that are merely noticed | `scenarios/connection` |
//! | tokens given, refreshed, refused, shared, rotated; fields and errors of the endpoint | `reach/oauth2` |
//! | assertions of service accounts; functions in place of tokens | `scenarios/oauth2` |
//! | tunnels by each kind of proxy, their logins, refusals and certificates | `reach/proxies` |
//! | targets that inject, targets without a port | `scenarios/proxies` |
//! | servers, proxies and token endpoints that speak without end | `scenarios/endless` |
//! | many messages over few connections, refused senders among them | `scenarios/pool` |
//! | idle connections that the server closes, stalls, bounds for a connection, limits of rate | `scenarios/pool` |
//! | closing with messages waiting; a mailer that is dropped | `scenarios/pool` |
//! | several recipients, all or some refused, with and without PIPELINING; SIZE | `submission/tests/flow` |
//! | one recipient refused after the message | `reach/lmtp` |
//! | lists of mailboxes, comments, groups, names that look like addresses, hostile texts | `scenarios/addresses`, `mailbox/tests` |
//! | domains and local parts beyond ASCII, local parts to quote | `scenarios/addresses`, `submission/message/address` |
//! | envelopes and recipients that a configuration would add | `scenarios/addresses` |
//! | encoding, folding and identifiers of header fields, names, custom and `List-*` fields | `scenarios/message`, `submission/message/field` |
//! | transfer encodings and the ends of parts | `scenarios/message`, `submission/message/tests` |
//! | signatures known, several, relaxed, over chosen fields | `submission/dkim/tests`, `options/dkim`, `real_servers/dkim` |
//!
//! Where this program means to behave otherwise, the test says so.
