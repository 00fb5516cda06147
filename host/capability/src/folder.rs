//! An open folder, and access to its entries by its descriptor, without following links.
//!
//! A path that was checked may lead elsewhere when it is used, if another user may write
//! to one of its folders. So commands that root may run open a folder once, and never use
//! its absolute path again.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::fs::{File, Metadata};
use std::io;
use std::os::fd::AsRawFd as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Component, Path, PathBuf};

use rustix::fs::{
    AtFlags, Dir, FileType, Gid, Mode, OFlags, Uid, chownat, fchown, mkdirat, open, openat,
    readlinkat, renameat, statat, unlinkat,
};
use rustix::io::Errno;

/// Most links on the way to a folder, as many as systems follow.
const MAX_LINKS: usize = 40;

/// Mode bits of those who may write besides the owner.
const OTHERS: u32 = 0o022;
const STICKY: u32 = 0o1000;

const FOLDER: OFlags = OFlags::DIRECTORY.union(OFlags::CLOEXEC);

/// Flags to pass through a folder, which does not need the right to read it.
#[cfg(target_os = "linux")]
const PASS: OFlags = FOLDER.union(OFlags::PATH);
#[cfg(not(target_os = "linux"))]
const PASS: OFlags = FOLDER;

/// An open folder.
#[derive(Debug)]
pub struct Folder {
    file: File,
    path: PathBuf,
}

impl Folder {
    /// Opens a folder, following any links. For folders of the caller's own process,
    /// such as the data directory of a service.
    pub fn followed(path: &Path) -> io::Result<Self> {
        Ok(Self {
            file: open(path, FOLDER, Mode::empty())?.into(),
            path: path.to_owned(),
        })
    }

    /// Opens a folder, which may belong to anybody. A link on the way is followed only if
    /// nobody except root and the caller could have created it.
    pub fn open(path: &Path) -> io::Result<Self> {
        let mut way = Way::to(path)?;
        way.go(0, Trust::Anybody)?;
        match way.left.is_empty() {
            true => way.here(),
            false => Err(io::ErrorKind::NotFound.into()),
        }
    }

    /// Its path when it was opened; without links, unless they were followed.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its owner and its mode.
    pub fn metadata(&self) -> io::Result<Metadata> {
        self.file.metadata()
    }

    /// A folder in it.
    pub fn folder(&self, name: impl AsRef<OsStr>) -> io::Result<Self> {
        let name = name.as_ref();
        match openat(&self.file, name, FOLDER | OFlags::NOFOLLOW, Mode::empty()) {
            // Some systems report a link like this.
            Err(Errno::LOOP | Errno::MLINK) => Err(io::ErrorKind::NotADirectory.into()),
            opened => Ok(Self {
                file: opened?.into(),
                path: self.path.join(name),
            }),
        }
    }

    /// A new folder in it.
    pub fn create_folder(&self, name: impl AsRef<OsStr>, mode: u32) -> io::Result<Self> {
        mkdirat(&self.file, name.as_ref(), Mode::from_bits_truncate(mode))?;
        self.folder(name)
    }

