//! Settings, as the API reads them.

use super::memory::Memory;
use super::service::{Call, Service};
use crate::ConfigError;

#[test]
fn unusable_settings_are_named() {
    let cases = [
        ("auth", "jwks"),
        ("public-url", "refine.example.com"),
        ("image-url-ttl", "an hour"),
        ("rate-limit", "0/month"),
        ("allow-sources", "a b"),
        ("uploads", "-1"),
        ("max-image-bytes", "20 MB"),
        ("max-image-pixels", "many"),
    ];
    for (setting, value) in cases {
        match Service::start(&Memory::default(), &[(setting, value)]).err() {
            Some(ConfigError::Unusable { name, .. }) => assert_eq!(name, setting),
            other => panic!("{setting}: {other:?}"),
        }
    }
}

#[test]
fn there_is_no_default_secret() {
    for auth in ["anonymous", "secret"] {
        let settings = [("auth", auth), ("jwt-secret", "")];
        let error = Service::start(&Memory::default(), &settings).err();
        assert_eq!(error, Some(ConfigError::Missing("jwt-secret")), "{auth}");
    }
}

#[test]
fn settings_are_read_once() {
    let service = Service::new();
    let read = service.memory.0.borrow().settings_read;
    assert!(read > 0);
    service.send(Call::refine("ann"));
    service.send(Call::get("/api/tasks").by("ann"));
    assert_eq!(service.memory.0.borrow().settings_read, read);
}
