//! Plain resources: rows with the five usual operations, whose rules need no other resource.

use serde_json::{Value, json};

use super::organisation::OrganisationInfo;
use super::table::{Row, Slice, Table};
use crate::call::Call;
use crate::error::ApiError;

/// A row that is created, updated and returned on its own; `handlers::plain` has its operations.
pub(crate) trait Plain: Row {
    /// Creates a row from a validated request.
    fn new(call: &Call) -> Result<Self, ApiError>;

    /// Applies an update; absent fields are kept.
    fn apply(&mut self, call: &Call) -> Result<(), ApiError>;

    /// Returns the row as a list item.
    fn json(&self, organisation: &OrganisationInfo, call: &Call) -> Value;

    /// Returns the row as a single resource.
    fn detail_json(&self, organisation: &OrganisationInfo, call: &Call) -> Value {
        self.json(organisation, call)
    }

    /// Returns the response to a creation.
    fn created_json(&self) -> Value {
        json!({"id": self.id()})
    }

    /// Rejects a new or changed row that another row excludes.
    fn check_unique(&self, _table: &Table<Self>) -> Result<(), ApiError> {
        Ok(())
    }

    /// Returns the rows that a list is selected from.
    fn candidates<'a>(table: &'a Table<Self>, call: &Call) -> Slice<'a, Self> {
        table.list_for(call)
    }

    /// Returns whether the row passes the query filters of a list or a read.
    fn matches(&self, _call: &Call) -> bool {
        true
    }
}
