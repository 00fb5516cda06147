//! Copies the records of tables, and compares those of both sides.

use anyhow::bail;
use concept_refinement_capability::moving::{Record, Records, TABLES, Table};
use concept_refinement_domain::capability::CapabilityError;
use futures::{Stream, TryStreamExt as _, stream};
use sha2::{Digest as _, Sha256};

use super::DIFFERENT;

/// Records read and written at once.
const BATCH: u32 = 500;

/// Returns a digest of the records read.
pub(super) async fn copy_records(
    table: &'static Table,
    from: &dyn Records,
    to: &dyn Records,
) -> Result<Digest, CapabilityError> {
    batches(table, from)
        .try_fold(Digest::default(), async |digest, batch| {
            let digest = digest.with(&batch);
            to.restore(table, batch).await?;
            Ok(digest)
        })
        .await
}

/// A digest of the records of each table.
pub(super) async fn read_all(
    store: &dyn Records,
) -> Result<Vec<(&'static Table, Digest)>, CapabilityError> {
    let mut all = Vec::new();
    for table in TABLES {
        all.push((table, read(table, store).await?));
    }
    Ok(all)
}

async fn read(table: &'static Table, store: &dyn Records) -> Result<Digest, CapabilityError> {
    batches(table, store)
        .try_fold(Digest::default(), async |digest, batch| {
            Ok(digest.with(&batch))
        })
        .await
}

/// Compares with the target's current contents. Returns the name and number of each kind of
/// record.
pub(super) async fn compare_all(
    expected: Vec<(&'static Table, Digest)>,
    to: &dyn Records,
) -> anyhow::Result<Vec<(&'static str, u64)>> {
    let mut counts = Vec::new();
    for (table, expected) in expected {
        compare(table, &expected, to).await?;
        counts.push((table.known_as, expected.count));
    }
    Ok(counts)
}

async fn compare(table: &'static Table, expected: &Digest, to: &dyn Records) -> anyhow::Result<()> {
    let name = table.known_as;
    let found = read(table, to).await?;
    if found.count != expected.count {
        bail!(
            "the target has {} {name}, the source {}: {DIFFERENT}",
            found.count,
            expected.count
        );
    }
    if found != *expected {
        bail!("the {name} of the target are not those of the source: {DIFFERENT}");
    }
    Ok(())
}

/// All records of a table.
fn batches<'a>(
    table: &'static Table,
    store: &'a dyn Records,
) -> impl Stream<Item = Result<Vec<Record>, CapabilityError>> + 'a {
    stream::try_unfold(None, move |after| async move {
        let batch = store.records(table, after, BATCH).await?;
        let last = batch.last().cloned();
        Ok(last.map(|last| (batch, Some(last))))
    })
}

/// A digest of a set of records, independent of their order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Digest {
    count: u64,
    sum: [u8; 32],
}

impl Digest {
    fn with(mut self, records: &[Record]) -> Self {
        for record in records {
            self.count += 1;
            // Different sets have different sums, in practice.
            let hash = Sha256::digest(format!("{record:?}"));
            let mut carry = 0_u16;
            for (sum, byte) in self.sum.iter_mut().zip(hash) {
                carry += u16::from(*sum) + u16::from(byte);
                *sum = carry.to_le_bytes()[0];
                carry >>= 8;
            }
        }
        self
    }
}
