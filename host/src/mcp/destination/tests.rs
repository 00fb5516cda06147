use std::fs;
use std::io::Read;
use std::os::unix::fs::symlink;

use super::*;

const GIF: &[u8] = b"GIF89a\x01\0\x01\0\0\0\0,\0\0\0\0\x01\0\x01\0\0\x02\x02D\x01\0;";

/// `work`, in which results may lie, with other things beside and in it.
struct Disk(tempfile::TempDir);

impl Disk {
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let disk = Self(root);
        for folder in [
            "work/sub",
            "work/.config/sub",
            "work-too",
            "more/sub",
            ".hidden/work/.git",
        ] {
            fs::create_dir_all(disk.path(folder)).unwrap();
        }
        fs::write(disk.path("work/image.gif"), GIF).unwrap();
        fs::write(disk.path("work/notes.txt"), "notes").unwrap();
        fs::write(disk.path("work/empty.png"), "").unwrap();
        fs::write(disk.path("work/script.txt"), "GIF89a=1;alert(1)").unwrap();
        fs::write(disk.path("work-too/image.gif"), GIF).unwrap();
        fs::write(disk.path("work/taken-refined.webp"), "notes").unwrap();
        for (target, link) in [
            ("../work-too", "work/away"),
            ("sub", "work/near"),
            ("image.gif", "work/link.gif"),
            ("../work-too/image.gif", "work/away.gif"),
            ("../work-too/new.gif", "work/dangling.gif"),
            ("notes.txt", "work/notes.gif"),
            ("loop.gif", "work/loop.gif"),
            ("refinement.toml", "work/settings.png"),
            ("../work/sub", "more/back"),
            (".config", "work/config"),
        ] {
            symlink(target, disk.path(link)).unwrap();
        }
        let socket = disk.path("work/socket.png");
        std::os::unix::net::UnixListener::bind(socket).unwrap();
        disk
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().canonicalize().unwrap().join(name)
    }

    fn allowed(&self, folders: &[&str]) -> Allowed {
        Allowed(folders.iter().map(|name| self.path(name)).collect())
    }
}

/// A file of which each reading is interrupted once.
struct Interrupted<'a>(&'a [u8], bool);

impl Read for Interrupted<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        match self.1 {
            true => Err(io::ErrorKind::Interrupted.into()),
            false => self.0.read(buffer),
        }
    }
}

#[test]
fn an_image_is_read_through_interruptions() {
    for (bytes, expected) in [(GIF, true), (&GIF[..9], false)] {
        assert_eq!(is_image(Interrupted(bytes, false)).unwrap(), expected);
    }
}

#[test]
fn a_result_lies_below_an_allowed_folder_and_replaces_only_an_image() {
    let disk = Disk::new();
    let allowed = disk.allowed(&["work"]);
    for (out, expected) in [
        ("work/new.png", Ok("work/new.png")),
        ("work/no-extension", Ok("work/no-extension")),
        ("work/sub/../new.png", Ok("work/new.png")),
        ("work/sub/new.png", Ok("work/sub/new.png")),
        ("work-too/../work/new.png", Ok("work/new.png")),
        ("work/near/new.png", Ok("work/sub/new.png")),
        ("more/back/new.png", Ok("work/sub/new.png")),
        ("work/image.gif", Ok("work/image.gif")),
        ("work/link.gif", Ok("work/image.gif")),
        ("new.png", Err("must lie below")),
        ("work/../new.png", Err("must lie below")),
        ("work-too/new.png", Err("must lie below")),
        ("work/away/new.png", Err("must lie below")),
        ("work/near/../../new.png", Err("must lie below")),
        ("work/away.gif", Err("must lie below")),
        ("work/dangling.gif", Err("must lie below")),
        ("more/new.png", Err("must lie below")),
        ("work", Err("must lie below")),
        ("work/sub", Err("is no image")),
        ("work/notes.txt", Err("is no image")),
        ("work/notes.gif", Err("is no image")),
        ("work/empty.png", Err("is no image")),
        ("work/script.txt", Err("is no image")),
        ("work/socket.png", Err("is no image")),
        ("work/sub/..", Err("is no image")),
        ("work/.bashrc", Err("is no place for an image")),
        ("work/.new.png", Err("is no place for an image")),
        ("work/sub/.env", Err("is no place for an image")),
        ("work/refinement.toml", Err("is no place for an image")),
        ("work/sub/Refinement.TOML", Err("is no place for an image")),
        ("work/settings.png", Err("is no place for an image")),
        ("work/.config/new.json", Err("is no place for an image")),
        ("work/.config/sub/new.png", Err("is no place for an image")),
        ("work/config/new.json", Err("is no place for an image")),
        ("work/config/sub/new.png", Err("is no place for an image")),
        ("work/.config/../new.png", Ok("work/new.png")),
        ("work/my-refinement.toml", Ok("work/my-refinement.toml")),
        ("work/new.toml", Ok("work/new.toml")),
        ("work/near/a.bashrc", Ok("work/sub/a.bashrc")),
        ("work/missing/new.png", Err("there is no such folder")),
        ("work/image.gif/new.png", Err("cannot be written")),
        ("work/loop.gif", Err("cannot be written")),
        ("work/nul\0.png", Err("cannot be written")),
    ] {
        let destination = Destination::named(&disk.path(out), &allowed);
        let written = destination.and_then(|it| it.write(Format::Png, b"result"));
        match (written, expected) {
            (Ok(path), Ok(expected)) => {
                assert_eq!(path, disk.path(expected), "{out}");
                assert_eq!(fs::read(&path).unwrap(), b"result", "{out}");
                // As it was.
                fs::remove_file(path).unwrap();
                fs::write(disk.path("work/image.gif"), GIF).unwrap();
            }
            (Err(refusal), Err(expected)) => {
                let sentence = refusal.to_string();
                assert!(sentence.contains(expected), "{out}: {sentence}");
            }
            (written, _) => panic!("{out:?}: {written:?}"),
        }
    }
    assert!(Destination::named(Path::new(""), &allowed).is_err());
    assert_eq!(fs::read(disk.path("work-too/image.gif")).unwrap(), GIF);
    assert!(!disk.path("work-too/new.gif").exists());
}

