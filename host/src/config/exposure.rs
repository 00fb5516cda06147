//! Finds secrets in a settings file that other users of the machine can read. This is not
//! an error, because there may be no other users; the warning names the keys, never a
//! value.

use std::fs;
use std::io;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use super::sources::TABLE;
use super::table::SETTINGS;

/// Words in the name of a link's setting that mark its value as secret; a custom component
/// may have settings with any name.
const SECRET: [&str; 4] = ["key", "password", "secret", "token"];

/// A warning about the secrets of a settings file, as a sentence. None: there are none, or
/// nobody else can read them.
pub fn exposed(file: &Path) -> Option<String> {
    if !is_open_to_others(file).ok()? {
        return None;
    }
    let keys = secrets(&fs::read_to_string(file).ok()?);
    (!keys.is_empty()).then(|| {
        format!(
            "other users of this machine can read the secrets in {}: {}. Set them by variables, \
             or take the file from others (chmod o-r)",
            file.display(),
            keys.join(", ")
        )
    })
}

/// The file and every directory in its path.
fn is_open_to_others(file: &Path) -> io::Result<bool> {
    let allows = |path: &Path, bit| {
        let mode = fs::metadata(path)?.permissions().mode();
        io::Result::Ok(mode & bit != 0)
    };
    let file = file.canonicalize()?;
    let mut is_open = allows(&file, 0o004)?;
    for directory in file.ancestors().skip(1) {
        is_open = is_open && allows(directory, 0o001)?;
    }
    Ok(is_open)
}

/// The keys of secrets in a settings file.
fn secrets(text: &str) -> Vec<String> {
    let Ok(table) = text.parse::<toml::Table>() else {
        return Vec::new();
    };
    let settings = SETTINGS.iter().filter(|setting| {
        let has_login = |value: &toml::Value| value.as_str().is_some_and(has_login);
        let value = table.get(&setting.file_key());
        setting.secret && value.is_some_and(|value| setting.value == "SECRET" || has_login(value))
    });
    let mut keys: Vec<_> = settings.map(|setting| setting.file_key()).collect();
    let links = table.get(TABLE).and_then(toml::Value::as_table);
    for (link, settings) in links.into_iter().flatten() {
        let settings = settings.as_table().into_iter().flat_map(toml::Table::keys);
        let secret = settings.filter(|key| SECRET.iter().any(|word| key.contains(word)));
        keys.extend(secret.map(|key| format!("{TABLE}.{link}.{key}")));
    }
    keys
}

/// Whether the address of a store has a password or a token in it.
fn has_login(address: &str) -> bool {
    address.contains('@') || address.contains("password=")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_are_known_by_their_keys() {
        for (text, expected) in [
            ("uploads = 7", &[][..]),
            ("tasks = 'sqlite'\nqueue = 'nats://host'", &[]),
            ("tasks = 'postgres://u:hush@host/x'", &["tasks"]),
            ("queue = 'nats://hush@host'", &["queue"]),
            ("tasks = 'postgres://host/x?password=hush'", &["tasks"]),
            ("admin_tokens = ['ada:hush']", &["admin_tokens"]),
            (
                "admin_token = 'hush'\njwt_secret = 'hush'\nmodel_url = 'http://a@b'",
                &["admin_token", "jwt_secret"],
            ),
            (
                "[models.openai]\nname = 'm'\napi_key = 'hush'\n[models.own]\nhub_token = 'hush'",
                &["models.openai.api_key", "models.own.hub_token"],
            ),
            ("no TOML", &[]),
        ] {
            assert_eq!(secrets(text), expected, "{text}");
        }
    }
}
