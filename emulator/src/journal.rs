//! The state file: what an emulator remembers beyond its process.
//!
//! `FILE` holds a whole state, and `FILE.journal` the writes since then, one line each. A write is
//! answered after its line is on disk. Handlers depend on the state and the call alone, so carrying
//! the lines out again gives the same state. Both files carry a generation: a new state is put in
//! place of the old one at once, and a journal of an older generation is contained in it already.

use std::fs::{self, File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};

use crate::call::Call;
use crate::plane;
use crate::world::World;

/// A journal that is longer than this and than the state is folded into the state.
const LONGEST: u64 = 4 * 1024 * 1024;

/// An open state file.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
    generation: u64,
    /// The bytes of the journal, and how many there may be.
    length: u64,
    longest: u64,
    /// Set when the disk failed: nothing can be promised any more.
    broken: bool,
    /// Keeps other processes away.
    _lock: File,
}

#[derive(Serialize)]
struct SavedRef<'a> {
    generation: u64,
    world: &'a World,
}

#[derive(Deserialize)]
struct Saved {
    generation: u64,
    world: World,
}

/// The first line of a journal.
#[derive(Serialize, Deserialize)]
struct Head {
    generation: u64,
}

/// Every other line: whose write, and what.
#[derive(Deserialize)]
struct Entry(usize, Call);

#[derive(Serialize)]
struct EntryRef<'a>(usize, &'a Call);

impl Journal {
    /// Opens a state file, or begins one with `fresh`; what it holds.
    pub(crate) fn open(
        path: &Path,
        fresh: impl FnOnce() -> Result<World, String>,
    ) -> Result<(Self, World), String> {
        let lock = lock(path)?;
        let (generation, world) = match read(path)? {
            Some(saved) => recover(path, saved)?,
            None => (0, fresh()?),
        };
        let generation = generation + 1;
        let context = |error: io::Error| format!("{}: cannot be written: {error}", path.display());
        let length = save(path, generation, &world).map_err(context)?;
        let (file, head) = begin(path, generation).map_err(context)?;
        let journal = Self {
            path: path.to_owned(),
            file,
            generation,
            length: head,
            longest: LONGEST.max(length),
            broken: false,
            _lock: lock,
        };
        Ok((journal, world))
    }

    /// How often the state was written as a whole: never the same number twice.
    pub(crate) fn generation(&self) -> u64 {
        self.generation
    }

    /// Whether writes can still be kept.
    pub(crate) fn is_sound(&self) -> bool {
        !self.broken
    }

    /// Keeps a write; once this returns, it survives the process.
    pub(crate) fn append(&mut self, tenant: usize, call: &Call) -> io::Result<()> {
        let kept = self.try_append(tenant, call);
        self.broken |= kept.is_err();
        kept
    }

    fn try_append(&mut self, tenant: usize, call: &Call) -> io::Result<()> {
        let mut line = serde_json::to_vec(&EntryRef(tenant, call))?;
        line.push(b'\n');
        self.file.write_all(&line)?;
        self.file.sync_data()?;
        self.length += line.len() as u64;
        Ok(())
    }

    /// Folds the journal into the state where it has grown long.
    pub(crate) fn fold_if_long(&mut self, world: &World) -> io::Result<()> {
        if self.length < self.longest {
            return Ok(());
        }
        self.fold(world)
    }

    /// Writes the whole state and begins a new journal.
    pub(crate) fn fold(&mut self, world: &World) -> io::Result<()> {
        let folded = self.try_fold(world);
        self.broken |= folded.is_err();
        folded
    }

    fn try_fold(&mut self, world: &World) -> io::Result<()> {
        self.generation += 1;
        self.longest = LONGEST.max(save(&self.path, self.generation, world)?);
        (self.file, self.length) = begin(&self.path, self.generation)?;
        Ok(())
    }
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    PathBuf::from(name)
}

