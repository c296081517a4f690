//! The dialogue with one client: which command may come when, and what it is answered.

use std::borrow::Cow;
use std::io;
use std::sync::Arc;

use tokio::net::TcpStream;
use tokio::time::timeout;

use super::authentication::{self, Outcome};
use super::command::{Command, Mail};
use super::connection::{Connection, Flaw, Line, Stream};
use super::{Caught, Envelope, Security, Server};

/// How many commands may fail before the session ends: enough for any honest client's fallbacks.
const MAX_FAILURES: u32 = 20;

type Reply = Cow<'static, str>;

/// Serves a client until it quits, is lost, or is shown the door.
pub(super) async fn serve(socket: TcpStream, server: Arc<Server>) {
    // Without it a reply may wait for the client's delayed acknowledgement. It cannot fail on an
    // open socket.
    let _ = socket.set_nodelay(true);
    let security = server.options.security;
    let idle_timeout = server.options.idle_timeout;
    let mut session = Session::new(Connection::new(Box::new(socket), idle_timeout), server);
    if security == Security::ImplicitTls {
        match session.encrypt().await {
            Ok(encrypted) => session = encrypted,
            Err(_) => return,
        }
    }
    session.connection.reply("220 localhost ESMTP smtp-connector catch-all");
    while let Ok(Some(next)) = session.step().await {
        session = next;
    }
}

struct Session {
    connection: Connection,
    server: Arc<Server>,
    tls: Option<String>,
    hello: Hello,
    authenticated_as: Option<String>,
    transaction: Option<Transaction>,
    failures: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Hello {
    None,
    Helo,
    Ehlo,
}

struct Transaction {
    mail: Mail,
    forward_paths: Vec<String>,
}

impl Session {
    fn new(connection: Connection, server: Arc<Server>) -> Self {
        Self {
            connection,
            server,
            tls: None,
            hello: Hello::None,
            authenticated_as: None,
            transaction: None,
            failures: 0,
        }
    }

    /// Answers one command. None at the end of the session.
    async fn step(mut self) -> io::Result<Option<Self>> {
        let command = match self.connection.command().await {
            Ok(Line::Text(line)) => Command::parse(&line),
            Ok(Line::TooLong) => Err("500 5.5.6 the line is too long"),
            Ok(Line::BareLineBreak) => Err("500 5.5.2 the line has a bare CR or LF"),
            Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                return self.close("421 4.4.2 the session was idle for too long").await;
            }
            Err(error) => return Err(error),
        };
        if matches!(
            command,
            Ok(Command::Ehlo | Command::Helo | Command::Auth { .. } | Command::Data)
        ) && self.connection.has_more()
        {
            // RFC 2920 §3.1: these end a group; whoever goes on has not waited for the reply.
            return self.close("503 5.5.0 improper pipelining").await;
        }
        match command {
            Ok(command) => self.answer(command).await,
            Err(reply) => self.say(reply).await,
        }
    }

    async fn answer(mut self, command: Command) -> io::Result<Option<Self>> {
        let reply: Reply = match command {
            Command::Ehlo => self.ehlo().into(),
            Command::Helo => self.helo().into(),
            Command::Starttls => match self.refuse_starttls() {
                Some(reply) => reply.into(),
                None => return self.starttls().await.map(Some),
            },
            Command::Auth { mechanism, initial } => self.auth(&mechanism, initial).await?.into(),
            Command::Mail(mail) => self.mail(mail).into(),
            Command::Rcpt { forward_path } => self.rcpt(forward_path).into(),
            Command::Data => self.data().await?.into(),
            Command::Rset => {
                self.transaction = None;
                "250 2.0.0 reset".into()
            }
            Command::Noop => "250 2.0.0 done".into(),
            Command::Vrfy => "252 2.0.0 cannot verify, but will take the message".into(),
            Command::Quit => return self.close("221 2.0.0 goodbye").await,
        };
        self.say(&reply).await
    }

    async fn say(mut self, reply: &str) -> io::Result<Option<Self>> {
        self.connection.reply(reply);
        self.failures += u32::from(reply.starts_with(['4', '5']));
        if self.failures < MAX_FAILURES {
            Ok(Some(self))
        } else {
            self.close("421 4.7.0 too many errors").await
        }
    }

    async fn close(mut self, reply: &str) -> io::Result<Option<Self>> {
        self.connection.reply(reply);
        self.connection.flush().await?;
        Ok(None)
    }

    async fn starttls(mut self) -> io::Result<Self> {
        self.connection.reply("220 2.0.0 ready to start TLS");
        self.connection.flush().await?;
        self.encrypt().await
    }

    /// Begins anew inside TLS: nothing said in clear counts any more (RFC 3207 §4.2).
    async fn encrypt(self) -> io::Result<Self> {
        let idle_timeout = self.server.options.idle_timeout;
        let handshake = self.server.tls.accept(self.connection.into_stream());
        let stream = timeout(idle_timeout, handshake).await??;
        let version = stream.get_ref().1.protocol_version().and_then(|version| version.as_str());
        let version = version.unwrap_or("TLS").replace('_', ".");
        let stream: Box<dyn Stream> = Box::new(stream);
        let mut session = Self::new(Connection::new(stream, idle_timeout), self.server);
        session.tls = Some(version);
        Ok(session)
    }

