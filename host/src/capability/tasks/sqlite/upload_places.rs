//! Places of images that are in a store that cannot count.
//!
//! What they take together is told to the [`Room`], by which new tasks are judged.

use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::image_limits::ImageUsage;
use concept_refinement_domain::image_path::folder;
use concept_refinement_domain::timestamp::Timestamp;
use rusqlite::types::Type;
use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::SqliteTasks;
use super::fault::Fault;
use super::stored::Stored;
use super::writer::Step;
use crate::capability::Answer;
use crate::capability::room::Room;
use crate::capability::upload_places::{
    Admission, DoubtfulPlace, LEASE, NewPlace, PlacePath, UploadPlaces,
};

/// More than any store has, in bytes: so much is counted of what may be longer, so
/// that sums fit.
const LONGEST: u64 = 1 << 50;

/// What images take together.
struct Total {
    /// In bytes, as is the next.
    stored: u64,
    in_doubt: u64,
    doubtful: u64,
}

impl UploadPlaces for SqliteTasks {
    fn take(&self, place: NewPlace) -> Answer<'_, Admission> {
        let room = self.options.room.clone();
        Box::pin(self.write(move |step| {
            let admission = take(step, &place, &room)?;
            tell(step.connection, &room)?;
            Ok(admission)
        }))
    }

    fn hold(&self, ids: Vec<String>) -> Answer<'_, Vec<String>> {
        Box::pin(self.write(move |step| hold(step, ids)))
    }

    fn settle(&self, place: DoubtfulPlace, bytes: u64) -> Answer<'_, ()> {
        let room = self.options.room.clone();
        Box::pin(self.write(move |step| {
            settle(step, &place, bytes)?;
            Ok(tell(step.connection, &room)?)
        }))
    }

    fn doubt(&self, path: PlacePath) -> Answer<'_, Option<DoubtfulPlace>> {
        let room = self.options.room.clone();
        Box::pin(self.write(move |step| {
            let place = doubt(step, path)?;
            tell(step.connection, &room)?;
            Ok(place)
        }))
    }

    fn free(&self, id: String) -> Answer<'_, ()> {
        let room = self.options.room.clone();
        Box::pin(self.write(move |step| {
            step.connection
                .prepare_cached("DELETE FROM upload_place WHERE id = ? AND until IS NOT NULL")?
                .execute([id])?;
            Ok(tell(step.connection, &room)?)
        }))
    }

    fn abandoned(&self, limit: u32) -> Answer<'_, Vec<DoubtfulPlace>> {
        Box::pin(self.write(move |step| abandoned(step, limit)))
    }
}

/// At a start, of a file that belongs to one process: nobody holds a place in
/// doubt any longer.
pub(super) fn take_over(connection: &Connection, room: &Room) -> rusqlite::Result<()> {
    connection.execute(
        "UPDATE upload_place SET until = 0 WHERE until IS NOT NULL",
        [],
    )?;
    tell(connection, room)
}

fn take(step: &Step<'_>, place: &NewPlace, room: &Room) -> Result<Admission, Fault> {
    let PlacePath { kind, owner, name } = &place.path;
    let known = step
        .connection
        .prepare_cached("SELECT 1 FROM upload_place WHERE id = ?")?
        .exists([&place.id])?;
    if known {
        return Ok(Admission::Taken);
    }
    if let Some(limits) = place.limits {
        let usage = step
            .connection
            .prepare_cached(
                "SELECT count(*), coalesce(sum(bytes), 0), count(until) FROM upload_place \
                 WHERE owner = ?1 AND kind = ?2 AND (name <> ?3 OR until IS NOT NULL)",
            )?
            .query_row(params![owner, folder(*kind), name], |row| {
                Ok(ImageUsage {
                    images: row.get(0)?,
                    bytes: row.get::<_, i64>(1)?.unsigned_abs(),
                    under_way: row.get(2)?,
                })
            })?;
        if let Err(limit) = limits.admit(usage, place.longest) {
            return Ok(Admission::LimitReached(limit));
        }
    }
    if let Some(max_store) = place.max_store {
        let Total {
            stored, in_doubt, ..
        } = total(step.connection)?;
        let taken = stored
            .saturating_add(in_doubt)
            .saturating_add(place.longest);
        if !room.is_within(max_store, taken) {
            return Ok(Admission::StoreFull);
        }
    }
    insert(
        step,
        &place.id,
        &place.path,
        place.longest,
        Some(Stored(step.now.plus(LEASE))),
    )?;
    Ok(Admission::Taken)
}