    /// A folder in it, which is created if it is missing.
    fn some_folder(&self, name: impl AsRef<OsStr>, mode: u32) -> io::Result<Self> {
        match self.create_folder(&name, mode) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.folder(name),
            created => created,
        }
    }

    /// A regular file below it, for reading. Waits for no pipe.
    pub fn file(&self, path: impl AsRef<Path>) -> io::Result<File> {
        let mut names = path.as_ref().components();
        let mut folder: Option<Self> = None;
        let last = names.next_back().ok_or(io::ErrorKind::InvalidInput)?;
        for name in names {
            folder = Some(folder.as_ref().unwrap_or(self).folder(name)?);
        }
        let folder = folder.as_ref().unwrap_or(self);
        folder.regular(last, OFlags::RDONLY)
    }

    fn regular(&self, name: impl AsRef<OsStr>, access: OFlags) -> io::Result<File> {
        let flags = access | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = openat(&self.file, name.as_ref(), flags, Mode::empty())?;
        let file = File::from(file);
        match file.metadata()?.is_file() {
            true => Ok(file),
            false => Err(io::Error::other("it is not a file")),
        }
    }

    /// A file in it to lock. A new one gets the folder's owner.
    pub fn lock_file(&self, name: &str) -> io::Result<File> {
        match self.create_file(name, 0o600) {
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
            created => {
                let (created, folder) = (created?, self.metadata()?);
                if folder.uid() != created.metadata()?.uid() {
                    let (owner, owners) = (Uid::from_raw(folder.uid()), folder.gid());
                    fchown(&created, Some(owner), Some(Gid::from_raw(owners)))?;
                }
                return Ok(created);
            }
        }
        self.regular(name, OFlags::WRONLY)
    }

    /// A new file in it, for writing.
    pub fn create_file(&self, name: impl AsRef<OsStr>, mode: u32) -> io::Result<File> {
        let flags = OFlags::RDWR | OFlags::CREATE | OFlags::EXCL | OFlags::CLOEXEC;
        let mode = Mode::from_bits_truncate(mode);
        Ok(openat(&self.file, name.as_ref(), flags, mode)?.into())
    }

    /// A new file below it. Missing parent folders are created with their usual mode.
    pub fn create_below(&self, path: &Path, mode: u32) -> io::Result<File> {
        let mut names = path.components();
        let mut folder: Option<Self> = None;
        let last = names.next_back().ok_or(io::ErrorKind::InvalidInput)?;
        for name in names {
            let above = folder.as_ref().unwrap_or(self);
            folder = Some(above.some_folder(name, mode)?);
        }
        let folder = folder.as_ref().unwrap_or(self);
        folder.create_file(last, mode & 0o666)
    }

    /// A path to this very entry, which cannot be replaced while the file is open.
    pub fn pinned(&self, name: &str) -> io::Result<(PathBuf, File)> {
        #[cfg(target_os = "linux")]
        {
            let flags = OFlags::PATH | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let file = openat(&self.file, name, flags, Mode::empty())?;
            let path = format!("/proc/self/fd/{}", file.as_raw_fd());
            Ok((path.into(), file.into()))
        }
        #[cfg(not(target_os = "linux"))]
        Ok((self.path.join(name), self.file.try_clone()?))
    }

    /// The metadata of an entry, without following a link. None: there is no such
    /// entry.
    pub fn look(&self, name: impl AsRef<OsStr>) -> io::Result<Option<Entry>> {
        match statat(&self.file, name.as_ref(), AtFlags::SYMLINK_NOFOLLOW) {
            Err(Errno::NOENT) => Ok(None),
            found => {
                let found = found?;
                Ok(Some(Entry {
                    kind: FileType::from_raw_mode(found.st_mode),
                    owner: found.st_uid,
                    inode: found.st_ino,
                    bytes: u64::try_from(found.st_size).unwrap_or_default(),
                    mode: Mode::from_raw_mode(found.st_mode).bits(),
                }))
            }
        }
    }

    /// The names of its entries.
    pub fn names(&self) -> io::Result<Vec<OsString>> {
        let mut names = Vec::new();
        for entry in Dir::read_from(&self.file)? {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name != b"." && name != b".." {
                names.push(OsStr::from_bytes(name).to_owned());
            }
        }
        Ok(names)
    }

    /// Renames an entry into another folder, replacing an entry of that name.
    pub fn rename(&self, name: impl AsRef<OsStr>, to: &Self, new: &OsStr) -> io::Result<()> {
        Ok(renameat(&self.file, name.as_ref(), &to.file, new)?)
    }

    /// Removes an entry that is not a folder, or an empty folder.
    pub fn remove(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = name.as_ref();
        match unlinkat(&self.file, name, AtFlags::empty()) {
            // POSIX also allows the second error.
            Err(Errno::ISDIR | Errno::PERM) => Ok(unlinkat(&self.file, name, AtFlags::REMOVEDIR)?),
            removed => Ok(removed?),
        }
    }

    /// Removes an entry with everything below it.
    pub fn remove_all(&self, name: impl AsRef<OsStr>) -> io::Result<()> {
        let name = name.as_ref();
        if let Ok(folder) = self.folder(name) {
            for name in folder.names()? {
                folder.remove_all(name)?;
            }
        }
        self.remove(name)
    }

    /// Changes the owner of the folder and of everything below it.
    pub fn give(&self, user: u32, group: u32) -> io::Result<()> {
        let (owner, owners) = (Some(Uid::from_raw(user)), Some(Gid::from_raw(group)));
        for name in self.names()? {
            match self.folder(&name) {
                Ok(folder) => folder.give(user, group)?,
                Err(_) => chownat(&self.file, &name, owner, owners, AtFlags::SYMLINK_NOFOLLOW)?,
            }
        }
        Ok(fchown(&self.file, owner, owners)?)
    }

    /// Syncs the folder, so that created, changed and removed names are durable.
    pub fn sync(&self) -> io::Result<()> {
        self.file.sync_all()
    }

    /// The open folder itself, for other operations.
    pub fn as_file(&self) -> &File {
        &self.file
    }
}