    fn helo(&mut self) -> &'static str {
        self.hello = Hello::Helo;
        self.transaction = None;
        "250 localhost"
    }

    fn ehlo(&mut self) -> String {
        self.hello = Hello::Ehlo;
        self.transaction = None;
        let mut reply =
            String::from("250-localhost\r\n250-PIPELINING\r\n250-8BITMIME\r\n250-SMTPUTF8\r\n");
        if self.refuse_starttls().is_none() {
            reply.push_str("250-STARTTLS\r\n");
        }
        if self.refuse_auth().is_none() {
            reply.push_str("250-AUTH PLAIN LOGIN\r\n");
        }
        reply.push_str(&format!("250-SIZE {}\r\n", self.server.options.max_message_size));
        reply.push_str("250 ENHANCEDSTATUSCODES");
        reply
    }

    fn refuse_starttls(&self) -> Option<&'static str> {
        match () {
            () if self.tls.is_some() => Some("503 5.5.1 the session is encrypted already"),
            () if !self.server.options.security.offers_starttls() => {
                Some("502 5.5.1 STARTTLS is not offered")
            }
            () if self.hello != Hello::Ehlo => Some("503 5.5.1 say EHLO first"),
            () => None,
        }
    }

    fn refuse_auth(&self) -> Option<&'static str> {
        let needs_tls =
            self.server.options.security == Security::StarttlsBeforeAuth && self.tls.is_none();
        match () {
            () if self.server.options.credentials.is_none() => {
                Some("502 5.5.1 authentication is not offered")
            }
            () if self.hello != Hello::Ehlo => Some("503 5.5.1 say EHLO first"),
            () if self.authenticated_as.is_some() => {
                Some("503 5.5.1 the session is authenticated already")
            }
            () if self.transaction.is_some() => Some("503 5.5.1 not within a mail transaction"),
            () if needs_tls => Some("538 5.7.11 encryption is required for authentication"),
            () => None,
        }
    }

    async fn auth(&mut self, mechanism: &str, initial: Option<String>) -> io::Result<&'static str> {
        if let Some(reply) = self.refuse_auth() {
            return Ok(reply);
        }
        let server = Arc::clone(&self.server);
        let Some(credentials) = &server.options.credentials else {
            return Ok("502 5.5.1 not offered");
        };
        Ok(
            match authentication::exchange(&mut self.connection, credentials, mechanism, initial)
                .await?
            {
                Outcome::Admitted(user) => {
                    self.authenticated_as = Some(user);
                    "235 2.7.0 authenticated"
                }
                Outcome::Denied => "535 5.7.8 the credentials are wrong",
                Outcome::Failed(reply) => reply,
            },
        )
    }

    fn mail(&mut self, mail: Mail) -> &'static str {
        let options = &self.server.options;
        if self.hello == Hello::None {
            "503 5.5.1 say EHLO first"
        } else if options.credentials.is_some() && self.authenticated_as.is_none() {
            "530 5.7.0 authentication is required"
        } else if self.transaction.is_some() {
            "503 5.5.1 a mail transaction is open already"
        } else if mail.extended && self.hello != Hello::Ehlo {
            "555 5.5.4 parameters need EHLO"
        } else if mail.size.is_some_and(|size| size > options.max_message_size) {
            "552 5.3.4 the message is too large"
        } else if !mail.utf8 && !mail.reverse_path.is_ascii() {
            "553 5.6.7 the address needs SMTPUTF8"
        } else {
            self.transaction = Some(Transaction { mail, forward_paths: Vec::new() });
            "250 2.1.0 sender accepted"
        }
    }

    fn rcpt(&mut self, forward_path: String) -> &'static str {
        match &mut self.transaction {
            None => "503 5.5.1 say MAIL first",
            Some(open) if open.forward_paths.len() >= self.server.options.max_recipients => {
                "452 4.5.3 too many recipients"
            }
            Some(open) if !open.mail.utf8 && !forward_path.is_ascii() => {
                "553 5.6.7 the address needs SMTPUTF8"
            }
            Some(open) => {
                open.forward_paths.push(forward_path);
                "250 2.1.5 recipient accepted"
            }
        }
    }

    async fn data(&mut self) -> io::Result<&'static str> {
        match &self.transaction {
            None => return Ok("503 5.5.1 say MAIL first"),
            Some(open) if open.forward_paths.is_empty() => {
                return Ok("554 5.5.1 no valid recipients");
            }
            Some(_) => {}
        }
        self.connection.reply("354 end with a line that is a single dot");
        let content = self.connection.content(self.server.options.max_message_size).await?;
        Ok(match (self.transaction.take(), content) {
            (_, Err(Flaw::TooLarge)) => "552 5.3.4 the message is too large",
            (_, Err(Flaw::LineTooLong)) => {
                "550 5.6.0 a line of the message is longer than 998 octets"
            }
            (_, Err(Flaw::BareLineBreak)) => "550 5.6.0 the message has a bare CR or LF",
            (Some(open), Ok(bytes)) => self.take(open, bytes),
            (None, Ok(_)) => "503 5.5.1 say MAIL first",
        })
    }

    fn take(
        &self,
        Transaction { mail, forward_paths }: Transaction,
        bytes: Vec<u8>,
    ) -> &'static str {
        if !mail.eight_bit && !bytes.is_ascii() {
            return "554 5.6.1 the message has 8-bit octets and MAIL did not say BODY=8BITMIME";
        }
        let caught = Caught {
            envelope: Envelope { reverse_path: mail.reverse_path, forward_paths },
            tls: self.tls.clone(),
            authenticated_as: self.authenticated_as.clone(),
            bytes,
        };
        match self.server.store.keep(caught, self.server.options.max_messages) {
            true => "250 2.0.0 the message is kept",
            false => "452 4.3.1 the storage is full",
        }
    }
}
