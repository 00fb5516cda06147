//! Counts reservations of images for an image store that cannot.
//!
//! The [`Room`] gets their total, and uses it when it admits new tasks.

use concept_refinement_capability::Answer;
use concept_refinement_capability::room::Room;
use concept_refinement_capability::upload_reservations::{
    Admission, Change, ImageKey, LONGEST, NewReservation, Reservation, TERM, UploadReservations,
};
use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::image_limits::ImageUsage;
use concept_refinement_domain::image_path::folder;
use rusqlite::types::Type;
use rusqlite::{Connection, Row, params};

use super::SqliteTasks;
use super::fault::Fault;
use super::stored::Stored;
use super::writer::Tx;
use crate::sqlite::statements::{all, find, one};

impl UploadReservations for SqliteTasks {
    fn take(&self, new: NewReservation) -> Answer<'_, Admission> {
        self.write_with_total(move |tx| take(tx, &new))
    }

    fn change(&self, reservation: Reservation, change: Change) -> Answer<'_, bool> {
        self.write_with_total(move |tx| {
            let Reservation { holder, path, .. } = &reservation;
            let until = Stored(tx.now.plus(TERM));
            let changed = match change {
                Change::Hold => {
                    let sql = "UPDATE upload_reservation SET until = ? WHERE holder = ?";
                    tx.run(sql, params![until, holder])
                }
                Change::Claim => {
                    let ImageKey { kind, owner, name } = path;
                    let sql = "UPDATE upload_reservation SET holder = ?, until = ? \
                         WHERE owner = ? AND kind = ? AND name = ?";
                    tx.run(sql, params![holder, until, owner, folder(*kind), name])
                }
                Change::Settle(bytes) => {
                    let sql = "UPDATE upload_reservation SET bytes = ?, holder = NULL, \
                         until = NULL WHERE holder = ?";
                    tx.run(sql, params![column(bytes), holder])
                }
                Change::Free => {
                    let sql = "DELETE FROM upload_reservation WHERE holder = ?";
                    tx.run(sql, [holder])
                }
            };
            Ok(changed? > 0)
        })
    }

    fn abandoned(&self, limit: u32) -> Answer<'_, Vec<Reservation>> {
        self.write_with_total(move |tx| {
            let sql = "UPDATE upload_reservation SET until = ?1, holder = hex(randomblob(16)) \
                 WHERE holder IN (SELECT holder FROM upload_reservation \
                     WHERE until <= ?2 ORDER BY until LIMIT ?3) \
                 RETURNING owner, kind, name, holder";
            let until = Stored(tx.now.plus(TERM));
            let parameters = params![until, Stored(tx.now), limit];
            let reservations = all(tx.connection, sql, parameters, |row| {
                Ok(Reservation {
                    holder: row.get(3)?,
                    path: path(row)?,
                    anonymous_owner: None,
                })
            });
            Ok(reservations?)
        })
    }

    fn settled(
        &self,
        kind: ImageKind,
        after: Option<ImageKey>,
        limit: u32,
    ) -> Answer<'_, Vec<ImageKey>> {
        self.scan(move |connection| {
            let sql = "SELECT owner, kind, name FROM upload_reservation \
                 WHERE kind = ? AND until IS NULL AND (owner, name) > (?, ?) \
                 ORDER BY owner, name LIMIT ?";
            let [owner, name] =
                after.map_or_else(Default::default, |after| [after.owner, after.name]);
            let parameters = params![folder(kind), owner, name, limit];
            Ok(all(connection, sql, parameters, path)?)
        })
    }

    fn anonymous_owners(&self, images: Vec<ImageKey>) -> Answer<'_, Vec<Option<String>>> {
        self.scan(move |connection| {
            let sql = "SELECT anonymous_owner FROM upload_reservation \
                 WHERE owner = ? AND kind = ? AND name = ?";
            let owners = images.iter().map(|ImageKey { kind, owner, name }| {
                let key = [owner, folder(*kind), name];
                Ok(find(connection, sql, key, |row| row.get(0))?.flatten())
            });
            owners.collect()
        })
    }
}

