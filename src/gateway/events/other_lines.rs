//! Lines of a body that belong to no event, such as an error that follows the events.

use bytes::Bytes;
use memchr::memchr2;

use crate::error::MAX_BODY_LEN;

/// The fields of events. Others are ignored by the format.
const FIELDS: [&[u8]; 4] = [b"data", b"event", b"id", b"retry"];

/// The length of the longest field name and a colon.
const START_LEN: usize = 6;

/// The lines since the last field `data` that are neither a field nor a comment, up to 1 MiB.
#[derive(Default)]
pub(super) struct OtherLines {
    lines: Vec<u8>,
    current: Line,
}

/// The part of the current line that was received.
enum Line {
    /// The start, which is too short to know what it is.
    Start(Vec<u8>),
    /// A field or a comment.
    Event,
    Other,
}

impl Default for Line {
    fn default() -> Self {
        Self::Start(Vec::new())
    }
}

impl OtherLines {
    /// Adds a chunk of the body.
    pub(super) fn add(&mut self, chunk: &[u8]) {
        let mut rest = chunk;
        while let Some(end) = memchr2(b'\n', b'\r', rest) {
            self.add_to_line(&rest[..end]);
            self.end_line();
            rest = &rest[end + 1..];
        }
        self.add_to_line(rest);
    }

    /// Takes the lines, without white space around them.
    pub(super) fn take(&mut self) -> Bytes {
        self.end_line();
        Bytes::copy_from_slice(std::mem::take(&mut self.lines).trim_ascii())
    }

    fn add_to_line(&mut self, part: &[u8]) {
        match &mut self.current {
            Line::Event => {}
            Line::Other => self.push(part),
            Line::Start(start) => {
                let (head, tail) = part.split_at(part.len().min(START_LEN - start.len()));
                start.extend_from_slice(head);
                if start.len() == START_LEN {
                    self.classify();
                    self.add_to_line(tail);
                }
            }
        }
    }

    fn end_line(&mut self) {
        self.classify();
        if matches!(self.current, Line::Other) {
            self.push(b"\n");
        }
        self.current = Line::default();
    }

    /// Determines what the current line is, if it is not known.
    fn classify(&mut self) {
        let Line::Start(start) = &mut self.current else {
            return;
        };
        let start = std::mem::take(start);
        let name = start.split(|byte| *byte == b':').next();
        let name = name.unwrap_or_default();
        // Comments and empty lines have no name.
        self.current = match name.is_empty() || FIELDS.contains(&name) {
            true => Line::Event,
            false => Line::Other,
        };
        match self.current {
            Line::Other => self.push(&start),
            _ if name == FIELDS[0] => self.lines.clear(),
            _ => {}
        }
    }

    fn push(&mut self, bytes: &[u8]) {
        let length = bytes
            .len()
            .min(MAX_BODY_LEN.saturating_sub(self.lines.len()));
        self.lines.extend_from_slice(&bytes[..length]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_after_the_last_data_are_collected_from_any_chunks() {
        for (body, expected) in [
            ("data: 1\n\n{\"error\": 1}\n", "{\"error\": 1}"),
            ("data: 1\n\n{\"error\": 1}", "{\"error\": 1}"),
            ("{\r\n  \"error\": 1\r\n}\r\n", "{\n  \"error\": 1\n}"),
            ("error: overloaded\n\n", "error: overloaded"),
            ("upstream\rfailed", "upstream\nfailed"),
            ("<html>", "<html>"),
            ("events", "events"),
            ("x\ndata\n\ny", "y"),
            (
                "x\ndata: 1\n\n: comment\n:\n\nevent: a\nid\nretry:1\nevent",
                "",
            ),
            ("", ""),
            (" \n\n ", ""),
        ] {
            for size in 1..=body.len().max(1) {
                let mut lines = OtherLines::default();
                body.as_bytes()
                    .chunks(size)
                    .for_each(|chunk| lines.add(chunk));
                assert_eq!(lines.take(), expected, "{body:?} in chunks of {size}");
            }
        }
    }

    #[test]
    fn collected_lines_are_limited_in_size() {
        let mut lines = OtherLines::default();
        for _ in 0..3 {
            lines.add(&[b'x'; MAX_BODY_LEN / 2]);
        }
        assert_eq!(lines.take().len(), MAX_BODY_LEN);
    }
}