/// The metadata of an entry of a folder.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    kind: FileType,
    /// Its owner.
    pub owner: u32,
    /// Its device and inode.
    pub inode: u64,
    /// Its length, in bytes.
    pub bytes: u64,
    /// Its mode.
    pub mode: u32,
}

impl Entry {
    /// Whether it is a regular file.
    pub fn is_file(self) -> bool {
        self.kind == FileType::RegularFile
    }

    /// Whether it is a folder.
    pub fn is_folder(self) -> bool {
        self.kind == FileType::Directory
    }

    /// Whether it is a folder of root or the caller, which nobody else may enter.
    pub fn is_private_folder(self) -> bool {
        self.is_folder() && is_own(self.owner) && self.mode & 0o077 == 0
    }

    /// Whether it is a socket.
    pub fn is_socket(self) -> bool {
        self.kind == FileType::Socket
    }
}

/// Which owners' folders a path may lead through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trust {
    /// Only folders of root and the caller, in which nobody else can replace an
    /// entry.
    Own,
    /// Anybody's folders: for operations that use only the folder's descriptor.
    Anybody,
}

/// A name in a folder. It need not exist, nor the folder.
#[derive(Debug)]
pub struct Place {
    above: Folder,
    missing: Vec<OsString>,
    name: OsString,
    trust: Trust,
}

impl Place {
    /// Opens the existing part of the folder's path, as [`Folder::open`] does. If the
    /// last name is a link, it is not followed.
    ///
    /// # Errors
    ///
    /// The folder cannot be opened, or another user could replace its entries.
    pub fn of(path: &Path, trust: Trust) -> io::Result<Self> {
        let mut way = Way::to(path)?;
        way.go(1, trust)?;
        Self::at(way, trust)
    }

    /// The same for the target of the name, if the name is a link.
    pub fn behind(path: &Path, trust: Trust) -> io::Result<Self> {
        let mut way = Way::to(path)?;
        way.go(1, trust)?;
        while let Some(link) = way.last_link()? {
            way.left.clear();
            way.follow(&link)?;
            way.go(1, trust)?;
        }
        Self::at(way, trust)
    }

    fn at(mut way: Way, trust: Trust) -> io::Result<Self> {
        let name = way.left.pop_back().ok_or(io::ErrorKind::InvalidInput)?;
        if way.left.iter().any(|name| name == "..") {
            return Err(io::ErrorKind::NotFound.into());
        }
        Ok(Self {
            above: way.here()?,
            missing: way.left.into(),
            name,
            trust,
        })
    }

    /// Fails if another user could replace the entry of this name.
    pub fn refuse_replaceable(&self) -> io::Result<()> {
        let folder = self.above.metadata()?;
        refuse_replaceable(&folder, &self.above.path)?;
        let found = self.above.look(&self.name)?;
        match may_only_owner_write(&folder) || found.is_some_and(|found| is_own(found.owner)) {
            true => Ok(()),
            false => Err(io::Error::other("another user could replace it")),
        }
    }

    /// Its path, without links.
    pub fn path(&self) -> PathBuf {
        let mut path = self.above.path.clone();
        path.extend(&self.missing);
        path.join(&self.name)
    }

    /// Creates the missing part of the folder's path, durably. Returns the folder and
    /// the name.
    pub fn create(self, mode: u32) -> io::Result<(Folder, OsString)> {
        let mut folder = self.above;
        for name in self.missing {
            // Another process may have created it meanwhile.
            let created = folder.some_folder(&name, mode)?;
            if self.trust == Trust::Own {
                refuse_replaceable(&created.metadata()?, &created.path)?;
            }
            folder.sync()?;
            folder = created;
        }
        Ok((folder, self.name))
    }
}

/// A walk along a path, from the root to a folder, name by name.
struct Way {
    /// The folders passed, to go back to.
    passed: Vec<File>,
    path: PathBuf,
    left: VecDeque<OsString>,
    links: usize,
}

impl Way {
    fn to(path: &Path) -> io::Result<Self> {
        let mut way = Self {
            passed: vec![],
            path: PathBuf::new(),
            left: VecDeque::new(),
            links: 0,
        };
        way.begin()?;
        way.put(&std::path::absolute(path)?);
        Ok(way)
    }

    fn begin(&mut self) -> io::Result<()> {
        self.path = PathBuf::from("/");
        self.passed = vec![open("/", PASS, Mode::empty())?.into()];
        Ok(())
    }

