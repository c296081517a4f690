//! What a faulty server does that it should not, and where.

use std::fmt;
use std::sync::Arc;

/// A place of a session at which something may go wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Place {
    /// Before the first word.
    Greeting,
    /// EHLO or HELO.
    Ehlo,
    /// AUTH.
    Auth,
    /// MAIL.
    Mail,
    /// RCPT.
    Rcpt,
    /// DATA.
    Data,
    /// Within the message. Only what ends the connection is possible.
    Content,
    /// After the final dot.
    Dot,
    /// NOOP.
    Noop,
    /// RSET.
    Rset,
    /// QUIT.
    Quit,
}

/// Something that no server should do, or that every client must bear.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Misdeed {
    /// Refuses for now (451).
    RefuseForNow,
    /// Refuses for good (550).
    RefuseForGood,
    /// Says 421 and closes.
    Leave,
    /// Closes without a word.
    Close,
    /// Resets the connection.
    Reset,
    /// Says nothing until the client closes.
    Stall,
    /// Says what is no reply.
    Garbage,
    /// Replies in several lines.
    Multiline,
    /// Replies in two pieces.
    Split,
    /// Replies byte by byte.
    Drip,
    /// Replies after a while.
    Late,
}

const MISDEEDS: [Misdeed; 11] = [
    Misdeed::RefuseForNow,
    Misdeed::RefuseForGood,
    Misdeed::Leave,
    Misdeed::Close,
    Misdeed::Reset,
    Misdeed::Stall,
    Misdeed::Garbage,
    Misdeed::Multiline,
    Misdeed::Split,
    Misdeed::Drip,
    Misdeed::Late,
];

/// Who decides about misdeeds.
#[derive(Clone, Default)]
pub enum Mischief {
    /// There are none.
    #[default]
    None,
    /// Chance: the same for each connection of one seed, by its number.
    Random {
        /// The seed.
        seed: u64,
        /// At one place in so many something goes wrong.
        one_in: u64,
    },
    /// The test, by the place and the recipient, which is empty before there is one.
    Chosen(Arc<Choice>),
}

/// How a test decides.
type Choice = dyn Fn(Place, &str) -> Option<Misdeed> + Send + Sync;

impl fmt::Debug for Mischief {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::None => f.write_str("None"),
            Self::Random { seed, one_in } => {
                f.debug_struct("Random").field("seed", seed).field("one_in", one_in).finish()
            }
            Self::Chosen(_) => f.write_str("Chosen"),
        }
    }
}

/// The decisions on one connection.
pub(super) struct Dice<'a> {
    mischief: &'a Mischief,
    state: u64,
}

impl<'a> Dice<'a> {
    pub(super) fn new(mischief: &'a Mischief, connection: u64) -> Self {
        let seed = if let Mischief::Random { seed, .. } = mischief { *seed } else { 0 };
        Self { mischief, state: seed ^ connection.wrapping_mul(0xd134_2543_de82_ef95) }
    }

    pub(super) fn misdeed(&mut self, place: Place, recipient: &str) -> Option<Misdeed> {
        match self.mischief {
            Mischief::None => None,
            Mischief::Random { one_in, .. } => {
                let one_in = *one_in;
                let fate = self.roll();
                fate.is_multiple_of(one_in)
                    .then(|| MISDEEDS[(fate / one_in) as usize % MISDEEDS.len()])
            }
            Mischief::Chosen(choose) => choose(place, recipient),
        }
    }

    /// Heads or tails. Where a test chooses it is heads.
    pub(super) fn coin(&mut self) -> bool {
        !matches!(self.mischief, Mischief::Random { .. }) || self.roll().is_multiple_of(2)
    }

    /// `SplitMix64`: small, and the same everywhere.
    fn roll(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }
}