impl SqliteTasks {
    /// Tells the room the total of all images afterwards.
    fn write_with_total<T: Send + 'static>(
        &self,
        work: impl FnOnce(&mut Tx<'_>) -> Result<T, Fault> + Send + 'static,
    ) -> Answer<'_, T> {
        self.write(move |tx| {
            let done = work(tx)?;
            tell(tx.connection, &tx.options.room)?;
            Ok(done)
        })
    }
}

/// At startup, for a file that belongs to one process: no reservation has a holder any
/// more.
pub(super) fn take_over(connection: &Connection, room: &Room) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE upload_reservation SET until = 0 WHERE until IS NOT NULL",
        [],
    )?;
    tell(connection, room)
}

fn take(tx: &Tx<'_>, new: &NewReservation) -> Result<Admission, Fault> {
    let Reservation {
        holder,
        path,
        anonymous_owner,
    } = &new.reservation;
    let ImageKey { kind, owner, name } = path;
    if let Some(limits) = new.limits {
        let sql = "SELECT count(*), coalesce(sum(bytes), 0), count(until) FROM upload_reservation \
             WHERE owner = ? AND kind = ? AND name <> ?";
        let usage = one(tx.connection, sql, [owner, folder(*kind), name], |row| {
            Ok(ImageUsage {
                images: row.get(0)?,
                bytes: row.get::<_, i64>(1)?.unsigned_abs(),
                under_way: row.get(2)?,
            })
        })?;
        if let Err(limit) = limits.admit(usage, new.longest) {
            return Ok(Admission::LimitReached(limit));
        }
    }
    if let Some(max_store) = new.max_store {
        let [stored, pending, _] = total(tx.connection)?;
        let with_it = stored.saturating_add(pending).saturating_add(new.longest);
        if !tx.options.room.admits_upload(max_store, with_it) {
            return Ok(Admission::StoreFull);
        }
    }
    let sql = "INSERT INTO upload_reservation \
         (owner, kind, name, bytes, holder, until, anonymous_owner) \
         VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE \
         SET bytes = max(bytes, excluded.bytes), holder = excluded.holder, \
             until = excluded.until, \
             anonymous_owner = coalesce(excluded.anonymous_owner, anonymous_owner)";
    let (kind, bytes) = (folder(*kind), column(new.longest));
    let until = Stored(tx.now.plus(TERM));
    let parameters = params![owner, kind, name, bytes, holder, until, anonymous_owner];
    tx.execute(sql, parameters)?;
    Ok(Admission::Taken)
}

fn column(bytes: u64) -> i64 {
    bytes.min(LONGEST).cast_signed()
}

/// Bytes stored, bytes pending, and the number of pending images.
fn total(connection: &Connection) -> rusqlite::Result<[u64; 3]> {
    let sql = "SELECT stored, pending, pending_count FROM upload_total";
    one(connection, sql, [], |row| {
        let number = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
        Ok([number(0)?, number(1)?, number(2)?])
    })
}

fn tell(connection: &Connection, room: &Room) -> rusqlite::Result<()> {
    let [stored, pending, pending_count] = total(connection)?;
    room.replace_elsewhere(stored, pending, pending_count);
    Ok(())
}

/// From a row that begins with owner, kind and name.
fn path(row: &Row<'_>) -> rusqlite::Result<ImageKey> {
    let kind: String = row.get(1)?;
    let kind = [ImageKind::Upload, ImageKind::Refined]
        .into_iter()
        .find(|candidate| folder(*candidate) == kind)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(1, "kind".to_owned(), Type::Text))?;
    Ok(ImageKey {
        kind,
        owner: row.get(0)?,
        name: row.get(2)?,
    })
}
