//! The file that contains a complete state, as one JSON object. Its last member is the checksum of
//! everything before it.

use std::io::{self, Read, Write};
use std::path::Path;

use serde::de::IgnoredAny;
use serde::{Deserialize, Serialize};

use super::files::{NewFile, open};
use crate::http::content::Checksum;
use crate::state::organisations::Organisations;

/// The version of the emulator that writes the files.
pub(super) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What surrounds the checksum at the end of the file.
const CHECKSUM_START: &[u8] = b",\"sha256\":\"";
const CHECKSUM_END: &[u8] = b"\"}\n";
const CHECKSUM_LENGTH: usize = 64;

#[derive(Serialize)]
struct SavedRef<'a> {
    version: &'static str,
    generation: u64,
    organisations: &'a Organisations,
}

/// A state that was read.
pub(super) struct SavedState {
    pub(super) generation: u64,
    pub(super) organisations: Organisations,
    pub(super) checksum: String,
}

#[derive(Deserialize)]
struct Saved {
    generation: u64,
    organisations: Organisations,
}

/// The members by which the file of another version is recognised.
#[derive(Deserialize)]
struct Outline {
    version: Option<String>,
    organisations: Option<IgnoredAny>,
}

/// A written state, which does not replace the old one yet.
pub(super) struct NewState {
    pub(super) file: NewFile,
    pub(super) length: u64,
    pub(super) checksum: String,
}

impl NewState {
    /// Writes a state that shall replace the one at `path`.
    pub(super) fn write(
        path: &Path,
        generation: u64,
        organisations: &Organisations,
    ) -> io::Result<Self> {
        let saved = SavedRef {
            version: VERSION,
            generation,
            organisations,
        };
        let (mut length, mut checksum) = (0, String::new());
        let file = NewFile::write(path, |buffer| {
            let mut writer = ChecksumWriter::new(buffer);
            serde_json::to_writer(&mut writer, &saved)?;
            (length, checksum) = writer.finish()?;
            Ok(())
        })?;
        Ok(Self {
            file,
            length,
            checksum,
        })
    }
}

/// Writes an object without its closing brace, and its checksum at the end.
struct ChecksumWriter<W> {
    inner: W,
    checksum: Checksum,
    length: u64,
    /// The last byte, which is written only if another one follows.
    last: Option<u8>,
}

impl<W: Write> ChecksumWriter<W> {
    fn new(inner: W) -> Self {
        Self {
            inner,
            checksum: Checksum::default(),
            length: 0,
            last: None,
        }
    }

    fn write_checked(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.checksum.update(bytes);
        self.length += bytes.len() as u64;
        self.inner.write_all(bytes)
    }

    /// Replaces the closing brace by the checksum; returns the length and the checksum.
    fn finish(mut self) -> io::Result<(u64, String)> {
        let checksum = self.checksum.finish();
        for bytes in [CHECKSUM_START, checksum.as_bytes(), CHECKSUM_END] {
            self.length += bytes.len() as u64;
            self.inner.write_all(bytes)?;
        }
        Ok((self.length, checksum))
    }
}

impl<W: Write> Write for ChecksumWriter<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        if let Some((last, start)) = bytes.split_last() {
            if let Some(before) = self.last.replace(*last) {
                self.write_checked(&[before])?;
            }
            self.write_checked(start)?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

/// Reads a saved state; returns `None` if the file does not exist.
pub(super) fn read(path: &Path) -> Result<Option<SavedState>, String> {
    let context = |message: String| format!("{}: {message}", path.display());
    let Some(mut file) = open(path)? else {
        return Ok(None);
    };
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .map_err(|error| context(format!("failed to read: {error}")))?;
    parse(&bytes).map(Some).map_err(context)
}

fn parse(bytes: &[u8]) -> Result<SavedState, String> {
    let Some((content, expected)) = split_checksum(bytes) else {
        return Err(match serde_json::from_slice::<Outline>(bytes) {
            Ok(outline) if outline.organisations.is_some() => {
                written_by(outline.version.as_deref(), "it has no checksum at its end")
            }
            Ok(_) => "not a valid state file: expected a member `organisations`".to_owned(),
            Err(error) => format!("not a valid state file: {error}"),
        });
    };
    let mut checksum = Checksum::default();
    checksum.update(content);
    let checksum = checksum.finish();
    if checksum.as_bytes() != expected {
        return Err(format!(
            "damaged: expected the checksum {}, found {checksum}",
            String::from_utf8_lossy(expected)
        ));
    }
    match serde_json::from_slice::<Saved>(bytes) {
        Ok(saved) => Ok(SavedState {
            generation: saved.generation,
            organisations: saved.organisations,
            checksum,
        }),
        Err(error) => {
            let outline = serde_json::from_slice::<Outline>(bytes).ok();
            let version = outline.and_then(|outline| outline.version);
            Err(written_by(version.as_deref(), &error.to_string()))
        }
    }
}

/// Splits a file into the part that the checksum is computed of, and the checksum.
fn split_checksum(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    let bytes = bytes.strip_suffix(CHECKSUM_END)?;
    let (bytes, checksum) = bytes.split_at_checked(bytes.len().checked_sub(CHECKSUM_LENGTH)?)?;
    Some((bytes.strip_suffix(CHECKSUM_START)?, checksum))
}

/// Returns the message for undamaged data that this version cannot read.
pub(super) fn written_by(version: Option<&str>, reason: &str) -> String {
    let version = version.unwrap_or("unknown");
    format!(
        "written by another version of the emulator ({version}) and not readable by this one \
         ({VERSION}): {reason}; delete the file to start with a new state"
    )
}

#[cfg(test)]
mod tests {
    use super::{VERSION, parse};
    use crate::http::content::Checksum;

    fn error(text: &str) -> String {
        match parse(text.as_bytes()) {
            Ok(_) => panic!("{text} was read"),
            Err(error) => error,
        }
    }

    fn with_checksum(content: &str) -> String {
        let mut checksum = Checksum::default();
        checksum.update(content.as_bytes());
        format!("{content},\"sha256\":\"{}\"}}\n", checksum.finish())
    }

    #[test]
    fn a_state_of_another_version_is_named_as_such() {
        let earlier = r#"{"generation":1,"organisations":{"all":[]}}"#;
        assert!(error(earlier).contains("written by another version of the emulator (unknown)"));
        let other = with_checksum(r#"{"version":"9.9.9","generation":1,"organisations":[]"#);
        assert!(error(&other).contains("(9.9.9) and not readable by this one"));
        let same = with_checksum(&format!(r#"{{"version":"{VERSION}","organisations":{{}}"#));
        assert!(error(&same).contains("missing field"), "{}", error(&same));
    }

    #[test]
    fn other_files_and_damaged_ones_are_rejected() {
        for text in ["", "{", "[]", r#"{"a":1}"#, "\0\0\0"] {
            assert!(error(text).starts_with("not a valid state file"), "{text}");
        }
        let state = with_checksum(r#"{"version":"1","generation":1,"organisations":{"all":[]}"#);
        assert!(parse(state.as_bytes()).is_ok());
        let generation = state.replace("\"generation\":1", "\"generation\":2");
        assert!(error(&generation).starts_with("damaged: expected the checksum"));
    }
}
