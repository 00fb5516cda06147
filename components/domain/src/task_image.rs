//! Uploads that belong to one task: named for it, so that whoever finds one can tell
//! whether it is still needed. All other uploads have a UUID as their name.

use crate::capability::ImageKind;
use crate::image_path::{ImagePath, folder, without_format};
use crate::validation::uuid;

const PREFIX: &str = "for-";
const MASK_SUFFIX: &str = "-mask";

/// Which of a task's images an upload is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TaskImage {
    /// What is refined.
    Original,
    /// Where it may change.
    Mask,
}

/// The name of an upload that belongs to this task.
pub fn name_for_task(task_id: &str, role: TaskImage) -> String {
    let suffix = match role {
        TaskImage::Original => "",
        TaskImage::Mask => MASK_SUFFIX,
    };
    format!("{PREFIX}{task_id}{suffix}")
}

/// The id of the task that an upload belongs to by its path, with or without its format.
/// None: it is not an upload, or belongs to no task.
pub fn task_of_path(path: &str) -> Option<&str> {
    let (kind, rest) = without_format(path).split_once('/')?;
    let (_, name) = rest.split_once('/')?;
    let is_upload = kind == folder(ImageKind::Upload);
    task_of_name(name).filter(|_| is_upload)
}

impl ImagePath {
    /// The id of the task that this upload belongs to. None: it is not an upload, or
    /// belongs to no task.
    pub fn task_of_upload(&self) -> Option<&str> {
        task_of_name(&self.name).filter(|_| self.kind == ImageKind::Upload)
    }
}

fn task_of_name(name: &str) -> Option<&str> {
    let id = name.strip_prefix(PREFIX)?;
    let id = id.strip_suffix(MASK_SUFFIX).unwrap_or(id);
    // Only the form in which ids are written, so that a name says one task alone.
    (uuid(id)? == id).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0197a1b2-c3d4-7e5f-8a6b-0123456789ab";
    const TAG: &str = "0123456789abcdef0123456789abcdef";

    #[test]
    fn an_upload_of_a_task_names_it() {
        let original = name_for_task(ID, TaskImage::Original);
        let mask = name_for_task(ID, TaskImage::Mask);
        assert_eq!(original, format!("for-{ID}"));
        assert_eq!(mask, format!("for-{ID}-mask"));
        for name in [original, mask] {
            let path = format!("uploads/{TAG}/{name}.webp");
            let parsed = ImagePath::parse(&path).unwrap();
            assert_eq!(parsed.task_of_upload(), Some(ID), "{path}");
            assert_eq!(task_of_path(&path), Some(ID), "{path}");
            assert_eq!(task_of_path(without_format(&path)), Some(ID), "{path}");
        }
    }

    #[test]
    fn no_other_image_belongs_to_a_task() {
        let (upper, simple) = (ID.to_uppercase(), ID.replace('-', ""));
        for name in [
            ID.to_owned(),
            "for-".to_owned(),
            "for-mask".to_owned(),
            "for--mask".to_owned(),
            format!("{ID}-mask"),
            format!("for-{upper}"),
            format!("for-{simple}"),
            format!("for-{ID}-"),
            format!("for-{ID}-mask-mask"),
            format!("for-{ID}-original"),
            format!("for-for-{ID}"),
            format!("xfor-{ID}"),
            format!("for-{ID}0"),
        ] {
            let path = format!("uploads/{TAG}/{name}.png");
            assert_eq!(task_of_path(&path), None, "{path}");
            let parsed = ImagePath::parse(&path);
            let task = parsed.as_ref().and_then(ImagePath::task_of_upload);
            assert_eq!(task, None, "{path}");
        }
        let refined = format!("refined/{TAG}/for-{ID}.png");
        let parsed = ImagePath::parse(&refined).unwrap();
        assert_eq!(parsed.task_of_upload(), None);
        for path in [&refined, "", "for", "uploads", &format!("uploads/for-{ID}")] {
            assert_eq!(task_of_path(path), None, "{path:?}");
        }
    }
}
