//! Places of images that are in a store that cannot count.
//!
//! A user's places are judged under a lock of that user. Where all images together
//! have a limit, places far from it are taken beside each other, and the last ones
//! alone. What all take is told to the [`Room`] of this host, by which its new tasks
//! are judged.
//!
//! [`Room`]: crate::capability::room::Room

use std::sync::atomic::Ordering;

use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::image_limits::ImageUsage;
use concept_refinement_domain::image_path::folder;
use concept_refinement_domain::timestamp::Timestamp;
use tokio::time::Instant;
use tokio_postgres::types::Type;
use uuid::Uuid;

use super::PostgresTasks;
use super::database::{DEADLINE, Session};
use super::fault::Fault;
use super::values::{Cells, Parameter, Text, Time, id};
use crate::capability::Answer;
use crate::capability::upload_places::{
    Admission, DoubtfulPlace, LEASE, NewPlace, PlacePath, UploadPlaces,
};

/// More than any store has, in bytes: so much is counted of what may be longer, so
/// that sums fit.
const LONGEST: u64 = 1 << 50;

/// No place that is taken beside others is longer, in bytes.
const LONGEST_BESIDE: u64 = 64 << 20;

impl UploadPlaces for PostgresTasks {
    fn take(&self, place: NewPlace) -> Answer<'_, Admission> {
        self.answer(async move {
            let deadline = Instant::now() + DEADLINE;
            let mut turn = match place.longest <= LONGEST_BESIDE {
                true => Turn::Beside,
                false => Turn::Alone,
            };
            loop {
                let owner = &place.path.owner;
                // Who has to be alone waits for others of this host without a connection.
                let _alone = match turn {
                    Turn::Beside => None,
                    Turn::Alone => Some(self.alone_with_images.take(owner, deadline).await?),
                };
                let session = self.database.session_of_until(owner, deadline).await?;
                match take(self, &session, &place, turn).await {
                    Err(fault) if fault.is_lost_race() => session.roll_back().await?,
                    Err(fault) => return Err(fault),
                    Ok(Judged::So(admission)) => return Ok(admission),
                    Ok(Judged::TooNear) => turn = Turn::Alone,
                }
            }
        })
    }

    fn hold(&self, ids: Vec<String>) -> Answer<'_, Vec<String>> {
        const SQL: &str = "UPDATE schema.upload_place SET until = $2 \
             WHERE id = ANY ($1) AND until IS NOT NULL RETURNING id";
        self.answer(async move {
            let session = self.database.session().await?;
            let wanted: Vec<Uuid> = ids.iter().filter_map(|text| id(text)).collect();
            let until = Time(self.clock.now().plus(LEASE));
            let parameters: [Parameter<'_>; 2] =
                [(&wanted, Type::UUID_ARRAY), (&until, Type::TIMESTAMPTZ)];
            let mut held = Vec::new();
            for row in session.query(SQL, &parameters).await? {
                held.push(Cells::of(&row).id()?);
            }
            Ok(ids.into_iter().filter(|id| !held.contains(id)).collect())
        })
    }

    fn settle(&self, place: DoubtfulPlace, bytes: u64) -> Answer<'_, ()> {
        const REMOVE: &str = "DELETE FROM schema.upload_place WHERE id = $1 \
             OR (owner = $2 AND kind = $3 AND name = $4 AND until IS NULL)";
        self.answer(async move {
            let session = self.database.session().await?;
            let DoubtfulPlace { id: text, path } = place;
            let place = id(&text).ok_or(Fault::NoId)?;
            let (owner, name, kind) = columns(&path);
            let parameters: [Parameter<'_>; 4] = [
                (&place, Type::UUID),
                (&owner, Type::TEXT),
                (&kind, Type::TEXT),
                (&name, Type::TEXT),
            ];
            let now = self.clock.now();
            loop {
                // Two hosts may store an image of the same name.
                let stored = futures::try_join!(
                    session.begin(None),
                    session.execute(REMOVE, &parameters),
                    insert(&session, place, &path, bytes, now, None),
                    session.commit(),
                );
                match stored {
                    Err(fault) if fault.is_lost_race() => session.roll_back().await?,
                    Err(fault) => return Err(fault),
                    Ok(_) => return self.tell_room(&session).await,
                }
            }
        })
    }

    fn doubt(&self, path: PlacePath) -> Answer<'_, Option<DoubtfulPlace>> {
        const SQL: &str = "UPDATE schema.upload_place SET until = $1 \
             WHERE owner = $2 AND kind = $3 AND name = $4 AND until IS NULL RETURNING id";
        self.answer(async move {
            let session = self.database.session().await?;
            let until = Time(self.clock.now().plus(LEASE));
            let (owner, name, kind) = columns(&path);
            let parameters: [Parameter<'_>; 4] = [
                (&until, Type::TIMESTAMPTZ),
                (&owner, Type::TEXT),
                (&kind, Type::TEXT),
                (&name, Type::TEXT),
            ];
            let row = session.query_opt(SQL, &parameters).await?;
            let id = row.map(|row| Cells::of(&row).id()).transpose()?;
            Ok(id.map(|id| DoubtfulPlace { id, path }))
        })
    }

    fn free(&self, place: String) -> Answer<'_, ()> {
        const SQL: &str = "DELETE FROM schema.upload_place WHERE id = $1 AND until IS NOT NULL";
        self.answer(async move {
            let Some(place) = id(&place) else {
                return Ok(());
            };
            let session = self.database.session().await?;
            session.execute(SQL, &[(&place, Type::UUID)]).await?;
            self.tell_room(&session).await
        })
    }

    fn abandoned(&self, limit: u32) -> Answer<'_, Vec<DoubtfulPlace>> {
        const SQL: &str = "UPDATE schema.upload_place SET until = $2 WHERE id = ANY (ARRAY (\
             SELECT id FROM schema.upload_place WHERE until <= $1 ORDER BY until LIMIT $3 \
             FOR UPDATE SKIP LOCKED)) RETURNING id, kind, owner, name";
        self.answer(async move {
            let session = self.database.session().await?;
            let now = self.clock.now();
            let (until, now) = (Time(now.plus(LEASE)), Time(now));
            let limit = i64::from(limit);
            let parameters: [Parameter<'_>; 3] = [
                (&now, Type::TIMESTAMPTZ),
                (&until, Type::TIMESTAMPTZ),
                (&limit, Type::INT8),
            ];
            let rows = session.query(SQL, &parameters).await?;
            rows.iter().map(|row| read(&mut Cells::of(row))).collect()
        })
    }
}

