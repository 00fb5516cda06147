//! Reads the images of a directory that no process uses.

use std::io;
use std::path::Path;

use concept_refinement_capability::moving::{ImagesAtRest, WholeImage};
use concept_refinement_capability::upload_reservations::ImageKey;
use concept_refinement_domain::capability::{ImageLength, NewImage};
use concept_refinement_domain::image_path::ImagePath;

use super::backup::{Folders, KINDS, each};
use super::envelope;
use super::listing::described;
use super::reading::Found;

impl ImagesAtRest for Folders {
    fn begin(&self, scratch: &Path) -> io::Result<()> {
        let small = self.small.as_ref();
        small.map_or(Ok(()), |small| small.begin(scratch))
    }

    fn paths(&self) -> io::Result<Vec<String>> {
        let mut paths = Vec::new();
        for kind in KINDS {
            each(&self.root, kind, |path, of_owner, name| {
                match described(kind, path, &mut of_owner.file(name)?) {
                    Ok(listed) => paths.extend(listed.map(|listed| listed.path)),
                    // The image is damaged.
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => {}
                    Err(error) => return Err(error),
                }
                Ok(())
            })?;
        }
        if let Some(small) = &self.small {
            paths.extend(small.paths()?);
        }
        Ok(paths)
    }

    fn open(&self, path: &str) -> io::Result<Option<WholeImage>> {
        let Some(path) = ImagePath::parse(path) else {
            return Ok(None);
        };
        let small = self.small.as_ref();
        let small = small.map(|small| small.find(&path)).transpose()?;
        let (envelope, found) = match small.flatten() {
            Some((envelope, contents)) => (envelope, Found::Small(contents)),
            None => {
                let mut file = self.root.file(ImageKey::from(&path).text())?;
                match envelope::read(&mut file) {
                    Err(error) if error.kind() == io::ErrorKind::InvalidData => return Ok(None),
                    envelope => (envelope?, Found::File(file)),
                }
            }
        };
        let metadata = envelope.metadata().to_vec();
        let Some(info) = envelope.info(&path) else {
            return Ok(None);
        };
        let contents = found.contents(info.size, None);
        let contents = contents.map_err(|error| io::Error::other(error.message))?;
        Ok(Some(WholeImage {
            image: NewImage {
                kind: path.kind,
                name: path.name,
                owner: info.owner.clone(),
                media_type: info.media_type.clone(),
                length: ImageLength::Exactly(info.size),
                metadata,
                limits: None,
            },
            info,
            contents,
        }))
    }
}