/// What lies below a folder is judged, not where the folder lies.
#[test]
fn an_allowed_folder_may_be_hidden() {
    let disk = Disk::new();
    for (folders, out, is_taken) in [
        (&[".hidden/work"][..], ".hidden/work/new.png", true),
        (&[".hidden/work"], ".hidden/work/.git/new.png", false),
        (&[".hidden/work"], ".hidden/work/.new.png", false),
        (&["work", "work/.config"], "work/.config/new.png", true),
        (&["work/.config", "work"], "work/.config/sub/new.png", true),
        (&["work/.config", "work"], "work/.new.png", false),
    ] {
        let named = Destination::named(&disk.path(out), &disk.allowed(folders));
        match named {
            Err(refusal) if !is_taken => {
                let place = disk.path(out).display().to_string();
                let expected = format!("{place} is no place for an image");
                assert!(refusal.to_string().starts_with(&expected), "{refusal}");
            }
            named => assert!(is_taken && named.is_ok(), "{out}: {named:?}"),
        }
    }
}

#[test]
fn a_result_without_a_name_lies_beside_its_original() {
    let disk = Disk::new();
    let allowed = disk.allowed(&["work", "more"]);
    let beside = |folder: &str, stem: &str| {
        let destination = Destination::beside(&disk.path(folder), OsStr::new(stem), &allowed);
        destination.and_then(|it| it.write(Format::Webp, b"result"))
    };
    for (folder, stem, expected) in [
        ("work", "logo", "work/logo-refined.webp"),
        ("more/sub", "logo.v2", "more/sub/logo.v2-refined.webp"),
        ("more/back", "logo", "work/sub/logo-refined.webp"),
        ("work/.config", ".logo", "work/.config/.logo-refined.webp"),
    ] {
        assert_eq!(beside(folder, stem).unwrap(), disk.path(expected));
    }
    for (folder, stem, expected) in [
        ("work-too", "logo", "must lie below"),
        ("work", "taken", "is no image"),
    ] {
        let sentence = beside(folder, stem).unwrap_err().to_string();
        assert!(sentence.contains(expected), "{folder}: {sentence}");
    }
}

/// A folder that was checked, and that something else has the name of when the model is
/// done, is written to all the same; what was put into the place of the name is not.
#[test]
fn nothing_that_changes_meanwhile_leads_elsewhere() {
    let disk = Disk::new();
    let allowed = disk.allowed(&["work"]);
    let named = |name: &str| Destination::named(&disk.path(name), &allowed).unwrap();

    let destination = named("work/sub/new.png");
    fs::rename(disk.path("work/sub"), disk.path("work/moved")).unwrap();
    symlink("../work-too", disk.path("work/sub")).unwrap();
    destination.write(Format::Png, b"result").unwrap();
    assert!(disk.path("work/moved/new.png").exists());
    assert!(!disk.path("work-too/new.png").exists());

    for replace in [
        |path: &Path| fs::write(path, "notes").unwrap(),
        |path: &Path| symlink("../work-too/image.gif", path).unwrap(),
    ] {
        let destination = named("work/later.png");
        replace(&disk.path("work/later.png"));
        let refusal = destination.write(Format::Png, b"result").unwrap_err();
        assert!(refusal.to_string().contains("is no image"), "{refusal}");
        fs::remove_file(disk.path("work/later.png")).unwrap();
    }
    assert_eq!(fs::read(disk.path("work-too/image.gif")).unwrap(), GIF);
}
