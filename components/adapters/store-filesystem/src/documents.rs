//! Documents: files that are replaced as a whole.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use concept_refinement_adapter_store::ports::{Documents, Fault};

use crate::Filesystem;
use crate::draft::Draft;
use crate::fault::fault;
use crate::layout::{place, sync_directory};

impl Documents for Filesystem {
    async fn get(&self, key: &str) -> Result<Option<Vec<u8>>, Fault> {
        match fs::read(self.document(key)?) {
            Ok(document) => Ok(Some(document)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(fault("a document cannot be read", &error)),
        }
    }

    async fn get_many(&self, keys: &[String]) -> Result<Vec<Option<Vec<u8>>>, Fault> {
        let mut documents = Vec::with_capacity(keys.len());
        for key in keys {
            documents.push(self.get(key).await?);
        }
        Ok(documents)
    }

    async fn set_many(&self, documents: Vec<(String, Vec<u8>)>) -> Result<(), Fault> {
        let mut directories = BTreeSet::new();
        for (key, document) in documents {
            let path = self.document(&key)?;
            Draft::write(self, &document)
                .and_then(|mut draft| place(&path, || draft.rename(&path)))
                .map_err(|error| fault("a document cannot be written", &error))?;
            directories.extend(path.parent().map(Path::to_owned));
        }
        directories
            .iter()
            .try_for_each(|directory| sync_directory(directory))
            .map_err(|error| fault("a document cannot be made durable", &error))
    }

    /// Not synced: a file that reappears after a power loss is harmless, since nothing
    /// refers to it.
    async fn delete_many(&self, keys: &[String]) -> Result<(), Fault> {
        for key in keys {
            match fs::remove_file(self.document(key)?) {
                Err(error) if error.kind() != ErrorKind::NotFound => {
                    return Err(fault("a document cannot be removed", &error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
