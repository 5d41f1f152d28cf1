//! The state file, which persists an emulator's state across restarts.
//!
//! `FILE` contains a complete state, and `FILE.journal` the writes since then, one per line. The
//! response to a write is sent after its line is on disk. Handlers depend only on the state and the
//! call, so replaying the lines gives the same state. Both files carry a generation: a new state
//! replaces the old one atomically, and it already includes the journals of older generations.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use crate::call::Call;
use crate::state::organisations::Organisations;

mod files;
mod journal;
mod saved_state;

use journal::{AppendError, Journal};
use saved_state::NewState;

/// A journal that is longer than both this and the state is compacted into the state.
const MIN_COMPACTION_SIZE: u64 = 4 * 1024 * 1024;

/// An open state file.
#[derive(Debug)]
pub(crate) struct StateFile {
    path: PathBuf,
    generation: u64,
    /// `None` after a failed write; the next write then saves the complete state first.
    journal: Option<Journal>,
    /// The length at which the journal is compacted.
    max_length: u64,
    /// The lock that keeps other processes from opening the file.
    _lock: File,
}

/// A write that could not be persisted.
#[derive(Debug)]
pub(crate) struct WriteError {
    pub(crate) error: io::Error,
    /// The state before the write, as it is on disk; an error if it cannot be read either.
    pub(crate) before: Result<Organisations, String>,
}

impl StateFile {
    /// Opens a state file, or creates it with `initial`, and returns the state.
    pub(crate) fn open(
        path: &Path,
        initial: impl FnOnce() -> Result<Organisations, String>,
    ) -> Result<(Self, Organisations), String> {
        let lock = files::lock(path)?;
        let context = |error: io::Error| {
            let path = path.display();
            format!("{path}: failed to write the state file: {error}")
        };
        let saved = saved_state::read(path)?;
        let is_new = saved.is_none();
        let (generation, organisations) = match saved {
            Some(saved) => (
                saved.generation + 1,
                journal::replay_on(path, saved, u64::MAX)?,
            ),
            None if journal::has_entries(path)? => {
                let (path, journal) = (path.display(), journal::path_of(path));
                let journal = journal.display();
                return Err(format!("{path}: missing, but {journal} contains writes"));
            }
            None => (1, initial()?),
        };
        let new = NewState::write(path, generation, &organisations).map_err(context)?;
        let (length, checksum) = (new.length, new.checksum);
        let create = || Journal::create(path, generation, &checksum);
        // Every state has a journal, so that a missing one is noticed. That of an older generation
        // is needed until the state is replaced.
        let journal = if is_new {
            let journal = create().map_err(context)?;
            new.file.rename().map_err(context)?;
            journal
        } else {
            new.file.rename().map_err(context)?;
            files::sync_folder(path).map_err(context)?;
            create().map_err(context)?
        };
        files::sync_folder(path).map_err(context)?;
        let state_file = Self {
            path: path.to_owned(),
            generation,
            journal: Some(journal),
            max_length: MIN_COMPACTION_SIZE.max(length),
            _lock: lock,
        };
        Ok((state_file, organisations))
    }

    /// Returns the generation, which increases with every complete write of the state.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Saves the complete state if an earlier write failed, so that further writes can be appended.
    pub(crate) fn recover(&mut self, organisations: &Organisations) -> io::Result<()> {
        match self.journal {
            Some(_) => Ok(()),
            None => self.compact(organisations),
        }
    }

    /// Appends a write and syncs it to disk.
    pub(crate) fn append(&mut self, organisation: usize, call: &Call) -> Result<(), WriteError> {
        let Some(journal) = self.journal.take() else {
            let error = io::Error::other("an earlier write failed");
            let before = Err(error.to_string());
            return Err(WriteError { error, before });
        };
        match journal.append(organisation, call) {
            Ok(journal) => {
                self.journal = Some(journal);
                Ok(())
            }
            Err(AppendError { error, length }) => {
                let before = self.read_back(length);
                Err(WriteError { error, before })
            }
        }
    }

