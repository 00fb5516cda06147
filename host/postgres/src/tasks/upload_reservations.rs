//! Counts reservations of images for an image store that cannot.
//!
//! A user's reservations are taken under a lock of that user, and, if there is a limit
//! for all images together, under a global lock. The [`Room`] of this host gets the
//! total, and uses it when it admits new tasks.
//!
//! [`Room`]: concept_refinement_capability::room::Room

use std::sync::atomic::Ordering;

use concept_refinement_capability::Answer;
use concept_refinement_capability::upload_reservations::{
    Admission, Change, ImageKey, LONGEST, NewReservation, Reservation, TERM, UploadReservations,
};
use concept_refinement_domain::capability::ImageKind;
use concept_refinement_domain::image_limits::ImageUsage;
use concept_refinement_domain::image_path::folder;
use tokio::time::Instant;

use crate::PostgresTasks;
use crate::connection::database::{DEADLINE, Session};
use crate::connection::fault::Fault;
use crate::connection::values::{Cells, Text, Time, id, parameters};

impl UploadReservations for PostgresTasks {
    fn take(&self, new: NewReservation) -> Answer<'_, Admission> {
        self.answer(async move {
            let deadline = Instant::now() + DEADLINE;
            let owner = &new.reservation.path.owner;
            // Calls of this host wait for the global lock here, without occupying a
            // connection.
            let _alone = match new.max_store {
                Some(_) => Some(self.alone_with_images.take(owner, deadline).await?),
                None => None,
            };
            let session = self.database.session_of_until(owner, deadline).await?;
            let lock = self.database.lock_key(&format!("images of {owner}"));
            let (_, admission) =
                futures::try_join!(session.begin(Some(lock)), self.judge(&session, &new))?;
            if admission != Admission::Taken {
                session.roll_back().await?;
                return Ok(admission);
            }
            const SQL: &str = "INSERT INTO schema.upload_reservation \
                 (owner, kind, name, holder, until, bytes, anonymous_owner) \
                 VALUES ($1, $2, $3, $4, $5, $6, $7) \
                 ON CONFLICT (owner, kind, name) DO UPDATE SET holder = $4, until = $5, \
                     bytes = greatest(upload_reservation.bytes, $6), \
                     anonymous_owner = coalesce($7, upload_reservation.anonymous_owner)";
            futures::try_join!(
                self.write(&session, SQL, &new.reservation, new.longest),
                session.commit()
            )?;
            self.tell_room(&session).await;
            Ok(Admission::Taken)
        })
    }

    fn change(&self, reservation: Reservation, change: Change) -> Answer<'_, bool> {
        const HOLD: &str = "UPDATE schema.upload_reservation SET until = $5 \
             WHERE owner = $1 AND kind = $2 AND name = $3 AND holder = $4";
        const CLAIM: &str = "UPDATE schema.upload_reservation SET holder = $4, until = $5 \
             WHERE owner = $1 AND kind = $2 AND name = $3";
        const SETTLE: &str = "UPDATE schema.upload_reservation \
             SET bytes = $6, holder = NULL, until = NULL \
             WHERE owner = $1 AND kind = $2 AND name = $3 AND holder = $4";
        const FREE: &str = "DELETE FROM schema.upload_reservation \
             WHERE owner = $1 AND kind = $2 AND name = $3 AND holder = $4";
        let (sql, bytes, changes_total) = match change {
            Change::Hold => (HOLD, 0, false),
            Change::Claim => (CLAIM, 0, false),
            Change::Settle(bytes) => (SETTLE, bytes, true),
            Change::Free => (FREE, 0, true),
        };
        self.answer(async move {
            let session = self.database.session_of(&reservation.path.owner).await?;
            let rows = self.write(&session, sql, &reservation, bytes).await?;
            if changes_total {
                self.tell_room(&session).await;
            }
            Ok(rows > 0)
        })
    }

    fn abandoned(&self, limit: u32) -> Answer<'_, Vec<Reservation>> {
        const SQL: &str = "UPDATE schema.upload_reservation SET until = $2, holder = gen_random_uuid() \
             WHERE holder = ANY (ARRAY (SELECT holder FROM schema.upload_reservation WHERE until <= $1 ORDER BY until LIMIT $3 \
             FOR UPDATE SKIP LOCKED)) RETURNING owner, kind, name, holder";
        self.answer(async move {
            let session = self.database.session().await?;
            let now = self.clock.now();
            let parameters = parameters![Time(now), Time(now.plus(TERM)), i64::from(limit)];
            let reservations = session.all(SQL, &parameters, |cells| {
                Ok(Reservation {
                    path: path(cells)?,
                    holder: cells.id()?,
                    anonymous_owner: None,
                })
            });
            reservations.await
        })
    }

    fn settled(
        &self,
        kind: ImageKind,
        after: Option<ImageKey>,
        limit: u32,
    ) -> Answer<'_, Vec<ImageKey>> {
        const SQL: &str = "SELECT owner, kind, name FROM schema.upload_reservation \
             WHERE kind = $1 AND until IS NULL AND (owner, name) > ($2, $3) \
             ORDER BY owner, name LIMIT $4";
        self.answer(async move {
            let session = self.database.session().await?;
            let [owner, name] =
                after.map_or_else(Default::default, |after| [after.owner, after.name]);
            let (owner, name) = (Text::of(&owner), Text::of(&name));
            let parameters = parameters![folder(kind), owner, name, i64::from(limit)];
            session.all(SQL, &parameters, path).await
        })
    }

    fn anonymous_owners(&self, images: Vec<ImageKey>) -> Answer<'_, Vec<Option<String>>> {
        const SQL: &str = "SELECT anonymous_owner \
             FROM unnest($1, $2, $3) WITH ORDINALITY AS asked (owner, kind, name, number) \
             LEFT JOIN schema.upload_reservation USING (owner, kind, name) ORDER BY number";
        self.answer(async move {
            let session = self.database.session().await?;
            let owners: Vec<_> = images.iter().map(|image| Text::of(&image.owner)).collect();
            let kinds: Vec<_> = images.iter().map(|image| folder(image.kind)).collect();
            let names: Vec<_> = images.iter().map(|image| Text::of(&image.name)).collect();
            let parameters = parameters![owners, kinds, names];
            let owners = session.all(SQL, &parameters, |cells| cells.maybe_text());
            owners.await
        })
    }
}

