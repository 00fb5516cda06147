//! Writes refined images atomically.
//!
//! An existing file is replaced only by a complete image. In a folder each image keeps its
//! name; it never replaces an original or another result of the same run.

use std::collections::HashSet;
use std::ffi::{OsStr, OsString};
use std::fs::{self, File};
use std::io::{self, IsTerminal as _};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use concept_refinement_capability::directory;
use concept_refinement_capability::folder::{self, Place, Trust};
use concept_refinement_domain::image::Format;

use super::failure::Failure;
use super::source::Source;
use crate::image_file::{self, names_an_image};
use crate::wiring::refiner::request::RefinedImage;

pub enum Output {
    Stdout,
    /// Not a regular file, for example a named pipe: written to directly.
    Device(PathBuf),
    File(PathBuf),
    Folder(Folder),
}

pub struct Folder {
    path: PathBuf,
    originals: HashSet<PathBuf>,
    /// In lower case, since some file systems ignore case.
    taken: HashSet<OsString>,
}

impl Output {
    /// Reports impossible destinations before anything is refined.
    pub fn new(out: &Path, sources: &[Source]) -> Result<Self, Failure> {
        let shown = out.display();
        let several = sources.len() > 1;
        if out == Path::new("-") {
            return if several {
                Err(Failure::usage("several images need a folder as OUT"))
            } else if io::stdout().is_terminal() {
                Err(Failure::usage(
                    "standard output is a terminal: pipe it, or name a file",
                ))
            } else {
                Ok(Self::Stdout)
            };
        }
        let ends_as_folder = out.as_os_str().as_encoded_bytes().ends_with(b"/");
        let out: &Path = &out.components().collect::<PathBuf>();
        match fs::metadata(out) {
            Ok(found) if found.is_dir() => {
                may_be_written(out)?;
                Ok(Self::Folder(Folder::new(out, sources)))
            }
            Ok(_) if several || ends_as_folder => {
                Err(Failure::usage(format!("{shown} is not a folder")))
            }
            Ok(found) if found.is_file() => {
                let path = Place::behind(out, Trust::Anybody)?.path();
                may_be_written(parent(&path))?;
                Ok(Self::File(path))
            }
            Ok(_) => {
                // It is opened by its name, and not replaced.
                let kept = Place::behind(out, Trust::Own).and_then(|it| it.refuse_replaceable());
                kept.with_context(|| format!("{shown} cannot be written to"))?;
                Ok(Self::Device(out.to_owned()))
            }
            Err(_) if several && !ends_as_folder && names_an_image(out) => {
                let (count, folder) = (sources.len(), out.with_extension(""));
                let folder = folder.display();
                Err(Failure::usage(format!(
                    "{shown} is the name of one file, and there are {count} images: name a \
                     folder as OUT, such as {folder}/"
                )))
            }
            Err(_) if several || ends_as_folder => {
                let above = out.ancestors().skip(1).find(|path| path.exists());
                may_be_written(above.unwrap_or(Path::new(".")))?;
                Ok(Self::Folder(Folder::new(out, sources)))
            }
            Err(_) => {
                may_be_written(parent(out))?;
                Ok(Self::File(out.to_owned()))
            }
        }
    }

    /// Returns the path of the image. In a folder it is named after its source. None: the
    /// reader of standard output has gone, and wants no image.
    pub async fn write(
        &mut self,
        source: &Source,
        refined: RefinedImage,
    ) -> io::Result<Option<PathBuf>> {
        Ok(Some(match self {
            Self::Stdout => match to(|| Ok(io::stdout()), refined).await {
                Err(error) if error.kind() == io::ErrorKind::BrokenPipe => return Ok(None),
                written => written.map(|()| PathBuf::from("standard output"))?,
            },
            Self::Device(path) => {
                let device = path.clone();
                to(move || File::options().write(true).open(device), refined).await?;
                path.clone()
            }
            Self::File(path) => {
                write_to(path, &refined.bytes)?;
                path.clone()
            }
            Self::Folder(folder) => {
                let path = folder.place(&source.stem(), refined.format);
                write_to(&path, &refined.bytes)?;
                path
            }
        }))
    }
}

impl Folder {
    fn new(path: &Path, sources: &[Source]) -> Self {
        Self {
            path: path.to_owned(),
            originals: sources
                .iter()
                .filter_map(|source| fs::canonicalize(source.file()?).ok())
                .collect(),
            taken: HashSet::new(),
        }
    }

    /// A path that no other result uses.
    fn place(&mut self, stem: &OsStr, format: Format) -> PathBuf {
        let mut number = 1_usize;
        loop {
            let mut name = stem.to_owned();
            if number > 1 {
                name.push(format!("-{number}"));
            }
            name.push(".");
            name.push(format.extension());
            let path = self.path.join(&name);
            let is_an_original =
                fs::canonicalize(&path).is_ok_and(|path| self.originals.contains(&path));
            if !is_an_original && self.taken.insert(name.to_ascii_lowercase()) {
                return path;
            }
            number += 1;
        }
    }
}

/// The folder is opened once, because it may belong to another user, who could replace it
/// by a link meanwhile.
fn write_to(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let (folder, name) = Place::of(path, Trust::Anybody)?.create(0o777)?;
    image_file::replace(&folder, &name, bytes)
}

/// On a thread, since the reader may be slow.
async fn to<W: io::Write>(
    open: impl FnOnce() -> io::Result<W> + Send + 'static,
    refined: RefinedImage,
) -> io::Result<()> {
    let written = tokio::task::spawn_blocking(move || {
        let mut output = open()?;
        output.write_all(&refined.bytes)?;
        output.flush()
    });
    written.await?
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent != Path::new("") => parent,
        _ => Path::new("."),
    }
}

fn may_be_written(folder: &Path) -> anyhow::Result<()> {
    let shown = folder.display();
    if fs::metadata(folder).is_ok_and(|found| !found.is_dir()) {
        anyhow::bail!("{shown} is not a folder");
    }
    directory::may_be_written(folder)
        .and_then(|()| folder::Folder::open(folder).map(drop))
        .map_err(|error| anyhow::anyhow!("{shown} cannot be written to: {error}"))
}
