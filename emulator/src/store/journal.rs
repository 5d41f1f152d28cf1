//! The journal: the writes since the last complete state, one per line.
//!
//! A line is a checksum, a space and JSON. The checksum covers the line and the checksum of the line
//! before it, so that a changed, missing, repeated or moved line is noticed. The first line names the
//! state that the journal belongs to.
//!
//! Written by hand: crates for write-ahead logs store binary segments in a folder of their own, where
//! here one file of readable lines is enough.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use super::files::{NewFile, open, sibling};
use super::saved_state::{SavedState, VERSION, written_by};
use crate::apply::replay;
use crate::call::Call;
use crate::http::content::Checksum;
use crate::state::organisations::Organisations;

/// The length of a line's checksum in hexadecimal digits.
const CHECKSUM_LENGTH: usize = 16;

/// The first line.
#[derive(Serialize, Deserialize)]
struct Header {
    version: String,
    /// The generation and the checksum of the state.
    generation: u64,
    state: String,
}

/// Every other line: the position of the organisation, and the call.
#[derive(Deserialize)]
struct Entry(usize, Call);

#[derive(Serialize)]
struct EntryRef<'a>(usize, &'a Call);

/// An open journal.
#[derive(Debug)]
pub(super) struct Journal {
    file: File,
    /// The length in bytes of all lines that are on disk.
    length: u64,
    /// The checksum of the last line.
    checksum: String,
}

pub(super) fn path_of(state: &Path) -> PathBuf {
    sibling(state, ".journal")
}

impl Journal {
    /// Replaces the journal beside a state file with an empty one.
    pub(super) fn create(path: &Path, generation: u64, state: &str) -> io::Result<Self> {
        let header = serde_json::to_vec(&Header {
            version: VERSION.to_owned(),
            generation,
            state: state.to_owned(),
        })?;
        let checksum = chain("", &header);
        let line = line(&checksum, &header);
        let new = NewFile::write(&path_of(path), |buffer| buffer.write_all(&line))?;
        Ok(Self {
            file: new.rename()?,
            length: line.len() as u64,
            checksum,
        })
    }

    pub(super) fn length(&self) -> u64 {
        self.length
    }

    /// Appends a write and syncs it to disk. After an error, the journal is closed.
    pub(super) fn append(mut self, organisation: usize, call: &Call) -> Result<Self, AppendError> {
        match self.try_append(organisation, call) {
            Ok(()) => Ok(self),
            Err(error) => {
                // Removes what was written of the line, so that a later start does not find it.
                let _ = self.file.set_len(self.length);
                Err(AppendError {
                    error,
                    length: self.length,
                })
            }
        }
    }

    fn try_append(&mut self, organisation: usize, call: &Call) -> io::Result<()> {
        let entry = serde_json::to_vec(&EntryRef(organisation, call))?;
        let checksum = chain(&self.checksum, &entry);
        let line = line(&checksum, &entry);
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.length += line.len() as u64;
        self.checksum = checksum;
        Ok(())
    }
}

#[cfg(test)]
impl Journal {
    /// Makes every further append fail.
    pub(super) fn make_read_only(&mut self, path: &Path) {
        self.file = File::open(path).unwrap();
    }
}

/// A failed append, and the length of the journal before it.
pub(super) struct AppendError {
    pub(super) error: io::Error,
    pub(super) length: u64,
}

fn chain(previous: &str, json: &[u8]) -> String {
    let mut checksum = Checksum::default();
    checksum.update(previous.as_bytes());
    checksum.update(json);
    let mut checksum = checksum.finish();
    checksum.truncate(CHECKSUM_LENGTH);
    checksum
}

fn line(checksum: &str, json: &[u8]) -> Vec<u8> {
    [checksum.as_bytes(), b" ", json, b"\n"].concat()
}

/// Returns whether the journal beside a state file contains writes.
pub(super) fn has_entries(state: &Path) -> Result<bool, String> {
    let path = path_of(state);
    let Some(file) = open(&path)? else {
        return Ok(false);
    };
    let mut lines = Lines::new(&path, file);
    lines.next_line()?;
    Ok(lines.next_line()?.is_some())
}

