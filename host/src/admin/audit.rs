//! `/admin/v1/audit`

use concept_refinement_capability::administration::AuditEntry;
use serde_json::{Value, json};

use super::AdminServer;
use super::answer::{Answer, Problem, ok};
use super::filter::Filter;
use super::input::Query;

/// Filters are stored with their times as numbers.
fn target(entry: &AuditEntry) -> String {
    match serde_json::from_str(&entry.target) {
        Ok(filter) => {
            let mut filter = json!(Filter::written(&filter));
            if let Some(fields) = filter.as_object_mut() {
                fields.retain(|_, value| !value.is_null());
            }
            filter.to_string()
        }
        Err(_) => entry.target.clone(),
    }
}

pub(super) async fn list(server: &AdminServer, query: Option<&str>) -> Result<Answer, Problem> {
    let query = Query::of(query, &["limit", "cursor"])?;
    let limit = query.limit()?;
    let before = match query.get("cursor") {
        None => None,
        Some(cursor) => Some(cursor.parse().map_err(|_| Problem::other_cursor())?),
    };
    let administration = &server.operator.administration;
    let mut entries = administration.audit(limit + 1, before).await?;
    let has_more = entries.len() > limit as usize;
    entries.truncate(limit as usize);
    let next = entries.last().filter(|_| has_more);
    let entries: Vec<Value> = entries
        .iter()
        .map(|entry| {
            json!({
                "at": entry.at.to_string(),
                "actor": entry.actor,
                "action": entry.action,
                "target": target(entry),
                "reason": entry.reason,
                "count": entry.count,
            })
        })
        .collect();
    Ok(ok(&json!({
        "next_cursor": next.map(|entry| entry.number.to_string()),
        "entries": entries,
    })))
}