fn lock(path: &Path) -> Result<File, String> {
    let context = |problem: String| format!("{}: {problem}", path.display());
    let file = private()
        .write(true)
        .create(true)
        .truncate(false)
        .open(beside(path, ".lock"))
        .map_err(|error| context(format!("cannot be locked: {error}")))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(_) => Err(context("another emulator uses this state file".to_owned())),
    }
}

/// The saved state; `None` where there is no file yet.
fn read(path: &Path) -> Result<Option<Saved>, String> {
    let context = |problem: String| format!("{}: {problem}", path.display());
    let file = match File::open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(context(format!("cannot be read: {error}"))),
    };
    serde_json::from_reader(BufReader::new(file))
        .map(Some)
        .map_err(|error| context(format!("is no state file: {error}")))
}

/// Carries out again what the journal holds beyond the saved state.
fn recover(path: &Path, saved: Saved) -> Result<(u64, World), String> {
    let Saved {
        generation,
        mut world,
    } = saved;
    let path = beside(path, ".journal");
    let file = match File::open(&path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok((generation, world)),
        Err(error) => return Err(format!("{}: cannot be read: {error}", path.display())),
    };
    let mut lines = BufReader::new(file).split(b'\n').enumerate().peekable();
    while let Some((number, line)) = lines.next() {
        let place = |problem: String| format!("{}, line {}: {problem}", path.display(), number + 1);
        let line = line.map_err(|error| place(error.to_string()))?;
        if number == 0 {
            match serde_json::from_slice::<Head>(&line) {
                Ok(head) if head.generation == generation => continue,
                // Its writes are in the state already.
                Ok(_) => break,
                Err(error) => return Err(place(error.to_string())),
            }
        }
        match serde_json::from_slice(&line) {
            Ok(entry) => repeat(&mut world, &entry).map_err(place)?,
            // Cut off in the middle: it was never acknowledged.
            Err(_) if lines.peek().is_none() => break,
            Err(error) => return Err(place(error.to_string())),
        }
    }
    Ok((generation, world))
}

fn repeat(world: &mut World, Entry(tenant, call): &Entry) -> Result<(), String> {
    let tenant = world.tenants.get_mut(*tenant);
    let tenant = tenant.ok_or_else(|| "there is no such organisation".to_owned())?;
    match plane::apply(&mut tenant.state, call) {
        Ok(_) => Ok(()),
        Err(refusal) => Err(format!(
            "`{}` can no longer be carried out: {}",
            call.operation, refusal.body
        )),
    }
}

/// Writes the state in place of the old one, at once; its length.
fn save(path: &Path, generation: u64, world: &World) -> io::Result<u64> {
    let new = beside(path, ".new");
    let mut file = private()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&new)?;
    let mut buffer = io::BufWriter::new(&file);
    serde_json::to_writer(&mut buffer, &SavedRef { generation, world })?;
    buffer.flush()?;
    drop(buffer);
    file.sync_all()?;
    let length = file.seek(SeekFrom::End(0))?;
    replace(&new, path)?;
    Ok(length)
}

/// Begins a journal in place of the old one; the open file, and its length.
fn begin(path: &Path, generation: u64) -> io::Result<(File, u64)> {
    let new = beside(path, ".journal.new");
    let mut line = serde_json::to_vec(&Head { generation })?;
    line.push(b'\n');
    let mut file = private()
        .write(true)
        .create(true)
        .truncate(true)
        .open(&new)?;
    file.write_all(&line)?;
    file.sync_all()?;
    replace(&new, &beside(path, ".journal"))?;
    Ok((file, line.len() as u64))
}

fn replace(new: &Path, old: &Path) -> io::Result<()> {
    fs::rename(new, old)?;
    // The name is on disk when the folder is; where folders cannot be opened, the rename has to do.
    let folder = old.parent().filter(|parent| !parent.as_os_str().is_empty());
    if let Ok(folder) = File::open(folder.unwrap_or(Path::new("."))) {
        folder.sync_all()?;
    }
    Ok(())
}