impl PostgresTasks {
    async fn judge(&self, session: &Session<'_>, new: &NewReservation) -> Result<Admission, Fault> {
        const OF_OWNER: &str = "SELECT count(*), coalesce(sum(bytes), 0)::bigint, count(until) \
             FROM schema.upload_reservation WHERE owner = $1 AND kind = $2 AND name <> $3";
        if let Some(limits) = new.limits {
            let [owner, kind, name] = key(&new.reservation.path);
            let parameters = parameters![owner, kind, name];
            let usage = session.one(OF_OWNER, &parameters, |cells| {
                Ok(ImageUsage {
                    images: cells.count()?,
                    bytes: cells.count()?,
                    under_way: cells.count()?,
                })
            });
            let usage = usage.await?;
            if let Err(limit) = limits.admit(usage, new.longest) {
                return Ok(Admission::LimitReached(limit));
            }
        }
        if let Some(max_store) = new.max_store {
            let lock = self.database.lock_key("images");
            let lock = format!("SELECT pg_advisory_xact_lock({lock})");
            let (_, [stored, pending, _]) =
                futures::try_join!(session.batch(&lock), total(session))?;
            let with_it = stored.saturating_add(pending).saturating_add(new.longest);
            if !self.options.room.admits_upload(max_store, with_it) {
                return Ok(Admission::StoreFull);
            }
        }
        Ok(Admission::Taken)
    }

    /// The parameters are: owner, kind, name, holder, end of the new term, bytes, and the
    /// owner if anonymous.
    async fn write(
        &self,
        session: &Session<'_>,
        sql: &str,
        reservation: &Reservation,
        bytes: u64,
    ) -> Result<u64, Fault> {
        let [owner, kind, name] = key(&reservation.path);
        let holder = id(&reservation.holder).ok_or(Fault::NoId)?;
        let anonymous_owner = reservation.anonymous_owner.as_deref().map(Text::of);
        let until = Time(self.clock.now().plus(TERM));
        let bytes = bytes.min(LONGEST).cast_signed();
        let parameters = parameters![owner, kind, name, holder, until, bytes, anonymous_owner];
        session.run(sql, &parameters).await
    }

    /// Tells the room the total of all images, if it has a limit. Of several concurrent
    /// totals it uses the one that was queried last, which includes all writes before. If
    /// this fails, the write is kept, and the next call reports the total.
    async fn tell_room(&self, session: &Session<'_>) {
        let room = &self.options.room;
        if room.max_store().is_none() {
            return;
        }
        let turn = self.total_turn.fetch_add(1, Ordering::Relaxed);
        let Ok([stored, pending, pending_count]) = total(session).await else {
            return;
        };
        let mut told = self.last_reported.lock();
        if turn >= *told {
            *told = turn;
            room.replace_elsewhere(stored, pending, pending_count);
        }
    }
}

/// Bytes stored, bytes pending, and the number of pending images.
async fn total(session: &Session<'_>) -> Result<[u64; 3], Fault> {
    const SQL: &str = "SELECT sum(stored)::bigint, sum(pending)::bigint, sum(pending_count)::bigint \
         FROM schema.upload_total";
    let total = session.one(SQL, &[], |cells| {
        Ok([cells.count()?, cells.count()?, cells.count()?])
    });
    total.await
}

/// Owner, kind and name.
fn key(ImageKey { kind, owner, name }: &ImageKey) -> [Text<'_>; 3] {
    [owner, folder(*kind), name].map(Text::of)
}

/// From a row that begins with owner, kind and name.
fn path(cells: &mut Cells<'_>) -> Result<ImageKey, Fault> {
    let owner = cells.text()?;
    // A constraint of the table allows no other values.
    let kind = match cells.text()? == folder(ImageKind::Upload) {
        true => ImageKind::Upload,
        false => ImageKind::Refined,
    };
    let name = cells.text()?;
    Ok(ImageKey { kind, owner, name })
}