    /// Reads the state with the first `length` bytes of the journal.
    fn read_back(&self, length: u64) -> Result<Organisations, String> {
        let saved = saved_state::read(&self.path)?;
        let saved = saved.ok_or_else(|| format!("{}: missing", self.path.display()))?;
        journal::replay_on(&self.path, saved, length)
    }

    /// Compacts the journal if it has reached its maximum length.
    pub(crate) fn compact_if_long(&mut self, organisations: &Organisations) {
        let length = self.journal.as_ref().map_or(0, Journal::length);
        if length >= self.max_length && self.compact(organisations).is_err() {
            // The journal remains valid. Trying again at every write would be slow.
            self.max_length = length.saturating_mul(2);
        }
    }

    /// Writes the complete state and starts a new journal. After an error, the files are unchanged.
    pub(crate) fn compact(&mut self, organisations: &Organisations) -> io::Result<()> {
        let generation = self.generation + 1;
        let new = NewState::write(&self.path, generation, organisations)?;
        let (length, checksum) = (new.length, new.checksum);
        new.file.rename()?;
        self.generation = generation;
        self.max_length = MIN_COMPACTION_SIZE.max(length);
        // The state is saved, and the old journal is obsolete. Without a new one, the next write
        // saves the state again.
        self.journal = files::sync_folder(&self.path)
            .and_then(|()| Journal::create(&self.path, generation, &checksum))
            .ok();
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::{Path, PathBuf};

    use chrono::Utc;
    use serde_json::{Map, Value, json};

    use super::{StateFile, journal};
    use crate::apply::replay;
    use crate::call::{Call, Caller, RequestMetadata};
    use crate::ids::Ids;
    use crate::seed::{self, Organisation};
    use crate::state::organisations::Organisations;

    /// A temporary directory that is removed on drop.
    struct TempDir(PathBuf);

    impl TempDir {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("store-{name}-{}", std::process::id()));
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn state(&self) -> PathBuf {
            self.0.join("state.json")
        }

        fn journal(&self) -> PathBuf {
            journal::path_of(&self.state())
        }
    }

    impl Drop for TempDir {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn try_open(path: &Path) -> Result<(StateFile, Organisations), String> {
        let initial = || {
            let state = seed::state(&Organisation::named("A"), Utc::now(), &Ids::new(1))?;
            Ok(Organisations::new([state]))
        };
        StateFile::open(path, initial)
    }

    fn open(path: &Path) -> (StateFile, Organisations) {
        try_open(path).unwrap()
    }

