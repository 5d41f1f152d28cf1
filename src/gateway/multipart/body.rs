//! The body of one attempt, which reads files in chunks while it is sent.

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

/// The maximum size of a chunk in bytes.
const CHUNK_SIZE: usize = 64 * 1024;

type Reader = Pin<Box<dyn AsyncRead + Send + Sync>>;

/// Builder of a [`FormBody`].
#[derive(Default)]
pub(super) struct BodyBuilder {
    segments: VecDeque<Segment>,
    text: String,
}

/// A multipart body that is being sent.
pub(crate) struct FormBody {
    segments: VecDeque<Segment>,
    progress: UploadProgress,
    buffer: Box<[u8]>,
    heartbeat: Heartbeat,
    progress_callback: Option<ProgressCallback>,
}

enum Segment {
    Bytes(Bytes),
    Reader {
        /// The name of the part in error messages.
        description: String,
        reader: Reader,
        /// The number of bytes that remain to be read, if the length is known.
        remaining: Option<u64>,
    },
}

impl BodyBuilder {
    pub(super) fn text(&mut self, text: &str) {
        self.text.push_str(text);
    }

    pub(super) fn bytes(&mut self, bytes: Bytes) {
        self.flush_text();
        self.segments.push_back(Segment::Bytes(bytes));
    }

    pub(super) fn reader(&mut self, description: String, reader: Reader, remaining: Option<u64>) {
        self.flush_text();
        self.segments.push_back(Segment::Reader {
            description,
            reader,
            remaining,
        });
    }

    pub(super) fn finish(
        mut self,
        heartbeat: Heartbeat,
        progress_callback: Option<ProgressCallback>,
    ) -> FormBody {
        self.flush_text();
        let mut lengths = self.segments.iter().map(Segment::length);
        let total = lengths.try_fold(0_u64, |sum, length| sum.checked_add(length?));
        FormBody {
            segments: self.segments,
            progress: UploadProgress { sent: 0, total },
            buffer: vec![0; CHUNK_SIZE].into(),
            heartbeat,
            progress_callback,
        }
    }

    fn flush_text(&mut self) {
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
            Self::Reader { remaining, .. } => *remaining,
        }
    }

    /// Polls for the next chunk, which is empty at the end.
    fn poll_chunk(
        &mut self,
        context: &mut Context<'_>,
        buffer: &mut [u8],
    ) -> Poll<Result<Bytes, PartReadError>> {
        match self {
            Self::Bytes(bytes) => Poll::Ready(Ok(bytes.split_to(bytes.len().min(CHUNK_SIZE)))),
            Self::Reader {
                description,
                reader,
                remaining,
            } => {
                let read = ready!(poll_read(reader.as_mut(), remaining, context, buffer));
                Poll::Ready(read.map_err(|error| PartReadError::new(description.clone(), error)))
            }
        }
    }
}

fn poll_read(
    reader: Pin<&mut (dyn AsyncRead + Send + Sync)>,
    remaining: &mut Option<u64>,
    context: &mut Context<'_>,
    buffer: &mut [u8],
) -> Poll<io::Result<Bytes>> {
    let max_len = remaining.and_then(|remaining| usize::try_from(remaining).ok());
    let max_len = max_len.unwrap_or(CHUNK_SIZE).min(buffer.len());
    if max_len == 0 {
        return Poll::Ready(Ok(Bytes::new()));
    }
    let mut buffer = ReadBuf::new(&mut buffer[..max_len]);
    ready!(reader.poll_read(context, &mut buffer))?;
    let read = buffer.filled();
    if let Some(remaining) = remaining {
        if read.is_empty() {
            let problem = format!("unexpected end of input: {remaining} bytes are missing");
            return Poll::Ready(Err(io::Error::new(io::ErrorKind::UnexpectedEof, problem)));
        }
        *remaining -= read.len() as u64;
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
                Ok(chunk) if chunk.is_empty() => drop(self.segments.pop_front()),
                Ok(chunk) => {
                    self.progress.sent += chunk.len() as u64;
                    return Poll::Ready(Some(Ok(chunk)));
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
        // A further poll means that the connection has taken the previous chunk.
        self.heartbeat.mark();
        let chunk = ready!(self.poll_chunk(context));
        self.heartbeat.mark();
        if let (Some(Ok(_)), Some(progress_callback)) = (&chunk, &self.progress_callback) {
            progress_callback.call(self.progress);
        }
        Poll::Ready(chunk.map(|chunk| chunk.map(Frame::data)))
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
