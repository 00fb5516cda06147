//! The URLs of images.

use concept_refinement_domain::capability::{Access, ErrorKind, Resolved};

use super::{ImageBackend, ORIGIN, Store, TTL, image, signing};

pub async fn a_signed_url_resolves_to_its_image<B: ImageBackend>() {
    let store = Store::<B>::start();
    let path = store.stored(image("ada", "a", b"1"), b"1").await.path;
    let other = store.stored(image("ada", "b", b"1"), b"1").await.path;
    let url = store.images.sign(&path, ORIGIN).await.unwrap();
    let resolve = async |url: &str| store.images.resolve(url, ORIGIN).await.unwrap();
    let expected = |path: &str, access| {
        Some(Resolved {
            path: path.into(),
            access,
        })
    };
    let origin = B::PUBLIC_URL.unwrap_or(ORIGIN);
    let unsigned = format!("{origin}/api/images/{path}");
    assert!(url.starts_with(&format!("{unsigned}?")), "{url}");
    assert_eq!(resolve(&url).await, expected(&path, Access::Signed));
    assert_eq!(resolve(&unsigned).await, expected(&path, Access::Unsigned));
    let elsewhere = url.replace(&path, &other);
    assert_eq!(resolve(&elsewhere).await, expected(&other, Access::Refused));
    let (partial, _) = url.rsplit_once('&').unwrap();
    assert_eq!(resolve(partial).await, expected(&path, Access::Refused));

    store.clock.advance(TTL / 2);
    assert_eq!(resolve(&url).await, expected(&path, Access::Signed));
    store.clock.advance(TTL / 2);
    assert_eq!(resolve(&url).await, expected(&path, Access::Refused));
}

pub async fn the_public_url_comes_first<B: ImageBackend>() {
    let store = Store::<B>::start_with(signing(Some("https://example.org/refine/")));
    let stored = store.stored(image("ada", "a", b"1"), b"1").await;
    let address = format!("https://example.org/refine/api/images/{}", stored.path);
    assert_eq!(stored.url, address);
    let url = store.images.sign(&stored.path, ORIGIN).await.unwrap();
    assert!(url.starts_with(&format!("{address}?")), "{url}");
    let on_origin = format!("{ORIGIN}/api/images/{}", stored.path);
    for (url, access) in [(url, Access::Signed), (on_origin, Access::Unsigned)] {
        let resolved = store.images.resolve(&url, ORIGIN).await.unwrap();
        let path = stored.path.clone();
        assert_eq!(resolved, Some(Resolved { path, access }), "{url}");
    }
}

/// Fetching it from ourselves would be worse than finding nothing.
pub async fn a_url_of_ours_need_not_name_an_image<B: ImageBackend>() {
    let store = Store::<B>::start();
    for rest in [
        "",
        "x",
        "uploads/x/y.png",
        "..%2f..%2fetc%2fpasswd",
        "%00",
        "a?b",
        "a//b",
    ] {
        let url = format!("{ORIGIN}/api/images/{rest}");
        let resolved = store.images.resolve(&url, ORIGIN).await.unwrap();
        let resolved = resolved.unwrap_or_else(|| panic!("{url}"));
        assert_eq!(store.stat(&resolved.path).await, None, "{url}");
    }
    for url in [
        "https://example.com/api/images/x".to_owned(),
        format!("{ORIGIN}/api/tasks/x"),
        format!("{ORIGIN}/api/images/../tasks"),
        "no url".to_owned(),
    ] {
        let resolved = store.images.resolve(&url, ORIGIN).await.unwrap();
        assert_eq!(resolved, None, "{url}");
    }
}

pub async fn what_is_no_path_is_not_signed<B: ImageBackend>() {
    let store = Store::<B>::start();
    for path in ["", "../x", "x", "uploads/x/y.png", "uploads/x?y=z"] {
        let error = store.images.sign(path, ORIGIN).await.unwrap_err();
        assert_eq!(error.kind, ErrorKind::Invalid, "{path}");
    }
}