    fn open_error(path: &Path) -> String {
        match try_open(path) {
            Ok(_) => panic!("the state was opened"),
            Err(error) => error,
        }
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

    fn write(file: &mut StateFile, organisations: &mut Organisations, number: u64) {
        let call = call(number);
        replay(&mut organisations.all[0].state, &call).unwrap();
        file.append(0, &call).unwrap();
    }

    fn value(organisations: &Organisations) -> Value {
        serde_json::to_value(organisations).unwrap()
    }

    /// Creates a state with three writes in its journal; returns the state and the journal.
    fn three_writes(folder: &TempDir) -> (Value, String) {
        let (mut file, mut organisations) = open(&folder.state());
        for number in 0..3 {
            write(&mut file, &mut organisations, number);
        }
        let journal = fs::read_to_string(folder.journal()).unwrap();
        (value(&organisations), journal)
    }

    #[test]
    fn appended_writes_are_replayed() {
        let folder = TempDir::new("again");
        let (before, _) = three_writes(&folder);
        let (mut file, mut reopened) = open(&folder.state());
        assert_eq!(value(&reopened), before);
        write(&mut file, &mut reopened, 9);
        drop(file);
        assert_eq!(value(&open(&folder.state()).1), value(&reopened));
    }

    #[test]
    fn a_crash_between_state_and_journal_loses_and_repeats_nothing() {
        let folder = TempDir::new("between");
        let (mut file, mut organisations) = open(&folder.state());
        write(&mut file, &mut organisations, 1);
        let old = fs::read(folder.journal()).unwrap();
        file.compact(&organisations).unwrap();
        drop(file);
        // The new state had replaced the old one, but the new journal had not.
        fs::write(folder.journal(), old).unwrap();
        assert_eq!(value(&open(&folder.state()).1), value(&organisations));
    }

    #[test]
    fn a_crash_before_the_first_state_creates_it_again() {
        let folder = TempDir::new("first");
        drop(open(&folder.state()));
        fs::remove_file(folder.state()).unwrap();
        open(&folder.state());
    }

    #[test]
    fn a_long_journal_is_compacted() {
        let folder = TempDir::new("long");
        let (mut file, mut organisations) = open(&folder.state());
        write(&mut file, &mut organisations, 1);
        let length = |file: &StateFile| file.journal.as_ref().unwrap().length();
        let (before, generation) = (length(&file), file.generation());
        file.compact_if_long(&organisations);
        assert_eq!((length(&file), file.generation()), (before, generation));
        file.max_length = 1;
        file.compact_if_long(&organisations);
        assert!(length(&file) < before && file.generation() > generation);
        drop(file);
        assert_eq!(value(&open(&folder.state()).1), value(&organisations));
    }

    #[test]
    fn a_last_line_without_its_end_is_skipped() {
        let folder = TempDir::new("torn");
        let (_, journal) = three_writes(&folder);
        let end = journal.trim_end().rfind('\n').unwrap();
        for length in [end + 2, end + 20, journal.len() - 1] {
            fs::write(folder.journal(), &journal[..length]).unwrap();
            let saved = super::saved_state::read(&folder.state()).unwrap().unwrap();
            let organisations = journal::replay_on(&folder.state(), saved, u64::MAX).unwrap();
            let workspaces = organisations.all[0].state.workspaces.iter();
            let names: Vec<String> = workspaces
                .map(|workspace| workspace.display_name())
                .collect();
            assert_eq!(names, ["w0", "w1"], "{length}");
        }
    }

    #[test]
    fn a_damaged_journal_is_refused_with_its_line() {
        let folder = TempDir::new("damaged");
        let (_, journal) = three_writes(&folder);
        let lines: Vec<&str> = journal.split_inclusive('\n').collect();
        let joined = |order: &[usize]| order.iter().map(|at| lines[*at]).collect::<String>();
        let cases = [
            (journal.replace("w2", "v2"), "line 4: damaged"),
            (journal.replacen("w0", "v0", 1), "line 2: damaged"),
            (
                journal.replace(&lines[3][..16], "0000000000000000"),
                "line 4: damaged",
            ),
            (
                journal.replacen("\"generation\":1", "\"generation\":0", 1),
                "line 1: damaged",
            ),
            (joined(&[0, 2, 3]), "line 2: damaged"),
            (joined(&[0, 1, 1, 2, 3]), "line 3: damaged"),
            (joined(&[0, 2, 1, 3]), "line 2: damaged"),
            (joined(&[1, 2, 3]), "line 1: damaged"),
            (format!("{journal}\n"), "line 5: damaged"),
            (String::new(), "line 1: the first line is missing"),
            (
                journal[..10].to_owned(),
                "line 1: the first line is missing",
            ),
        ];
        for (damaged, expected) in cases {
            fs::write(folder.journal(), &damaged).unwrap();
            let error = open_error(&folder.state());
            let expected = format!("state.json.journal, {expected}");
            assert!(
                error.contains(&expected),
                "expected {expected}, found {error}"
            );
        }
        fs::write(folder.journal(), &journal).unwrap();
        open(&folder.state());
    }

    #[test]
    fn every_changed_byte_is_noticed() {
        let folder = TempDir::new("bytes");
        three_writes(&folder);
        for path in [folder.state(), folder.journal()] {
            let bytes = fs::read(&path).unwrap();
            let ends = (0..bytes.len()).filter(|at| bytes[*at] == b'\n');
            for position in (0..bytes.len()).step_by(97).chain(ends) {
                let mut damaged = bytes.clone();
                damaged[position] ^= 1;
                fs::write(&path, damaged).unwrap();
                let error = open_error(&folder.state());
                assert!(error.contains("state.json"), "{position}: {error}");
            }
            fs::write(&path, bytes).unwrap();
        }
        open(&folder.state());
    }

    #[test]
    fn files_that_do_not_belong_together_are_refused() {
        let folder = TempDir::new("pairs");
        three_writes(&folder);
        let read = |path: PathBuf| fs::read(path).unwrap();
        let (old, journal) = (read(folder.state()), read(folder.journal()));
        fs::remove_file(folder.journal()).unwrap();
        let error = open_error(&folder.state());
        assert!(
            error.contains("state.json.journal: the journal of"),
            "{error}"
        );

        fs::remove_file(folder.state()).unwrap();
        fs::write(folder.journal(), &journal).unwrap();
        let error = open_error(&folder.state());
        assert!(error.contains("state.json: missing, but"), "{error}");

        fs::write(folder.state(), &old).unwrap();
        drop(open(&folder.state()));
        let newer = read(folder.journal());
        fs::write(folder.state(), &old).unwrap();
        let error = open_error(&folder.state());
        assert!(
            error.contains("is newer (generation 2) than the state (1)"),
            "{error}"
        );

        let other = TempDir::new("other-pair");
        three_writes(&other);
        drop(open(&other.state()));
        fs::write(other.journal(), newer).unwrap();
        let error = open_error(&other.state());
        assert!(
            error.contains("the journal belongs to another state"),
            "{error}"
        );
    }

    #[test]
    fn a_failed_append_returns_the_state_before_it_and_the_next_write_recovers() {
        let folder = TempDir::new("fails");
        let (mut file, mut organisations) = open(&folder.state());
        write(&mut file, &mut organisations, 1);
        let before = value(&organisations);
        file.journal
            .as_mut()
            .unwrap()
            .make_read_only(&folder.journal());
        let failed = file.append(0, &call(2)).unwrap_err();
        assert_eq!(value(&failed.before.unwrap()), before);
        assert!(file.append(0, &call(3)).is_err());
        file.recover(&organisations).unwrap();
        write(&mut file, &mut organisations, 4);
        drop(file);
        assert_eq!(value(&open(&folder.state()).1), value(&organisations));
    }

    /// The new state cannot be written while a folder has its temporary name.
    #[test]
    fn after_a_failed_compaction_writes_are_still_appended() {
        let folder = TempDir::new("compaction");
        let (mut file, mut organisations) = open(&folder.state());
        let obstacle = folder.0.join("state.json.new");
        fs::create_dir(&obstacle).unwrap();
        file.max_length = 1;
        file.compact_if_long(&organisations);
        assert!(file.compact(&organisations).is_err());
        write(&mut file, &mut organisations, 1);
        fs::remove_dir(&obstacle).unwrap();
        drop(file);
        assert_eq!(value(&open(&folder.state()).1), value(&organisations));
    }

    /// The new journal cannot be written while a folder has its temporary name.
    #[test]
    fn a_compaction_without_a_new_journal_is_repeated_by_the_next_write() {
        let folder = TempDir::new("new-journal");
        let (mut file, mut organisations) = open(&folder.state());
        write(&mut file, &mut organisations, 1);
        let obstacle = folder.0.join("state.json.journal.new");
        fs::create_dir(&obstacle).unwrap();
        file.compact(&organisations).unwrap();
        assert!(file.append(0, &call(2)).is_err());
        fs::remove_dir(&obstacle).unwrap();
        file.recover(&organisations).unwrap();
        write(&mut file, &mut organisations, 3);
        drop(file);
        assert_eq!(value(&open(&folder.state()).1), value(&organisations));
    }
}
