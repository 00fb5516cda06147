//! The pages of a list, one after the other.

use serde_json::{Value, json};

use super::client::{AdminClient, Problem};

/// Largest page that a service gives.
const PAGE: u64 = 100;

pub struct Pages<'a> {
    client: &'a AdminClient,
    /// The name of the list, which is also the field with its items.
    path: &'static str,
    field: &'static str,
    query: Vec<(&'static str, String)>,
    /// How many items are still wanted. None: all.
    left: Option<u64>,
    /// The cursor of the next page, null after the last one.
    cursor: Value,
    has_begun: bool,
}

impl<'a> Pages<'a> {
    /// `limit`: how many items at most; none: all. `field` has them.
    pub fn new(
        client: &'a AdminClient,
        path: &'static str,
        field: &'static str,
        query: Vec<(&'static str, String)>,
        limit: Option<u64>,
    ) -> Self {
        Self {
            client,
            path,
            field,
            query,
            left: limit,
            cursor: Value::Null,
            has_begun: false,
        }
    }

    /// Whether there are more items than were wanted.
    pub fn has_more(&self) -> bool {
        !self.cursor.is_null()
    }

    /// The items of the next page, perhaps none: a page may be short if no index fits the
    /// filter. None: there is no further page, or no more are wanted.
    pub async fn next(&mut self) -> Result<Option<Vec<Value>>, Problem> {
        if self.left == Some(0) || (self.has_begun && self.cursor.is_null()) {
            return Ok(None);
        }
        let limit = self.left.unwrap_or(PAGE).min(PAGE);
        let mut query = self.query.clone();
        query.push(("limit", limit.to_string()));
        if let Some(cursor) = self.cursor.as_str() {
            query.push(("cursor", cursor.to_owned()));
        }
        let mut page = self.client.get(self.path, &query).await?;
        let items = page.get_mut(self.field).map(Value::take);
        let items = match items {
            Some(Value::Array(items)) => Some(items),
            _ => None,
        };
        let items = self.client.expected(items)?;
        let next = page.get_mut("next_cursor").map(Value::take);
        // A cursor that leads to itself would cause an endless loop.
        let is_usable = |next: &Value| next.is_null() || next.is_string() && *next != self.cursor;
        self.cursor = self.client.expected(next.filter(is_usable))?;
        self.has_begun = true;
        let count = u64::try_from(items.len()).unwrap_or(u64::MAX);
        self.left = self.left.map(|left| left.saturating_sub(count));
        Ok(Some(items))
    }

    /// All items in the form of one page.
    pub async fn joined(mut self) -> Result<Value, Problem> {
        let mut all = Vec::new();
        while let Some(mut items) = self.next().await? {
            all.append(&mut items);
        }
        Ok(json!({ (self.field): all, "next_cursor": self.cursor }))
    }
}