    /// Puts these names in front of the remaining ones.
    fn put(&mut self, path: &Path) {
        for component in path.components().rev() {
            if matches!(component, Component::Normal(_) | Component::ParentDir) {
                self.left.push_front(component.as_os_str().to_owned());
            }
        }
    }

    /// Walks until this many names are left, or one is missing.
    fn go(&mut self, keep: usize, trust: Trust) -> io::Result<()> {
        loop {
            let here = self.passed.last().ok_or(io::ErrorKind::InvalidInput)?;
            if trust == Trust::Own {
                refuse_replaceable(&here.metadata()?, &self.path)?;
            }
            if self.left.len() <= keep {
                return Ok(());
            }
            let Some(name) = self.left.pop_front() else {
                return Ok(());
            };
            if name == ".." {
                if self.passed.len() > 1 {
                    self.passed.pop();
                    self.path.pop();
                }
                continue;
            }
            match openat(here, &name, PASS | OFlags::NOFOLLOW, Mode::empty()) {
                Ok(next) => {
                    self.passed.push(next.into());
                    self.path.push(name);
                }
                Err(Errno::NOENT) => {
                    self.left.push_front(name);
                    return Ok(());
                }
                // Systems report a link differently here.
                Err(Errno::LOOP | Errno::NOTDIR | Errno::MLINK) => self.follow(&name)?,
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// The remaining name, if it is a link.
    fn last_link(&self) -> io::Result<Option<OsString>> {
        let (Some(name), 1) = (self.left.front(), self.left.len()) else {
            return Ok(None);
        };
        let found = self.here()?.look(name)?;
        let is_link = found.is_some_and(|found| found.kind == FileType::Symlink);
        Ok(is_link.then(|| name.clone()))
    }

    fn follow(&mut self, name: &OsStr) -> io::Result<()> {
        let here = self.passed.last().ok_or(io::ErrorKind::InvalidInput)?;
        let link = statat(here, name, AtFlags::SYMLINK_NOFOLLOW)?;
        if FileType::from_raw_mode(link.st_mode) != FileType::Symlink {
            return Err(io::ErrorKind::NotADirectory.into());
        }
        let shown = self.path.join(name);
        let shown = shown.display();
        if !is_own(link.st_uid) || !may_only_owner_write(&here.metadata()?) {
            let why = format!("{shown} is a link that another user could replace");
            return Err(io::Error::other(format!("{why}: it is not followed")));
        }
        self.links += 1;
        if self.links > MAX_LINKS {
            return Err(Errno::LOOP.into());
        }
        let target = readlinkat(here, name, vec![])?;
        let target = PathBuf::from(OsStr::from_bytes(target.as_bytes()));
        if target.is_absolute() {
            self.begin()?;
        }
        self.put(&target);
        Ok(())
    }

    /// The folder reached, opened for reading.
    fn here(&self) -> io::Result<Folder> {
        let here = self.passed.last().ok_or(io::ErrorKind::InvalidInput)?;
        Ok(Folder {
            file: openat(here, ".", FOLDER, Mode::empty())?.into(),
            path: self.path.clone(),
        })
    }
}

/// A unique name for an incomplete file.
pub fn draft_name() -> String {
    format!(".concept-refinement-{:016x}", rand::random::<u64>())
}

/// Fails if users other than root and the caller could replace the caller's entries. In a
/// sticky folder, such as `/tmp`, they cannot.
fn refuse_replaceable(folder: &Metadata, path: &Path) -> io::Result<()> {
    let (shown, owner) = (path.display(), folder.uid());
    let why = if !is_own(owner) {
        format!("belongs to another user ({owner})")
    } else if may_only_owner_write(folder) || folder.mode() & STICKY != 0 {
        return Ok(());
    } else {
        "can be written to by other users".to_owned()
    };
    let why = format!("{shown} {why}, who could replace what is made in it");
    Err(io::Error::other(why))
}

/// A group with the same number as its user is private to that user, on systems that
/// create a group for each user.
fn may_only_owner_write(folder: &Metadata) -> bool {
    let others = match folder.gid() == folder.uid() && folder.uid() != 0 {
        true => OTHERS & 0o007,
        false => OTHERS,
    };
    is_own(folder.uid()) && folder.mode() & others == 0
}

/// Whether it belongs to root or to the caller.
fn is_own(user: u32) -> bool {
    user == 0 || user == rustix::process::geteuid().as_raw()
}
