//! How the chunks of a response are sent, as set by a script.

use std::time::Duration;

/// How a response is sent.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Delivery {
    pub(crate) pace: Duration,
    pub(crate) chunk_size: Option<usize>,
    pub(crate) line_ending: LineEnding,
    pub(crate) comment: Option<String>,
    pub(crate) keep_alive: Option<Duration>,
    /// The number of chunks after which the response stops, and how it stops.
    pub(crate) stop: Option<(u64, Stop)>,
}

/// How a response stops before its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// The response ends normally.
    End,
    /// The response ends normally after half of the next chunk.
    EndMidChunk,
    /// The connection is closed.
    Close,
    /// The connection is closed after half of the next chunk.
    CloseMidChunk,
    /// The connection is reset.
    Reset,
    /// Nothing more is sent, and the connection stays open.
    Stall,
}

/// The line ending of an event stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LineEnding {
    /// `\n`, as in the service.
    #[default]
    Lf,
    /// `\r\n`.
    CrLf,
    /// `\r`.
    Cr,
}

impl LineEnding {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Lf => "\n",
            Self::CrLf => "\r\n",
            Self::Cr => "\r",
        }
    }
}
