//! Reads all rows of a table in the order of their keys, and writes whole rows.

use concept_refinement_capability::Answer;
use concept_refinement_capability::moving::{Record, Records, Table, parameters};
use rusqlite::{Connection, params_from_iter};

use super::SqliteTasks;
use super::fault::Fault;
use super::writer::Tx;
use crate::sqlite::records::{cell, record};
use crate::sqlite::statements::all;

impl Records for SqliteTasks {
    fn records(
        &self,
        table: &'static Table,
        after: Option<Record>,
        limit: u32,
    ) -> Answer<'_, Vec<Record>> {
        self.scan(move |connection| read(connection, table, after, limit))
    }

    fn restore(&self, table: &'static Table, records: Vec<Record>) -> Answer<'_, ()> {
        self.write(move |tx| write(tx, table, &records))
    }

    fn clear(&self, table: &'static Table) -> Answer<'_, ()> {
        self.write(move |tx| {
            let sql = format!("DELETE FROM {}", table.name);
            tx.connection.execute(&sql, [])?;
            Ok(())
        })
    }
}

fn read(
    connection: &Connection,
    table: &Table,
    after: Option<Record>,
    limit: u32,
) -> Result<Vec<Record>, Fault> {
    let sql = table.select(table.name, after.is_none(), limit);
    let key = after.map(|record| table.key_of(record)).unwrap_or_default();
    let key = params_from_iter(key.iter().map(cell));
    Ok(all(connection, &sql, key, record)?)
}

fn write(tx: &Tx<'_>, table: &Table, records: &[Record]) -> Result<(), Fault> {
    let Table { name, columns, .. } = table;
    let values = parameters(columns);
    let sql = format!("INSERT INTO {name} ({columns}) VALUES ({values}) ON CONFLICT DO NOTHING");
    for record in records {
        tx.execute(&sql, params_from_iter(record.iter().map(cell)))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};
    use std::sync::Arc;

    use concept_refinement_capability::clock::ManualClock;
    use concept_refinement_capability::moving::{TABLES, UNFINISHED_MOVE, UPLOAD_RESERVATIONS};

    use super::*;
    use crate::tasks::Options;

    /// Tables that triggers keep up to date.
    const SUMS: [&str; 2] = ["backlog", "upload_total"];

    /// Columns of unsettled reservations, which are not moved.
    const HELD: [&str; 2] = ["holder", "until"];

    /// The columns of each table.
    type Columns = BTreeMap<String, BTreeSet<String>>;

    #[tokio::test]
    async fn no_column_of_any_table_is_forgotten() {
        let clock = Arc::<ManualClock>::default();
        let store = SqliteTasks::in_memory(Options::default(), clock).unwrap();
        let found: Columns = store
            .read(|connection| {
                let mut tables = connection.prepare(
                    "SELECT tables.name, columns.name FROM sqlite_schema AS tables \
                     JOIN pragma_table_info(tables.name) AS columns \
                     WHERE tables.type = 'table' AND tables.name NOT LIKE 'sqlite_%'",
                )?;
                let mut found = Columns::new();
                let mut rows = tables.query([])?;
                while let Some(row) = rows.next()? {
                    let columns = found.entry(row.get(0)?).or_default();
                    columns.insert(row.get(1)?);
                }
                Ok(found)
            })
            .await
            .unwrap();
        let moved = TABLES
            .into_iter()
            .chain([&UPLOAD_RESERVATIONS, &UNFINISHED_MOVE]);
        let moved: Columns = moved
            .map(|table| {
                let columns = table.columns.split(", ").map(str::to_owned).collect();
                (table.name.to_owned(), columns)
            })
            .collect();
        for (table, mut columns) in found {
            if SUMS.contains(&&*table) {
                continue;
            }
            if table == UPLOAD_RESERVATIONS.name {
                columns.retain(|column| !HELD.contains(&&**column));
            }
            assert_eq!(moved.get(&table), Some(&columns), "{table}");
        }
    }
}