fn hold(step: &Step<'_>, ids: Vec<String>) -> Result<Vec<String>, Fault> {
    let mut held = step
        .connection
        .prepare_cached("UPDATE upload_place SET until = ? WHERE id = ? AND until IS NOT NULL")?;
    let until = Stored(step.now.plus(LEASE));
    let mut lost = Vec::new();
    for id in ids {
        if held.execute(params![until, id])? == 0 {
            lost.push(id);
        }
    }
    Ok(lost)
}

fn settle(step: &Step<'_>, place: &DoubtfulPlace, bytes: u64) -> Result<(), Fault> {
    let DoubtfulPlace { id, path } = place;
    let PlacePath { kind, owner, name } = path;
    step.connection
        .prepare_cached(
            "DELETE FROM upload_place WHERE id = ?1 \
             OR (owner = ?2 AND kind = ?3 AND name = ?4 AND until IS NULL)",
        )?
        .execute(params![id, owner, folder(*kind), name])?;
    insert(step, id, path, bytes, None)
}

fn doubt(step: &Step<'_>, path: PlacePath) -> Result<Option<DoubtfulPlace>, Fault> {
    let PlacePath { kind, owner, name } = &path;
    let id: Option<String> = step
        .connection
        .prepare_cached(
            "UPDATE upload_place SET until = ?1 \
             WHERE owner = ?2 AND kind = ?3 AND name = ?4 AND until IS NULL RETURNING id",
        )?
        .query_row(
            params![Stored(step.now.plus(LEASE)), owner, folder(*kind), name],
            |row| row.get(0),
        )
        .optional()?;
    Ok(id.map(|id| DoubtfulPlace { id, path }))
}

fn abandoned(step: &Step<'_>, limit: u32) -> Result<Vec<DoubtfulPlace>, Fault> {
    let mut statement = step.connection.prepare_cached(
        "UPDATE upload_place SET until = ?1 WHERE id IN (SELECT id FROM upload_place \
         WHERE until <= ?2 ORDER BY until LIMIT ?3) RETURNING id, kind, owner, name",
    )?;
    let until = Stored(step.now.plus(LEASE));
    let places = statement.query_map(params![until, Stored(step.now), limit], read)?;
    Ok(places.collect::<Result<_, _>>()?)
}

fn insert(
    step: &Step<'_>,
    id: &str,
    path: &PlacePath,
    bytes: u64,
    until: Option<Stored<Timestamp>>,
) -> Result<(), Fault> {
    let PlacePath { kind, owner, name } = path;
    step.connection
        .prepare_cached(
            "INSERT INTO upload_place (id, kind, owner, name, bytes, since, until) \
             VALUES (?, ?, ?, ?, ?, ?, ?)",
        )?
        .execute(params![
            id,
            folder(*kind),
            owner,
            name,
            bytes.min(LONGEST).cast_signed(),
            Stored(step.now),
            until
        ])?;
    Ok(())
}

fn total(connection: &Connection) -> rusqlite::Result<Total> {
    connection
        .prepare_cached("SELECT stored, in_doubt, doubtful FROM upload_total")?
        .query_row([], |row| {
            let number = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
            Ok(Total {
                stored: number(0)?,
                in_doubt: number(1)?,
                doubtful: number(2)?,
            })
        })
}

fn tell(connection: &Connection, room: &Room) -> rusqlite::Result<()> {
    let Total {
        stored,
        in_doubt,
        doubtful,
    } = total(connection)?;
    room.replace_elsewhere(stored, in_doubt, doubtful);
    Ok(())
}

pub(super) fn read(row: &Row<'_>) -> rusqlite::Result<DoubtfulPlace> {
    let kind: String = row.get(1)?;
    let kind = [ImageKind::Upload, ImageKind::Refined]
        .into_iter()
        .find(|candidate| folder(*candidate) == kind)
        .ok_or_else(|| rusqlite::Error::InvalidColumnType(1, "kind".to_owned(), Type::Text))?;
    Ok(DoubtfulPlace {
        id: row.get(0)?,
        path: PlacePath {
            kind,
            owner: row.get(2)?,
            name: row.get(3)?,
        },
    })
}