/// How a place is taken where all images together have a limit.
#[derive(Clone, Copy)]
enum Turn {
    /// Others may be taken at the same time, which are not seen.
    Beside,
    Alone,
}

enum Judged {
    So(Admission),
    /// To the limit of all images, so that it has to be done alone.
    TooNear,
}

/// In one transaction, of which the first half is judged.
async fn take(
    store: &PostgresTasks,
    session: &Session<'_>,
    new: &NewPlace,
    turn: Turn,
) -> Result<Judged, Fault> {
    const OF_OWNER: &str = "SELECT EXISTS (SELECT FROM schema.upload_place WHERE id = $1), \
         count(*), coalesce(sum(bytes), 0)::bigint, count(until) FROM schema.upload_place \
         WHERE owner = $2 AND kind = $3 AND (name <> $4 OR until IS NOT NULL)";
    let place = id(&new.id).ok_or(Fault::NoId)?;
    let (owner, name, kind) = columns(&new.path);
    let parameters: [Parameter<'_>; 4] = [
        (&place, Type::UUID),
        (&owner, Type::TEXT),
        (&kind, Type::TEXT),
        (&name, Type::TEXT),
    ];
    let database = &store.database;
    let lock = database.lock_key(&format!("images of {}", new.path.owner));
    let all = async {
        if new.max_store.is_none() {
            return Ok(None);
        }
        let lock = database.lock_key("images");
        let locked = match turn {
            Turn::Beside => format!("SELECT pg_advisory_xact_lock_shared({lock})"),
            Turn::Alone => format!("SELECT pg_advisory_xact_lock({lock})"),
        };
        let (_, all) = futures::try_join!(session.batch(&locked), Total::read(session))?;
        Ok(Some(all))
    };
    let (_, of_owner, all) = futures::try_join!(
        session.begin(Some(lock)),
        session.query_opt(OF_OWNER, &parameters),
        all,
    )?;
    let of_owner = of_owner.ok_or(Fault::Timeout)?;
    let mut cells = Cells::of(&of_owner);
    let is_known: bool = cells.get()?;
    let usage = ImageUsage {
        images: cells.count()?,
        bytes: cells.count()?,
        under_way: cells.count()?,
    };
    let limit = new.limits.map(|limits| limits.admit(usage, new.longest));
    // Of all images there is a total where they have a limit together.
    let has_room = match (new.max_store, &all) {
        (Some(max_store), Some(all)) => {
            let unseen = match turn {
                Turn::Beside => all.connections.saturating_mul(LONGEST_BESIDE),
                Turn::Alone => 0,
            };
            let with_it = all.bytes().saturating_add(new.longest);
            let room = &store.options.room;
            room.is_within(max_store, with_it.saturating_add(unseen))
        }
        _ => true,
    };
    let refusal = match limit {
        _ if is_known => Some(Judged::So(Admission::Taken)),
        Some(Err(limit)) => Some(Judged::So(Admission::LimitReached(limit))),
        _ if has_room => None,
        _ => Some(match turn {
            Turn::Beside => Judged::TooNear,
            Turn::Alone => Judged::So(Admission::StoreFull),
        }),
    };
    if let Some(refusal) = refusal {
        session.roll_back().await?;
        return Ok(refusal);
    }
    let now = store.clock.now();
    let until = Some(now.plus(LEASE));
    futures::try_join!(
        insert(session, place, &new.path, new.longest, now, until),
        session.commit(),
    )?;
    store.tell_room(session).await?;
    Ok(Judged::So(Admission::Taken))
}

