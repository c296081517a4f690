//! One session of a faulty server. It reads no further than a command's line, so that pipelined
//! input is taken command by command (RFC 2920), whatever became of the commands before.

use std::io;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpStream;
use tokio::time::sleep;

use super::House;
use super::mischief::{Dice, Misdeed, Place};

/// How late a late reply is.
const LATE: Duration = Duration::from_millis(60);

/// The pause within a reply in pieces.
const PAUSE: Duration = Duration::from_millis(1);

struct Session<'a> {
    house: &'a House,
    stream: BufReader<TcpStream>,
    dice: Dice<'a>,
    recipient: String,
    sender: bool,
    recipients: usize,
}

/// The connection has ended.
struct Over;

impl From<io::Error> for Over {
    fn from(_: io::Error) -> Self {
        Self
    }
}

/// Serves a client until one of the two has had enough.
pub(super) async fn serve(socket: TcpStream, number: u64, house: &House) {
    let _ = socket.set_nodelay(true);
    let dice = Dice::new(&house.options.mischief, number);
    let stream = BufReader::new(socket);
    let mut session =
        Session { house, stream, dice, recipient: String::new(), sender: false, recipients: 0 };
    let Err(Over) = session.converse().await;
}

enum Never {}

impl Session<'_> {
    async fn converse(&mut self) -> Result<Never, Over> {
        self.answer(Place::Greeting, "220 faulty ESMTP").await?;
        loop {
            let line = self.hear().await?;
            let verb = line.split(' ').next().unwrap_or_default().to_ascii_uppercase();
            match verb.as_str() {
                "EHLO" => {
                    let pipelining =
                        if self.house.options.pipelining { "250-PIPELINING\r\n" } else { "" };
                    let auth =
                        if self.house.options.authentication { "250-AUTH PLAIN\r\n" } else { "" };
                    let reply = format!(
                        "250-faulty\r\n{pipelining}{auth}250-8BITMIME\r\n250 SIZE 10000000"
                    );
                    self.answer(Place::Ehlo, &reply).await?;
                }
                "HELO" => _ = self.answer(Place::Ehlo, "250 faulty").await?,
                "AUTH" => _ = self.answer(Place::Auth, "235 2.7.0 welcome").await?,
                "MAIL" => self.mail(&line).await?,
                "RCPT" => self.rcpt(&line).await?,
                "DATA" => self.data().await?,
                "NOOP" => _ = self.answer(Place::Noop, "250 2.0.0 ok").await?,
                "RSET" => {
                    self.forget();
                    self.answer(Place::Rset, "250 2.0.0 forgotten").await?;
                }
                "QUIT" => {
                    self.answer(Place::Quit, "221 2.0.0 goodbye").await?;
                    return Err(Over);
                }
                _ => self.say("500 5.5.1 what?\r\n").await?,
            }
        }
    }

    async fn mail(&mut self, line: &str) -> Result<(), Over> {
        if self.sender || !line.to_ascii_uppercase().starts_with("MAIL FROM:<") {
            return self.say("503 5.5.1 not now\r\n").await;
        }
        self.sender = self.answer(Place::Mail, "250 2.1.0 sender ok").await?;
        Ok(())
    }

    async fn rcpt(&mut self, line: &str) -> Result<(), Over> {
        let path = line.split_once('<').and_then(|(_, rest)| rest.split_once('>'));
        let Some((path, _)) = path.filter(|_| self.sender) else {
            return self.say("503 5.5.1 MAIL first\r\n").await;
        };
        self.recipient = path.to_owned();
        self.recipients += usize::from(self.answer(Place::Rcpt, "250 2.1.5 recipient ok").await?);
        Ok(())
    }

    async fn data(&mut self) -> Result<(), Over> {
        if !self.sender {
            return self.say("503 5.5.1 MAIL first\r\n").await;
        }
        // A server may wait for the dot before it says that nobody is to get the message (RFC 2920
        // §3.1).
        if self.recipients == 0 && !self.dice.coin() {
            return self.say("554 5.5.1 no valid recipients\r\n").await;
        }
        if !self.answer(Place::Data, "354 go ahead").await? {
            return Ok(());
        }
        let content = self.content().await?;
        let token = token(&content);
        let nobody = self.recipients == 0;
        if nobody {
            self.forget();
            return self.say("554 5.5.1 no valid recipients\r\n").await;
        }
        let misdeed = self.dice.misdeed(Place::Dot, &self.recipient);
        let keeps = match misdeed {
            Some(Misdeed::RefuseForNow | Misdeed::RefuseForGood | Misdeed::Leave) => false,
            Some(Misdeed::Close | Misdeed::Reset | Misdeed::Stall | Misdeed::Garbage) => {
                self.dice.coin()
            }
            None | Some(Misdeed::Multiline | Misdeed::Split | Misdeed::Drip | Misdeed::Late) => {
                true
            }
        };
        if keeps {
            self.house.record().entry(token.clone()).or_default().untold += 1;
        }
        let told = self.act(misdeed, "250 2.0.0 queued").await?;
        if told {
            let mut record = self.house.record();
            let kept = record.entry(token).or_default();
            (kept.told, kept.untold) = (kept.told + 1, kept.untold - 1);
        }
        self.forget();
        Ok(())
    }

    /// Reads a message up to its final dot.
    async fn content(&mut self) -> Result<String, Over> {
        let misdeed = self.dice.misdeed(Place::Content, &self.recipient);
        let mut content = Vec::new();
        loop {
            let start = content.len();
            if self.stream.read_until(b'\n', &mut content).await? == 0 {
                return Err(Over);
            }
            if &content[start..] == b".\r\n" {
                content.truncate(start);
                return Ok(String::from_utf8_lossy(&content).into_owned());
            }
            if let Some(
                ends @ (Misdeed::Leave | Misdeed::Close | Misdeed::Reset | Misdeed::Stall),
            ) = misdeed
            {
                self.act(Some(ends), "").await?;
            }
        }
    }

    fn forget(&mut self) {
        (self.sender, self.recipients) = (false, 0);
        self.recipient.clear();
    }

    /// Replies, or misbehaves. Whether the reply was said.
    async fn answer(&mut self, place: Place, reply: &str) -> Result<bool, Over> {
        let misdeed = self.dice.misdeed(place, &self.recipient);
        self.act(misdeed, reply).await
    }

    async fn act(&mut self, misdeed: Option<Misdeed>, reply: &str) -> Result<bool, Over> {
        match misdeed {
            None => self.say(&format!("{reply}\r\n")).await?,
            Some(Misdeed::RefuseForNow) => {
                self.say("451 4.3.0 not now\r\n").await?;
                return Ok(false);
            }
            Some(Misdeed::RefuseForGood) => {
                self.say("550 5.7.1 never\r\n").await?;
                return Ok(false);
            }
            Some(Misdeed::Garbage) => {
                self.say("!? not a reply\r\n").await?;
                return Ok(false);
            }
            Some(Misdeed::Leave) => {
                self.say("421 4.3.2 leaving\r\n").await?;
                return Err(Over);
            }
            Some(Misdeed::Close) => return Err(Over),
            Some(Misdeed::Reset) => {
                self.stream.get_ref().set_zero_linger()?;
                return Err(Over);
            }
            Some(Misdeed::Stall) => return self.stall().await,
            Some(Misdeed::Multiline) => {
                let code = reply.get(..3).unwrap_or_default();
                self.say(&format!("{code}-one moment\r\n{code}-more\r\n{reply}\r\n")).await?;
            }
            Some(Misdeed::Split) => {
                let (head, tail) = reply.split_at(reply.len() / 2);
                self.say(head).await?;
                sleep(PAUSE).await;
                self.say(&format!("{tail}\r\n")).await?;
            }
            Some(Misdeed::Drip) => {
                for byte in format!("{reply}\r\n").bytes() {
                    self.stream.write_all(&[byte]).await?;
                    sleep(PAUSE).await;
                }
            }
            Some(Misdeed::Late) => {
                sleep(LATE).await;
                self.say(&format!("{reply}\r\n")).await?;
            }
        }
        Ok(true)
    }

    async fn stall(&mut self) -> Result<bool, Over> {
        let mut chunk = [0; 4096];
        while self.stream.read(&mut chunk).await? > 0 {}
        Err(Over)
    }

    async fn say(&mut self, text: &str) -> Result<(), Over> {
        Ok(self.stream.write_all(text.as_bytes()).await?)
    }

    async fn hear(&mut self) -> Result<String, Over> {
        let mut line = Vec::new();
        if self.stream.read_until(b'\n', &mut line).await? == 0 {
            return Err(Over);
        }
        Ok(String::from_utf8_lossy(&line).trim_end().to_owned())
    }
}

/// The token that a message can be told by.
fn token(content: &str) -> String {
    let Some(at) = content.find("tok-") else { return String::new() };
    content[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || *c == '-').collect()
}
