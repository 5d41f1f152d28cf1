//! The state file, which persists an emulator's state across restarts.
//!
//! `FILE` contains a complete state, and `FILE.journal` the writes since then, one per line. The
//! response to a write is sent after its line is on disk. Handlers depend only on the state and the
//! call, so replaying the lines gives the same state. Both files carry a generation: a new state
//! replaces the old one atomically, and it already includes the journals of older generations.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::apply::replay;
use crate::call::Call;
use crate::state::organisations::Organisations;

/// A journal that is longer than both this and the state is compacted into the state.
const MIN_COMPACTION_SIZE: u64 = 4 * 1024 * 1024;

/// An open state file.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    generation: u64,
    /// The length of the journal in bytes.
    length: u64,
    /// The length at which the journal is compacted.
    max_length: u64,
    /// Whether a write to disk failed; no further writes are accepted then.
    failed: bool,
    /// The lock that keeps other processes from opening the file.
    _lock: File,
}

#[derive(Serialize)]
struct SavedRef<'a> {
    generation: u64,
    organisations: &'a Organisations,
}

#[derive(Deserialize)]
struct Saved {
    generation: u64,
    organisations: Organisations,
}

/// The first line of a journal.
#[derive(Serialize, Deserialize)]
struct JournalHeader {
    generation: u64,
}

/// Every other line: the position of the organisation, and the call.
#[derive(Deserialize)]
struct Entry(usize, Call);

#[derive(Serialize)]
struct EntryRef<'a>(usize, &'a Call);

impl Journal {
    /// Opens a state file, or creates it with `initial`, and returns the state.
    pub(crate) fn open(
        path: &Path,
        initial: impl FnOnce() -> Result<Organisations, String>,
    ) -> Result<(Self, Organisations), String> {
        let lock = lock(path)?;
        let (generation, organisations) = match read(path)? {
            Some(saved) => replay_journal(path, saved)?,
            None => (0, initial()?),
        };
        let generation = generation + 1;
        let context = |error: io::Error| {
            format!(
                "{}: failed to write the state file: {error}",
                path.display()
            )
        };
        let length = save(path, generation, &organisations).map_err(context)?;
        let (file, header_length) = create_journal(path, generation).map_err(context)?;
        let journal = Self {
            path: path.to_owned(),
            file,
            generation,
            length: header_length,
            max_length: MIN_COMPACTION_SIZE.max(length),
            failed: false,
            _lock: lock,
        };
        Ok((journal, organisations))
    }

    /// Returns the generation, which increases with every complete write of the state.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Returns whether further writes can be persisted.
    pub(crate) fn is_writable(&self) -> bool {
        !self.failed
    }

    /// Appends a write and syncs it to disk.
    pub(crate) fn append(&mut self, organisation: usize, call: &Call) -> io::Result<()> {
        let result = self.try_append(organisation, call);
        self.failed |= result.is_err();
        result
    }

