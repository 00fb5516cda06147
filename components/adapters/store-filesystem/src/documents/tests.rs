use std::thread;

use tempfile::TempDir;

use super::*;
use crate::tests::run;

fn key(name: &str) -> String {
    format!("task/{name}")
}

#[test]
fn documents_are_written_read_replaced_and_removed() {
    let root = TempDir::new().unwrap();
    let store = Filesystem::at(root.path().join("made/when/needed"));
    assert_eq!(run(store.get("task/a")), Ok(None));
    assert_eq!(run(store.delete_many(&[key("a")])), Ok(()));

    let written = vec![
        (key("a"), b"one".to_vec()),
        (key("b"), Vec::new()),
        (key("c"), vec![0; 3 << 20]),
        ("task".to_owned(), b"no directory".to_vec()),
    ];
    assert_eq!(run(store.set_many(written)), Ok(()));
    let keys = [key("c"), key("missing"), key("b"), key("a")];
    assert_eq!(
        run(store.get_many(&keys)),
        Ok(vec![
            Some(vec![0; 3 << 20]),
            None,
            Some(Vec::new()),
            Some(b"one".to_vec())
        ])
    );

    let replaced = vec![(key("a"), b"two".to_vec())];
    assert_eq!(run(store.set_many(replaced)), Ok(()));
    assert_eq!(run(store.get("task/a")), Ok(Some(b"two".to_vec())));

    assert_eq!(run(store.delete_many(&[key("missing"), key("a")])), Ok(()));
    assert_eq!(run(store.get("task/a")), Ok(None));
    assert_eq!(run(store.get("task")), Ok(Some(b"no directory".to_vec())));
    assert_eq!(run(store.set_many(Vec::new())), Ok(()));
}

#[test]
fn a_document_is_never_seen_half_written() {
    const SIZE: usize = 200_000;
    let root = TempDir::new().unwrap();
    thread::scope(|scope| {
        let writers: Vec<_> = (0..4u8)
            .map(|filled| {
                let root = root.path();
                scope.spawn(move || {
                    let store = Filesystem::at(root);
                    for _ in 0..25 {
                        let document = (key("a"), vec![filled; SIZE]);
                        run(store.set_many(vec![document])).unwrap();
                    }
                })
            })
            .collect();
        let store = Filesystem::at(root.path());
        let mut seen = 0;
        while !writers.iter().all(thread::ScopedJoinHandle::is_finished) {
            if let Some(document) = run(store.get("task/a")).unwrap() {
                assert_eq!(document.len(), SIZE);
                assert!(document.iter().all(|byte| Some(byte) == document.first()));
                seen += 1;
            }
        }
        assert!(seen > 0, "it was not looked at");
    });
    let drafts = fs::read_dir(root.path().join("drafts")).unwrap();
    assert_eq!(drafts.count(), 0, "a draft was left behind");
}

#[test]
fn a_key_that_leads_elsewhere_is_refused_and_what_came_before_it_is_whole() {
    let root = TempDir::new().unwrap();
    let store = Filesystem::at(root.path().join("inside"));
    let written = vec![
        (key("a"), b"one".to_vec()),
        ("../../outside".to_owned(), b"two".to_vec()),
        (key("b"), b"three".to_vec()),
    ];
    assert!(matches!(
        run(store.set_many(written)),
        Err(Fault::Invalid(_))
    ));
    assert_eq!(run(store.get("task/a")), Ok(Some(b"one".to_vec())));
    assert_eq!(run(store.get("task/b")), Ok(None));
    assert!(matches!(run(store.get("..")), Err(Fault::Invalid(_))));
    assert!(matches!(
        run(store.delete_many(&["../x".to_owned()])),
        Err(Fault::Invalid(_))
    ));
    let outside = fs::read_dir(root.path()).unwrap();
    assert_eq!(outside.count(), 1, "something was written outside");
}

#[test]
fn what_cannot_be_used_is_a_fault() {
    let root = TempDir::new().unwrap();
    let file = root.path().join("file");
    fs::write(&file, b"").unwrap();
    let store = Filesystem::at(&file);
    let unavailable =
        |result: Result<(), Fault>| assert!(matches!(result, Err(Fault::Unavailable(_))));
    unavailable(run(store.get("a")).map(|_| ()));
    unavailable(run(store.set_many(vec![("a".to_owned(), Vec::new())])));
    unavailable(run(store.delete_many(&["a".to_owned()])));
}