async fn insert(
    session: &Session<'_>,
    place: Uuid,
    path: &PlacePath,
    bytes: u64,
    since: Timestamp,
    until: Option<Timestamp>,
) -> Result<u64, Fault> {
    const SQL: &str = "INSERT INTO schema.upload_place \
         (id, kind, owner, name, bytes, since, until) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    let (owner, name, kind) = columns(path);
    let bytes = bytes.min(LONGEST).cast_signed();
    let (since, until) = (Time(since), Time::maybe(until));
    let parameters: [Parameter<'_>; 7] = [
        (&place, Type::UUID),
        (&kind, Type::TEXT),
        (&owner, Type::TEXT),
        (&name, Type::TEXT),
        (&bytes, Type::INT8),
        (&since, Type::TIMESTAMPTZ),
        (&until, Type::TIMESTAMPTZ),
    ];
    session.execute(SQL, &parameters).await
}

/// What all images take together.
struct Total {
    /// In bytes, as is the next.
    stored: u64,
    in_doubt: u64,
    doubtful: u64,
    /// At most so many are on the database at once, each of which may be taking a
    /// place.
    connections: u64,
}

impl Total {
    async fn read(session: &Session<'_>) -> Result<Self, Fault> {
        const SQL: &str = "SELECT sum(stored)::bigint, sum(in_doubt)::bigint, \
             sum(doubtful)::bigint, current_setting('max_connections')::bigint \
             FROM schema.upload_total";
        let row = session.query_opt(SQL, &[]).await?.ok_or(Fault::Timeout)?;
        let mut cells = Cells::of(&row);
        Ok(Self {
            stored: cells.count()?,
            in_doubt: cells.count()?,
            doubtful: cells.count()?,
            connections: cells.count()?,
        })
    }

    fn bytes(&self) -> u64 {
        self.stored.saturating_add(self.in_doubt)
    }
}

impl PostgresTasks {
    /// The room is told what images take together, if that has a limit: of several
    /// totals the one that was asked for last, which has what all before it wrote.
    async fn tell_room(&self, session: &Session<'_>) -> Result<(), Fault> {
        let room = &self.options.room;
        if room.max_store().is_none() {
            return Ok(());
        }
        let turn = self.total_turn.fetch_add(1, Ordering::Relaxed);
        let Total {
            stored,
            in_doubt,
            doubtful,
            connections: _,
        } = Total::read(session).await?;
        let mut told = self.told_turn.lock();
        if turn >= *told {
            *told = turn;
            room.replace_elsewhere(stored, in_doubt, doubtful);
        }
        Ok(())
    }
}

/// Owner, name and kind.
fn columns(path: &PlacePath) -> (Text<'_>, Text<'_>, &'static str) {
    (
        Text::of(&path.owner),
        Text::of(&path.name),
        folder(path.kind),
    )
}

pub(super) fn read(cells: &mut Cells<'_>) -> Result<DoubtfulPlace, Fault> {
    let id = cells.id()?;
    let kind: &str = cells.get()?;
    // The table's own check knows no other.
    let kind = match kind == folder(ImageKind::Upload) {
        true => ImageKind::Upload,
        false => ImageKind::Refined,
    };
    let (owner, name) = (cells.text()?, cells.text()?);
    Ok(DoubtfulPlace {
        id,
        path: PlacePath { kind, owner, name },
    })
}
