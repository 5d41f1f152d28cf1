//! The body of one attempt: what is there goes out as it is, files piece by piece.

use std::{
    collections::VecDeque,
    io,
    pin::Pin,
    task::{Context, Poll, ready},
};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, ReadBuf};

use super::{ProgressCallback, UploadProgress, reader::PartReadError};
use crate::transport::Heartbeat;

/// How much is read and handed on at once.
const CHUNK_SIZE: usize = 64 * 1024;

type Reader = Pin<Box<dyn AsyncRead + Send + Sync>>;

/// A body in the making.
#[derive(Default)]
pub(super) struct BodyBuilder {
    segments: VecDeque<Segment>,
    text: String,
}

/// A body on its way.
pub(crate) struct FormBody {
    segments: VecDeque<Segment>,
    progress: UploadProgress,
    buffer: Box<[u8]>,
    heartbeat: Heartbeat,
    listener: Option<ProgressCallback>,
}

enum Segment {
    Bytes(Bytes),
    Reader {
        /// What it is called where it cannot be read.
        what: String,
        reader: Reader,
        /// How many bytes are still to come, where that is known.
        left: Option<u64>,
    },
}

impl BodyBuilder {
    pub(super) fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn bytes(&mut self, bytes: Bytes) {
        self.settle();
        self.segments.push_back(Segment::Bytes(bytes));
    }

    pub(super) fn reader(&mut self, what: String, reader: Reader, left: Option<u64>) {
        self.settle();
        self.segments
            .push_back(Segment::Reader { what, reader, left });
    }

    pub(super) fn finish(
        mut self,
        heartbeat: Heartbeat,
        listener: Option<ProgressCallback>,
    ) -> FormBody {
        self.settle();
        let mut lengths = self.segments.iter().map(Segment::length);
        let total = lengths.try_fold(0_u64, |sum, length| sum.checked_add(length?));
        FormBody {
            segments: self.segments,
            progress: UploadProgress { sent: 0, total },
            buffer: vec![0; CHUNK_SIZE].into(),
            heartbeat,
            listener,
        }
    }

    fn settle(&mut self) {
        let text = std::mem::take(&mut self.text);
        if !text.is_empty() {
            self.segments.push_back(Segment::Bytes(text.into()));
        }
    }
}

impl Segment {
    fn length(&self) -> Option<u64> {
        match self {
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Reader { left, .. } => *left,
        }
    }

    /// The next piece, which is empty at the end.
    fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<Bytes, PartReadError>> {
        match self {
            Self::Bytes(bytes) => Poll::Ready(Ok(bytes.split_to(bytes.len().min(CHUNK_SIZE)))),
            Self::Reader { what, reader, left } => {
                let read = ready!(poll_read(reader.as_mut(), left, context, buffer));
                Poll::Ready(read.map_err(|error| PartReadError::new(what.clone(), error)))
            }
        }
    }
}

fn poll_read(
    reader: Pin<&mut (dyn AsyncRead + Send + Sync)>,
    left: &mut Option<u64>,
    context: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<Bytes>> {
    let most = left.and_then(|left| usize::try_from(left).ok());
    let most = most.unwrap_or(CHUNK_SIZE).min(buffer.len());
    if most == 0 {
        return Poll::Ready(Ok(Bytes::new()));
    }
    let mut buffer = ReadBuf::new(&mut buffer[..most]);
    ready!(reader.poll_read(context, &mut buffer))?;
    let read = buffer.filled();
    if let Some(left) = left {
        if read.is_empty() {
            let problem = format!("it ends {left} bytes too early");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, problem)));
        }
        *left -= read.len() as u64;
    }
    Poll::Ready(Ok(Bytes::copy_from_slice(read)))
}

impl FormBody {
    fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Bytes, PartReadError>>> {
        while let Some(segment) = self.segments.front_mut() {
            match ready!(segment.poll_chunk(context, &mut self.buffer)) {
                Ok(piece) if piece.is_empty() => drop(self.segments.pop_front()),
                Ok(piece) => {
                    self.progress.sent += piece.len() as u64;
                    return Poll::Ready(Some(Ok(piece)));
                }
                Err(error) => {
                    self.segments.clear();
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
        Poll::Ready(None)
    }
}

impl Body for FormBody {
    type Data = Bytes;
    type Error = PartReadError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PartReadError>>> {
        // Being asked for more means that what was given is on its way.
        self.heartbeat.mark();
        let piece = ready!(self.poll_chunk(context));
        self.heartbeat.mark();
        if let (Some(Ok(_)), Some(listener)) = (&piece, &self.listener) {
            listener.call(self.progress);
        }
        Poll::Ready(piece.map(|piece| piece.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.segments.is_empty()
    }

    fn size_hint(&self) -> SizeHint {
        match self.progress.total {
            Some(total) => SizeHint::with_exact(total.saturating_sub(self.progress.sent)),
            None => SizeHint::default(),
        }
    }
}
