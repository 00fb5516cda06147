use std::fs;
use std::path::PathBuf;

use concept_refinement_domain::capability::ErrorKind;
use concept_refinement_domain::image::Format;
use futures::future::join_all;

use super::super::envelope::Description;
use super::*;

fn open(place: &Path) -> (SmallImages, Arc<Room>) {
    let room = Arc::<Room>::default();
    (SmallImages::open(place, Arc::clone(&room)).unwrap(), room)
}

fn path(name: &str) -> ImagePath {
    let path = format!("refined/0123456789abcdef0123456789abcdef/{name}.png");
    ImagePath::parse(&path).unwrap()
}

fn envelope(size: u64) -> Envelope {
    let description = Description {
        owner: "ada".into(),
        media_type: Format::Png.media_type().into(),
        created_at: 1,
        metadata: vec![],
    };
    Envelope::new(description, size, &[7; 32])
}

async fn put(images: &SmallImages, name: &str, length: usize) -> Result<(), CapabilityError> {
    let envelope = envelope(length as u64);
    images.put(&path(name), &envelope, vec![7; length]).await
}

fn names(images: &SmallImages) -> Vec<String> {
    let (listed, next) = images.list(0).unwrap();
    assert_eq!(next, None);
    listed.into_iter().map(|image| image.path).collect()
}

/// Files of a directory.
struct Copies {
    to: PathBuf,
    scratch: PathBuf,
}

impl Archive for Copies {
    fn add(&mut self, path: &Path, mut file: fs::File) -> io::Result<()> {
        io::copy(&mut file, &mut fs::File::create(self.to.join(path))?).map(drop)
    }

    fn scratch(&self) -> &Path {
        &self.scratch
    }
}

#[tokio::test]
async fn the_room_that_they_take_is_known_exactly() {
    let place = tempfile::tempdir().unwrap();
    let (images, room) = open(place.path());
    for (name, length, expected) in [("a", 10, 10), ("b", 5, 15), ("a", 7, 12)] {
        put(&images, name, length).await.unwrap();
        assert_eq!(room.occupancy().stored, expected);
    }
    images.hold();
    for _ in 0..2 {
        images.remove(&path("a")).await.unwrap();
        assert_eq!(room.occupancy().stored, 5);
    }
    put(&images, "a", 3).await.unwrap();
    assert_eq!(room.occupancy().stored, 8);
    images.remove(&path("a")).await.unwrap();
    drop(images);
    let (images, room) = open(place.path());
    assert_eq!(room.occupancy().stored, 5);
    images.remove(&path("b")).await.unwrap();
    assert_eq!(room.occupancy().stored, 0);
}

/// By others too, uploads say.
#[tokio::test]
async fn what_goes_makes_room_on_the_disk() {
    let place = tempfile::tempdir().unwrap();
    let (images, _) = open(place.path());
    let names: Vec<_> = (0..100).map(|name| name.to_string()).collect();
    join_all(names.iter().map(|name| put(&images, name, 65_536))).await;
    let all = names
        .iter()
        .map(async |name| images.remove(&path(name)).await);
    join_all(all).await;
    put(&images, "last", 10).await.unwrap();
    drop(images);
    let left = fs::metadata(place.path().join(FILE)).unwrap().len();
    assert!(left < 2 << 20, "{left} bytes");
}

#[tokio::test]
async fn what_is_removed_while_it_is_held_is_in_the_copy_alone() {
    let [place, copy, scratch] = [(); 3].map(|()| tempfile::tempdir().unwrap());
    let (images, _) = open(place.path());
    for name in ["a", "b"] {
        put(&images, name, 10).await.unwrap();
    }
    images.hold();
    images.remove(&path("a")).await.unwrap();
    assert_eq!(images.info(&path("a")).unwrap(), None);
    assert!(images.find(&path("a")).unwrap().is_none());
    assert_eq!(names(&images), [path("b").to_string()]);
    let mut archive = Copies {
        to: copy.path().to_owned(),
        scratch: scratch.path().to_owned(),
    };
    let copied = images.copy_to(&mut archive, Path::new(FILE), &mut NamedImages::default());
    assert_eq!(copied.unwrap(), 2);
    assert_eq!(fs::read_dir(scratch.path()).unwrap().count(), 0);
    std::thread::scope(|scope| {
        scope.spawn(|| images.release());
    });
    images.remove(&path("b")).await.unwrap();
    let rows = "SELECT count(*) FROM image";
    let rows = images
        .reader
        .lock()
        .query_row(rows, [], |row| row.get::<_, u32>(0));
    assert_eq!(rows, Ok(0), "nothing is kept any longer");

    let (copied, _) = open(copy.path());
    let all = ["a", "b"].map(|name| path(name).to_string());
    assert_eq!(names(&copied), all);
}

#[tokio::test]
async fn nothing_is_accepted_into_a_file_without_its_name() {
    for name in ["small.sqlite", "small.sqlite-wal"] {
        let place = tempfile::tempdir().unwrap();
        let (images, _) = open(place.path());
        put(&images, "a", 10).await.unwrap();
        let [file, aside] = [name, "aside"].map(|name| place.path().join(name));
        fs::rename(&file, &aside).unwrap();
        let error = put(&images, "b", 10).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Unavailable, "{name}");
        assert!(!error.message.contains('/'), "{error}");
        fs::rename(&aside, &file).unwrap();
        assert_eq!(names(&images), [path("a").to_string()], "{name}");
        put(&images, "b", 10).await.unwrap();
    }
}

#[tokio::test]
async fn a_damaged_image_is_as_good_as_none_and_can_be_removed() {
    let place = tempfile::tempdir().unwrap();
    let (images, _) = open(place.path());
    put(&images, "a", 10).await.unwrap();
    drop(images);
    let table = Connection::open(place.path().join(FILE)).unwrap();
    table
        .execute("UPDATE image SET envelope = '{'", [])
        .unwrap();
    drop(table);
    let (images, room) = open(place.path());
    assert_eq!(images.info(&path("a")).unwrap(), None);
    assert!(images.find(&path("a")).unwrap().is_none());
    assert_eq!(names(&images), [""; 0]);
    assert!(images.has(&path("a")).unwrap());
    images.remove(&path("a")).await.unwrap();
    assert_eq!(room.occupancy().stored, 0);
}

#[test]
fn a_file_of_another_kind_or_release_is_left_as_it_is() {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join(FILE);
    let refused = || {
        SmallImages::open(place.path(), Arc::default())
            .err()
            .unwrap()
    };
    drop(open(place.path()));
    let table = Connection::open(&file).unwrap();
    table.pragma_update(None, "user_version", 99).unwrap();
    drop(table);
    assert!(matches!(refused(), OpenError::LaterVersion(_)));
    fs::write(&file, "no database".repeat(1000)).unwrap();
    assert!(matches!(refused(), OpenError::Damaged(_)));
    let left = fs::read_to_string(&file).unwrap();
    assert_eq!(left, "no database".repeat(1000));
}
