//! Uploads that belong to one task: named for it, so that whoever finds one can tell
//! whether it is still needed. All other uploads have a UUID as their name.

use crate::capability::ImageKind;
use crate::image_path::{folder, without_format};
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
    if kind != folder(ImageKind::Upload) {
        return None;
    }
    let id = name.strip_prefix(PREFIX)?;
    let id = id.strip_suffix(MASK_SUFFIX).unwrap_or(id);
    // Only the form in which ids are written, so that a name says one task alone.
    (uuid(id)? == id).then_some(id)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image_path::ImagePath;

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
            assert!(ImagePath::parse(&path).is_some(), "{path}");
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
        }
        let refined = format!("refined/{TAG}/for-{ID}.png");
        assert!(ImagePath::parse(&refined).is_some());
        for path in [&refined, "", "for", "uploads", &format!("uploads/for-{ID}")] {
            assert_eq!(task_of_path(path), None, "{path:?}");
        }
    }
}
