//! From a connection to a session that is ready for commands: greeting, EHLO, and STARTTLS where it
//! is wanted. Whatever was learnt before TLS is forgotten after it (RFC 3207 §4.2).

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use super::Session;
use super::capabilities::Capabilities;
use super::dialogue::Dialogue;
use super::pipelining::Pipelining;
use super::wire::Wire;
use crate::error::{Error, ErrorKind, Result, Stage};
use crate::plan::{Authentication, Protocol, TlsMode, TransportPlan};
use crate::reply::Reply;
use crate::submission::network::Context;
use crate::submission::network::route::Route;
use crate::submission::record::Record;

impl Session {
    /// Connects and goes on until the server has listed what it offers.
    pub(crate) async fn open(
        context: &Context,
        pipelining: Arc<Pipelining>,
        record: Record,
    ) -> Result<Self> {
        let plan = &context.plan;
        let Route { mut stream, local, loopback } =
            Route::open(context, &context.dialler, &record).await?;
        let opening = Opening { context, record: &record, name: ehlo_name(plan, local) };
        let mut encrypted = plan.tls == TlsMode::Implicit;
        if encrypted {
            let patience = plan.timeouts.connection;
            stream = context.tls.handshake(stream, patience, &record).await?;
        }
        let mut wire = Wire::new(stream, record.clone());
        opening.greeting(&mut wire).await?;
        let mut offered = opening.hello(&mut wire, encrypted).await?;
        let known = offered.as_ref().is_some_and(|capabilities| capabilities.starttls);
        if opening.wants_starttls(known) && opening.starttls(&mut wire, known).await? {
            wire = opening.secure(wire).await?;
            encrypted = true;
            offered = opening.hello(&mut wire, encrypted).await?;
        }
        let dialogue = Dialogue::over(wire, plan.timeouts.socket);
        let plain_helo = offered.is_none();
        let capabilities = offered.unwrap_or_default();
        let protocol = plan.protocol;
        Ok(Self {
            dialogue,
            protocol,
            capabilities,
            pipelining,
            in_suspense: None,
            plain_helo,
            encrypted,
            authenticated: false,
            loopback,
            needs_reset: false,
            is_doubtful: false,
            record,
        })
    }
}

/// The steps before the session is ready.
struct Opening<'a> {
    context: &'a Context,
    record: &'a Record,
    name: String,
}

impl Opening<'_> {
    async fn greeting(&self, wire: &mut Wire) -> Result<()> {
        let answer = wire.reply(Stage::Greeting, self.plan().timeouts.greeting).await?;
        if answer.reply.code != 220 {
            return Err(Error::from_reply(Stage::Greeting, answer.reply));
        }
        self.record.pass(Stage::Greeting, &answer.reply);
        Ok(())
    }

    /// Says EHLO, or LHLO to an LMTP server, and HELO to servers that know no other. None where it
    /// was HELO.
    async fn hello(&self, wire: &mut Wire, encrypted: bool) -> Result<Option<Capabilities>> {
        let patience = self.plan().timeouts.socket;
        let verb = match self.plan().protocol {
            Protocol::Lmtp => "LHLO",
            Protocol::Smtp => "EHLO",
        };
        let answer =
            wire.command(Stage::Ehlo, &format!("{verb} {}\r\n", self.name), patience).await?;
        if answer.reply.is_positive() {
            let offered = answer.reply.lines.get(1..).unwrap_or_default();
            self.record.offered(offered);
            self.record.pass(
                Stage::Ehlo,
                &format_args!("{} with {} extensions", self.name, offered.len()),
            );
            return Ok(Some(Capabilities::parse(&answer.words)));
        }
        if !self.can_do_without_extensions(&answer.reply, encrypted) {
            return Err(Error::from_reply(Stage::Ehlo, answer.reply));
        }
        let answer =
            wire.command(Stage::Ehlo, &format!("HELO {}\r\n", self.name), patience).await?;
        if !answer.reply.is_positive() {
            return Err(Error::from_reply(Stage::Ehlo, answer.reply));
        }
        self.record.offered(&[]);
        self.record.pass(Stage::Ehlo, &format_args!("HELO {}, no extensions", self.name));
        Ok(None)
    }

    /// Whether HELO will do after this refusal of EHLO. There is no STARTTLS without EHLO. With
    /// credentials only a server counts that does not know the command: another refusal is of the
    /// name, and HELO says the same.
    fn can_do_without_extensions(&self, refusal: &Reply, encrypted: bool) -> bool {
        let plan = self.plan();
        let secure = encrypted || plan.tls != TlsMode::RequiredStarttls;
        let authenticates = plan.authentication != Authentication::None;
        let unknown = matches!(refusal.code, 500 | 502 | 504);
        plan.protocol == Protocol::Smtp
            && refusal.is_permanent()
            && secure
            && (unknown || !authenticates)
    }

    fn wants_starttls(&self, offered: bool) -> bool {
        match self.plan().tls {
            TlsMode::Implicit | TlsMode::None => false,
            TlsMode::OpportunisticStarttls => offered,
            // A server may do it all the same.
            TlsMode::RequiredStarttls => true,
        }
    }

    /// Says STARTTLS; whether the server agreed. A refusal that the plan puts up with is none.
    async fn starttls(&self, wire: &mut Wire, offered: bool) -> Result<bool> {
        let plan = self.plan();
        let answer = wire.command(Stage::Starttls, "STARTTLS\r\n", plan.timeouts.socket).await?;
        let reply = answer.reply;
        if reply.is_positive() {
            self.record.pass(Stage::Starttls, &reply);
            return Ok(true);
        }
        if plan.plaintext_after_refusal && reply.code != 421 {
            self.record.warn("the server refuses STARTTLS, the session goes on unencrypted");
            self.record
                .pass(Stage::Starttls, &format_args!("refused, goes on unencrypted: {reply}"));
            return Ok(false);
        }
        Err(refused_starttls(reply, offered))
    }

    async fn secure(&self, wire: Wire) -> Result<Wire> {
        let stream = wire.into_stream().map_err(|fault| fault.at(Stage::Starttls, self.record))?;
        let patience = self.plan().timeouts.socket;
        let stream = self.context.tls.handshake(stream, patience, self.record).await?;
        Ok(Wire::new(stream, self.record.clone()))
    }

    fn plan(&self) -> &TransportPlan {
        &self.context.plan
    }
}

/// A server that has no TLS for us is a failure of TLS, unless it may pass.
fn refused_starttls(reply: Reply, offered: bool) -> Error {
    if !reply.is_permanent() {
        return Error::from_reply(Stage::Starttls, reply);
    }
    let message = if offered {
        format!("the server offers STARTTLS and refuses it: {reply}")
    } else {
        format!("the server does not offer STARTTLS: {reply}")
    };
    Error::new(ErrorKind::Tls, message).at(Stage::Starttls).with_reply(reply)
}

/// The plan's name, or the address literal of this end, which every server must take (RFC 5321
/// §4.1.3).
pub(crate) fn ehlo_name(plan: &TransportPlan, local: SocketAddr) -> String {
    plan.ehlo_name.clone().unwrap_or_else(|| match local.ip().to_canonical() {
        IpAddr::V4(address) => format!("[{address}]"),
        IpAddr::V6(address) => format!("[IPv6:{address}]"),
    })
}
