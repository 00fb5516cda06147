//! Reading images, and parts of them.

use concept_refinement_domain::capability::{ByteRange, ErrorKind};
use futures::StreamExt;

use super::{ImageBackend, Store, image, noise};

const SIZE: usize = 700_000;

pub async fn each_range_within_is_read<B: ImageBackend>() {
    let store = Store::<B>::start();
    let bytes = noise(SIZE);
    let path = store.stored(image("ada", "a", &bytes), &bytes).await.path;
    for (offset, length) in [
        (0, 0),
        (0, 1),
        (0, SIZE),
        (1, SIZE - 1),
        (0, SIZE - 1),
        (SIZE - 1, 1),
        (SIZE, 0),
        (65_536, 65_536),
        (262_143, 2),
        (100, 600_000),
    ] {
        let range = ByteRange {
            offset: offset as u64,
            length: length as u64,
        };
        let read = store.read(&path, Some(range)).await.unwrap();
        assert!(read == bytes[offset..offset + length], "{range:?}");
        let (info, _) = store.images.get(&path, Some(range)).await.unwrap().unwrap();
        assert_eq!(info.size, SIZE as u64, "of the whole image");
    }
}

pub async fn a_range_beyond_is_refused<B: ImageBackend>() {
    let store = Store::<B>::start();
    let bytes = noise(1000);
    let path = store.stored(image("ada", "a", &bytes), &bytes).await.path;
    for (offset, length) in [
        (0, 1001),
        (1000, 1),
        (1001, 0),
        (999, 2),
        (u64::MAX, 0),
        (u64::MAX, u64::MAX),
        (1, u64::MAX),
        (0, u64::MAX),
    ] {
        let range = Some(ByteRange { offset, length });
        match store.images.get(&path, range).await {
            Err(error) => assert_eq!(error.kind, ErrorKind::Invalid, "{range:?}"),
            Ok(_) => panic!("{range:?}"),
        }
        let missing = path.replace(".png", ".gif");
        assert_eq!(store.read(&missing, range).await, None);
    }
}

pub async fn a_large_image_comes_in_pieces<B: ImageBackend>() {
    let store = Store::<B>::start();
    let bytes = noise(5_000_000);
    let path = store.stored(image("ada", "a", &bytes), &bytes).await.path;
    let (_, contents) = store.images.get(&path, None).await.unwrap().unwrap();
    let chunks: Vec<_> = contents.map(|chunk| chunk.unwrap().len()).collect().await;
    let (last, others) = chunks.split_last().unwrap();
    assert!(
        others
            .iter()
            .all(|length| (65_536..=1_048_576).contains(length)),
        "{chunks:?}"
    );
    assert!((1..=1_048_576).contains(last), "{chunks:?}");
    assert_eq!(chunks.iter().sum::<usize>(), bytes.len());
}

pub async fn equal_contents_have_equal_etags<B: ImageBackend>() {
    let store = Store::<B>::start();
    let etag = async |name: &str, bytes: &[u8]| {
        let path = store.stored(image("ada", name, bytes), bytes).await.path;
        store.stat(&path).await.unwrap().etag
    };
    let a = etag("a", b"one").await;
    let inner = a.strip_prefix('"').and_then(|rest| rest.strip_suffix('"'));
    let inner = inner.expect("it is quoted");
    assert!(inner.len() >= 16 && inner.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    assert_eq!(etag("b", b"one").await, a);
    assert_ne!(etag("c", b"two").await, a);
    assert_ne!(etag("a", b"onf").await, a, "replaced");
    assert_eq!(etag("a", b"one").await, a, "and replaced again");
}

pub async fn no_path_leads_elsewhere<B: ImageBackend>() {
    let store = Store::<B>::start();
    let bytes = noise(100);
    let good = store.stored(image("ada", "a", &bytes), &bytes).await.path;
    let mut jpeg = image("ada", "b", &bytes);
    jpeg.media_type = "image/jpeg".into();
    store.stored(jpeg, &bytes).await;
    let (folder, file) = good.rsplit_once('/').unwrap();
    let (kind, tag) = folder.split_once('/').unwrap();
    let mut bad: Vec<String> = [
        "",
        ".",
        "..",
        "/",
        "/etc/passwd",
        "../../../../../../etc/passwd",
        "uploads",
        "uploads/",
        "tasks.sqlite",
        "\0",
    ]
    .map(str::to_owned)
    .to_vec();
    bad.extend([
        format!("/{good}"),
        format!("{good}/"),
        format!("{good}\0"),
        format!("{good}?x"),
        format!("./{good}"),
        format!("{kind}/./{tag}/{file}"),
        format!("{kind}//{tag}/{file}"),
        format!("{kind}/../{good}"),
        format!("{kind}/{tag}/../{tag}/{file}"),
        format!("{kind}/{tag}/x/../{file}"),
        format!("{kind}\\{tag}\\{file}"),
        format!("{kind}%2f{tag}%2f{file}"),
        format!("{kind}/{tag}"),
        format!("{kind}/{tag}/"),
        format!("{kind}/{tag}/.."),
        format!("{kind}/{tag}/a"),
        format!("{kind}/{tag}/a."),
        format!("{kind}/{tag}/a.jpg"),
        format!("{kind}/{tag}/b.png"),
        format!("{kind}/{tag}/a.PNG"),
        format!("{kind}/{tag}/a.png.png"),
        format!("{}/{tag}/{file}", kind.to_uppercase()),
        format!("{kind}/{}/{file}", tag.to_uppercase()),
        format!("refined/{tag}/{file}"),
        good.repeat(1000),
    ]);
    for path in bad {
        assert_eq!(store.stat(&path).await, None, "{path:?}");
        assert_eq!(store.read(&path, None).await, None, "{path:?}");
        store.images.delete(&path).await.unwrap();
    }
    assert_eq!(store.read(&good, None).await, Some(bytes));
    assert_eq!(store.backend.stored_count(), 2);
}