/// The state holds keys: the file is its owner's alone.
fn private() -> OpenOptions {
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

    use super::{Journal, beside};
    use crate::call::{Call, Caller, RequestFacts};
    use crate::ids::Ids;
    use crate::plane;
    use crate::seed::{self, Organisation};
    use crate::world::World;

    /// A folder that is removed at the end.
    struct Folder(PathBuf);

    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("journal-{name}-{}", std::process::id()));
            std::fs::create_dir_all(&path).unwrap();
            Self(path)
        }

        fn state(&self) -> PathBuf {
            self.0.join("state.json")
        }
    }

    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }

    fn open(path: &Path) -> (Journal, World) {
        let fresh = || {
            let state = seed::state(&Organisation::named("A"), Utc::now(), &Ids::new(1))?;
            Ok(World::new([state]))
        };
        Journal::open(path, fresh).unwrap()
    }

    fn call(number: u64) -> Call {
        Call {
            operation: "create_workspace".to_owned(),
            caller: Caller::nobody(),
            workspace_id: None,
            path: Vec::new(),
            query: Map::new(),
            body: json!({"name": format!("w{number}")}),
            form: None,
            say: None,
            has_scripted_content: false,
            now: Utc::now(),
            ids: Ids::new(number),
            origin: String::new(),
            request: RequestFacts::default(),
            paging: None,
        }
    }

    fn write(journal: &mut Journal, world: &mut World, number: u64) {
        let call = call(number);
        plane::apply(&mut world.tenants[0].state, &call).unwrap();
        journal.append(0, &call).unwrap();
    }

    fn value(world: &World) -> Value {
        serde_json::to_value(world).unwrap()
    }

    #[test]
    fn what_was_appended_is_there_again() {
        let folder = Folder::new("again");
        let (mut journal, mut world) = open(&folder.state());
        for number in 0..3 {
            write(&mut journal, &mut world, number);
        }
        drop(journal);
        let (mut journal, mut again) = open(&folder.state());
        assert_eq!(value(&again), value(&world));
        write(&mut journal, &mut again, 9);
        drop(journal);
        assert_eq!(value(&open(&folder.state()).1), value(&again));
    }

    #[test]
    fn an_end_between_state_and_journal_loses_and_doubles_nothing() {
        let folder = Folder::new("between");
        let (mut journal, mut world) = open(&folder.state());
        write(&mut journal, &mut world, 1);
        let path = beside(&folder.state(), ".journal");
        let old = std::fs::read(&path).unwrap();
        journal.fold(&world).unwrap();
        drop(journal);
        // The new state was in place, and the new journal was not.
        std::fs::write(&path, old).unwrap();
        assert_eq!(value(&open(&folder.state()).1), value(&world));
    }

    #[test]
    fn a_long_journal_is_folded() {
        let folder = Folder::new("long");
        let (mut journal, mut world) = open(&folder.state());
        write(&mut journal, &mut world, 1);
        let (before, generation) = (journal.length, journal.generation());
        journal.fold_if_long(&world).unwrap();
        assert_eq!((journal.length, journal.generation()), (before, generation));
        journal.longest = 1;
        journal.fold_if_long(&world).unwrap();
        assert!(journal.length < before && journal.generation() > generation);
        drop(journal);
        assert_eq!(value(&open(&folder.state()).1), value(&world));
    }

    #[test]
    fn a_disk_that_fails_ends_the_promise() {
        let folder = Folder::new("fails");
        let (mut journal, world) = open(&folder.state());
        journal.file = std::fs::File::open(folder.state()).unwrap();
        assert!(journal.append(0, &call(1)).is_err() && !journal.is_sound());
        drop(journal);
        assert_eq!(value(&open(&folder.state()).1), value(&world));
    }
}