/// Replays the first `max_length` bytes of the journal on the state beside it.
pub(super) fn replay_on(
    state: &Path,
    saved: SavedState,
    max_length: u64,
) -> Result<Organisations, String> {
    let path = path_of(state);
    let mut organisations = saved.organisations;
    let Some(file) = open(&path)? else {
        let message = format!("the journal of {} is missing", state.display());
        return Err(format!("{}: {message}", path.display()));
    };
    let mut lines = Lines::new(&path, file.take(max_length));
    let Some(header) = lines.next_line()? else {
        return Err(lines.error("the first line is missing"));
    };
    let header: Header = serde_json::from_slice(&header)
        .map_err(|error| lines.error(&written_by(None, &error.to_string())))?;
    if header.generation < saved.generation {
        // The state already includes a journal of an older generation.
        return Ok(organisations);
    }
    if header.generation > saved.generation {
        let (journal, state) = (header.generation, saved.generation);
        let message =
            format!("the journal is newer (generation {journal}) than the state ({state})");
        return Err(lines.error(&message));
    }
    if header.state != saved.checksum {
        return Err(lines.error("the journal belongs to another state"));
    }
    while let Some(json) = lines.next_line()? {
        let version = Some(header.version.as_str());
        let entry: Entry = serde_json::from_slice(&json)
            .map_err(|error| lines.error(&written_by(version, &error.to_string())))?;
        replay_entry(&mut organisations, &entry).map_err(|error| {
            let operation = &entry.1.operation;
            lines.error(&written_by(
                version,
                &format!("`{operation}` failed: {error}"),
            ))
        })?;
    }
    Ok(organisations)
}

fn replay_entry(
    organisations: &mut Organisations,
    Entry(organisation, call): &Entry,
) -> Result<(), String> {
    let organisation = organisations.all.get_mut(*organisation);
    let organisation = organisation.ok_or_else(|| "unknown organisation".to_owned())?;
    match replay(&mut organisation.state, call) {
        Ok(_) => Ok(()),
        Err(error) => Err(error.body.to_string()),
    }
}

/// The complete lines of a journal.
struct Lines<'a, R> {
    path: &'a Path,
    reader: BufReader<R>,
    number: usize,
    checksum: String,
}

impl<'a, R: Read> Lines<'a, R> {
    fn new(path: &'a Path, file: R) -> Self {
        Self {
            path,
            reader: BufReader::new(file),
            number: 0,
            checksum: String::new(),
        }
    }

    /// Returns the JSON of the next line; `None` at the end. A last line without its end was never
    /// acknowledged, and is skipped.
    fn next_line(&mut self) -> Result<Option<Vec<u8>>, String> {
        let mut line = Vec::new();
        let read = self.reader.read_until(b'\n', &mut line);
        read.map_err(|error| self.error(&error.to_string()))?;
        let Some(end) = line.pop() else {
            return Ok(None);
        };
        let (expected, json) = line.split_at_checked(CHECKSUM_LENGTH).unwrap_or_default();
        let json = json.strip_prefix(b" ").unwrap_or_default();
        let found = chain(&self.checksum, json);
        let is_valid = expected == found.as_bytes();
        if end != b'\n' && !is_valid {
            return Ok(None);
        }
        self.number += 1;
        if end != b'\n' {
            return Err(self.error("damaged: expected a line feed at its end"));
        }
        if !is_valid {
            let expected = String::from_utf8_lossy(expected);
            let message = format!("damaged: expected the checksum {expected}, found {found}");
            return Err(self.error(&message));
        }
        self.checksum = found;
        line.drain(..=CHECKSUM_LENGTH);
        Ok(Some(line))
    }

    fn error(&self, message: &str) -> String {
        let line = self.number.max(1);
        format!("{}, line {line}: {message}", self.path.display())
    }
}
