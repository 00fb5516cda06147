//! Checks of a database before it is used, by `check` and at startup, and the sentences
//! about the results.

use concept_refinement_capability::OpenError;
use concept_refinement_capability::moving::{
    UNFINISHED_MOVE, half_moved as half_moved_sentence, source_of,
};

use crate::admin::moving;
use crate::changes;
use crate::connection::database::{DEADLINE, Database};
use crate::connection::fault::Fault;
use crate::connection::schema;
use crate::connection::schema::Found;
use crate::connection::settings::Settings;

/// The oldest supported major version of Postgres.
const OLDEST: i32 = 150_000;

/// Connects to a database and changes nothing there. The answer has a sentence for each
/// setting that may lose data, run short or delay notifications between hosts, and says
/// whether the tables will be created or upgraded. For `listen` see
/// [`PostgresTasks::open`](crate::PostgresTasks::open).
///
/// # Errors
///
/// It cannot be reached or used.
pub async fn inspect(
    settings: &Settings,
    listen: Option<&Settings>,
) -> Result<Vec<String>, OpenError> {
    let refused = |reason: String| OpenError::server(&settings.location, reason);
    let database = Database::new(settings).map_err(refused)?;
    let source = listen.map(Database::new).transpose().map_err(refused)?;
    let looked = async {
        let found = schema::find(&database).await?;
        let mut notes = warnings(&database).await?;
        if let Err(fault) = changes::probe(&database, source.as_ref().unwrap_or(&database)).await {
            let reason = reason(&fault);
            notes.push(format!(
                "Hosts do not hear of each other's changes, and look for them: {reason} \
                 (behind a pooler, tasks-listen-url has to name the server itself)."
            ));
        }
        match found {
            Found::Nothing if !schema::may_create(&database).await? => {
                return Err(Fault::NotAllowed);
            }
            Found::Earlier if !schema::may_upgrade(&database).await? => {
                return Err(Fault::NotAllowed);
            }
            Found::Nothing => notes.push("The next start creates its tables.".to_owned()),
            Found::Earlier => notes.push(
                "The next start upgrades its tables; then earlier versions cannot use them."
                    .to_owned(),
            ),
            Found::Current => {}
        }
        let half_moved = match found {
            Found::Nothing => None,
            Found::Earlier | Found::Current => {
                let session = database.unready_session(DEADLINE).await?;
                source_of(&moving::read(&session, &UNFINISHED_MOVE, &[], None, 1).await?)
            }
        };
        Ok((notes, half_moved))
    };
    let looked = looked.await;
    let (notes, half_moved) = looked.map_err(|fault: Fault| refused(reason(&fault)))?;
    match half_moved {
        Some(source) => Err(refused(half_moved_sentence(&source))),
        None => Ok(notes),
    }
}

async fn warnings(database: &Database) -> Result<Vec<String>, Fault> {
    const SQL: &str = "SELECT current_setting('fsync') = 'off', \
         current_setting('synchronous_commit') = 'off', \
         current_setting('full_page_writes') = 'off', \
         current_setting('max_connections')::bigint \
             - current_setting('superuser_reserved_connections')::bigint, \
         current_setting('server_version_num')::int, \
         current_setting('default_transaction_isolation')";
    let session = database.unready_session(DEADLINE).await?;
    let rows = session.query(SQL, &[]).await?;
    let row = rows.first().ok_or(Fault::Timeout)?;
    let mut notes = Vec::new();
    for (index, name, harm) in [
        (0, "fsync", "damages the database"),
        (1, "synchronous_commit", "loses accepted tasks"),
        (2, "full_page_writes", "damages the database"),
    ] {
        if row.try_get(index)? {
            notes.push(format!("{name} is off: a crash of the server {harm}."));
        }
    }
    let connections: i64 = row.try_get(3)?;
    let needed = database.settings.pool + 1;
    if usize::try_from(connections).is_ok_and(|connections| connections < needed) {
        notes.push(format!(
            "It takes {connections} connections, and this host alone may use {needed} \
             (the URL's parameter pool, and one to listen)."
        ));
    }
    let version: i32 = row.try_get(4)?;
    if version < OLDEST {
        notes.push("It is older than Postgres 15, with which nothing was tested.".to_owned());
    }
    let isolation: &str = row.try_get(5)?;
    if isolation != "read committed" {
        notes.push(format!(
            "Its default_transaction_isolation is {isolation}: transactions that need it ask for \
             read committed themselves."
        ));
    }
    Ok(notes)
}

fn reason(fault: &Fault) -> String {
    fault.refusal().unwrap_or_else(|| fault.to_string())
}