    fn try_append(&mut self, organisation: usize, call: &Call) -> io::Result<()> {
        let mut line = serde_json::to_vec(&EntryRef(organisation, call))?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Compacts the journal if it has reached its maximum length.
    pub(crate) fn compact_if_long(&mut self, organisations: &Organisations) -> io::Result<()> {
        if self.length < self.max_length {
            return Ok(());
        }
        self.compact(organisations)
    }

    /// Writes the complete state and starts a new journal.
    pub(crate) fn compact(&mut self, organisations: &Organisations) -> io::Result<()> {
        let result = self.try_compact(organisations);
        self.failed |= result.is_err();
        result
    }

    fn try_compact(&mut self, organisations: &Organisations) -> io::Result<()> {
        self.generation += 1;
        self.max_length =
            MIN_COMPACTION_SIZE.max(save(&self.path, self.generation, organisations)?);
        (self.file, self.length) = create_journal(&self.path, self.generation)?;
        Ok(())
    }
}

fn sibling_path(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn lock(path: &Path) -> Result<File, String> {
    let context = |message: String| format!("{}: {message}", path.display());
    let file = owner_only()
        .write(true)
        .create(true)
        .truncate(false)
        .open(sibling_path(path, ".lock"))
        .map_err(|error| context(format!("failed to lock the state file: {error}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(context(
            "another emulator is using this state file".to_owned(),
        )),
    }
}

/// Reads the saved state; returns `None` if the file does not exist.
fn read(path: &Path) -> Result<Option<Saved>, String> {
    let context = |message: String| format!("{}: {message}", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(context(format!("failed to read the state file: {error}"))),
    };
    serde_json::from_reader(BufReader::new(file))
        .map(Some)
        .map_err(|error| context(format!("not a valid state file: {error}")))
}

/// Replays the journal on the saved state.
fn replay_journal(path: &Path, saved: Saved) -> Result<(u64, Organisations), String> {
    let Saved {
        generation,
        mut organisations,
    } = saved;
    let path = sibling_path(path, ".journal");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Ok((generation, organisations));
        }
        Err(error) => {
            return Err(format!(
                "{}: failed to read the journal: {error}",
                path.display()
            ));
        }
    };
    let mut lines = BufReader::new(file).split(b'\n').enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let context =
            |message: String| format!("{}, line {}: {message}", path.display(), number + 1);
        let line = line.map_err(|error| context(error.to_string()))?;
        if number == 0 {
            match serde_json::from_slice::<JournalHeader>(&line) {
                Ok(header) if header.generation == generation => continue,
                // The state already includes a journal of an older generation.
                Ok(_) => break,
                Err(error) => return Err(context(error.to_string())),
            }
        }
        match serde_json::from_slice(&line) {
            Ok(entry) => replay_entry(&mut organisations, &entry).map_err(context)?,
            // The last line is incomplete, so its write was never acknowledged.
            Err(_) if lines.peek().is_none() => break,
            Err(error) => return Err(context(error.to_string())),
        }
    }
    Ok((generation, organisations))
}

fn replay_entry(
    organisations: &mut Organisations,
    Entry(organisation, call): &Entry,
) -> Result<(), String> {
    let organisation = organisations.all.get_mut(*organisation);
    let organisation = organisation.ok_or_else(|| "unknown organisation".to_owned())?;
    match replay(&mut organisation.state, call) {
        Ok(_) => Ok(()),
        Err(error) => Err(format!(
            "failed to replay `{}`: {}",
            call.operation, error.body
        )),
    }
}

/// Atomically replaces the saved state and returns its length.
fn save(path: &Path, generation: u64, organisations: &Organisations) -> io::Result<u64> {
    let new = sibling_path(path, ".new");
    let mut file = owner_only()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&new)?;
    let mut buffer = io::BufWriter::new(&file);
    serde_json::to_writer(
        &mut buffer,
        &SavedRef {
            generation,
            organisations,
        },
    )?;
    buffer.flush()?;
    drop(buffer);
    file.sync_all()?;
    let length = file.seek(SeekFrom::End(0))?;
    rename_over(&new, path)?;
    Ok(length)
}

/// Replaces the journal with an empty one and returns the open file and its length.
fn create_journal(path: &Path, generation: u64) -> io::Result<(File, u64)> {
    let new = sibling_path(path, ".journal.new");
    let mut line = serde_json::to_vec(&JournalHeader { generation })?;
    line.push(b'\n');
    let mut file = owner_only()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&new)?;
    file.write_all(&line)?;
    file.sync_all()?;
    rename_over(&new, &sibling_path(path, ".journal"))?;
    Ok((file, line.len() as u64))
}

fn rename_over(new: &Path, old: &Path) -> io::Result<()> {
    fs::rename(new, old)?;
    // The rename is durable once the directory is synced. Not all systems can open directories.
    let folder = old.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        folder.sync_all()?;
    }
    Ok(())
}

/// Returns options that make new files readable by their owner only, since the state contains keys.
fn owner_only() -> OpenOptions {
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.mode(0o600);
    }
    options
}

#[cfg(test)]
mod tests {
    use std::path::{Path, PathBuf};

    use chrono::Utc;
    use serde_json::{Map, Value, json};

    use super::{Journal, sibling_path};
    use crate::apply::replay;
    use crate::call::{Call, Caller, RequestMetadata};
    use crate::ids::Ids;
    use crate::seed::{self, Organisation};
    use crate::state::organisations::Organisations;

    /// A temporary directory that is removed on drop.
    struct TempDir(PathBuf);

    impl TempDir {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("journal-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn state(&self) -> PathBuf {
            self.0.join("state.json")
        }
    }

    impl Drop for TempDir {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn open(path: &Path) -> (Journal, Organisations) {
        let initial = || {
            let state = seed::state(&Organisation::named("A"), Utc::now(), &Ids::new(1))?;
            Ok(Organisations::new([state]))
        };
        Journal::open(path, initial).unwrap()
    }

    fn call(number: u64) -> Call {
        Call {
            operation: "create_workspace".to_owned(),
            caller: Caller::anonymous(),
            workspace_id: None,
            path: Vec::new(),
            query: Map::new(),
            body: json!({"name": format!("w{number}")}),
            form: None,
            scripted_reply: None,
            has_scripted_content: false,
            now: Utc::now(),
            ids: Ids::new(number),
            origin: String::new(),
            request: RequestMetadata::default(),
            paging: None,
        }
    }

    fn write(journal: &mut Journal, organisations: &mut Organisations, number: u64) {
        let call = call(number);
        replay(&mut organisations.all[0].state, &call).unwrap();
        journal.append(0, &call).unwrap();
    }

    fn value(organisations: &Organisations) -> Value {
        serde_json::to_value(organisations).unwrap()
    }

    #[test]
    fn appended_writes_are_replayed() {
        let folder = TempDir::new("again");
        let (mut journal, mut organisations) = open(&folder.state());
        for number in 0..3 {
            write(&mut journal, &mut organisations, number);
        }
        drop(journal);
        let (mut journal, mut reopened) = open(&folder.state());
        assert_eq!(value(&reopened), value(&organisations));
        write(&mut journal, &mut reopened, 9);
        drop(journal);
        assert_eq!(value(&open(&folder.state()).1), value(&reopened));
    }

    #[test]
    fn a_crash_between_state_and_journal_loses_and_repeats_nothing() {
        let folder = TempDir::new("between");
        let (mut journal, mut organisations) = open(&folder.state());
        write(&mut journal, &mut organisations, 1);
        let path = sibling_path(&folder.state(), ".journal");
        let old = std::fs::read(&path).unwrap();
        journal.compact(&organisations).unwrap();
        drop(journal);
        // The new state had replaced the old one, but the new journal had not.
        std::fs::write(&path, old).unwrap();
        assert_eq!(value(&open(&folder.state()).1), value(&organisations));
    }

    #[test]
    fn a_long_journal_is_compacted() {
        let folder = TempDir::new("long");
        let (mut journal, mut organisations) = open(&folder.state());
        write(&mut journal, &mut organisations, 1);
        let (before, generation) = (journal.length, journal.generation());
        journal.compact_if_long(&organisations).unwrap();
        assert_eq!((journal.length, journal.generation()), (before, generation));
        journal.max_length = 1;
        journal.compact_if_long(&organisations).unwrap();
        assert!(journal.length < before && journal.generation() > generation);
        drop(journal);
        assert_eq!(value(&open(&folder.state()).1), value(&organisations));
    }

    #[test]
    fn a_failed_append_makes_the_journal_unwritable() {
        let folder = TempDir::new("fails");
        let (mut journal, organisations) = open(&folder.state());
        journal.file = std::fs::File::open(folder.state()).unwrap();
        assert!(journal.append(0, &call(1)).is_err() && !journal.is_writable());
        drop(journal);
        assert_eq!(value(&open(&folder.state()).1), value(&organisations));
    }
}
