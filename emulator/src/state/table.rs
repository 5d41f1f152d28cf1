//! In-memory tables that store the resources.
//!
//! A [`Table`] keeps rows in insertion order and finds them by id, slug or token in constant time.
//! A page of all rows, or of the rows of one workspace, takes time proportional to the page.
//!
//! Written by hand: ordered maps such as `indexmap` have one key, and removing a row or skipping to a page
//! of a workspace takes time proportional to the table.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::call::{Call, Caller};
use crate::error::ApiError;
use crate::page::Paginate;

/// A row of a table.
pub(crate) trait Row: Clone {
    /// The name used in error messages: `config`.
    const NAME: &'static str;
    /// The error for a row that does not exist or is not visible to the key.
    const MISSING_STATUS: MissingStatus = MissingStatus::NotFound;

    /// Returns the id, which is unique in the table.
    fn id(&self) -> &str;

    /// Returns the slug, by which the row can also be found.
    fn slug(&self) -> Option<&str> {
        None
    }

    /// Returns the UUID of the row's workspace; `None` if it belongs to the organisation.
    fn workspace(&self) -> Option<&str> {
        None
    }

    /// Returns the secrets that [`Table::find_by_token`] looks up.
    fn tokens(&self) -> Vec<&str> {
        Vec::new()
    }

    /// Returns whether the row is visible to the caller; a workspace key sees rows of its
    /// workspace.
    fn visible_to(&self, caller: &Caller) -> bool {
        caller
            .workspace()
            .is_none_or(|workspace| self.workspace() == Some(workspace))
    }
}

/// Implements [`Row`] for a type by naming its fields, and the rest of the trait in braces.
macro_rules! row {
    (
        $row:ty: $name:literal, id: $($id:ident).+
        $(, slug: $slug:ident)?
        $(, workspace: $($workspace:ident).+)?
        $(, optional_workspace: $($optional_workspace:ident).+)?
        $(, { $($rest:tt)* })?
    ) => {
        impl Row for $row {
            const NAME: &'static str = $name;

            fn id(&self) -> &str {
                &self.$($id).+
            }

            $(fn slug(&self) -> Option<&str> {
                Some(&self.$slug)
            })?

            $(fn workspace(&self) -> Option<&str> {
                Some(&self.$($workspace).+)
            })?

            $(fn workspace(&self) -> Option<&str> {
                self.$($optional_workspace).+.as_deref()
            })?

            $($($rest)*)?
        }
    };
}
pub(crate) use row;

/// The status that the service returns for a missing resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum MissingStatus {
    /// 404 `AB08`.
    NotFound,
    /// 403 `AB03`, as if the key lacked permission.
    Forbidden,
}

impl MissingStatus {
    /// Creates the error for a resource with this name.
    pub(crate) fn error(self, name: &str) -> ApiError {
        match self {
            Self::NotFound => ApiError::not_found(name),
            Self::Forbidden => ApiError::forbidden(format!(
                "the {name} does not exist or is not accessible to this key"
            )),
        }
    }
}

/// Row ids are assigned in insertion order and never reused.
type RowId = u64;

/// Rows in insertion order. Clones share rows until they are changed.
#[derive(Debug, Clone)]
pub(crate) struct Table<T> {
    last_id: RowId,
    rows: HashMap<RowId, Arc<T>>,
    /// All row ids, ascending.
    order: Vec<RowId>,
    /// The row ids of each workspace, ascending.
    workspaces: BTreeMap<String, Vec<RowId>>,
    /// Row ids by id and slug.
    keys: HashMap<String, RowId>,
    tokens: HashMap<String, RowId>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            last_id: 0,
            rows: HashMap::new(),
            order: Vec::new(),
            workspaces: BTreeMap::new(),
            keys: HashMap::new(),
            tokens: HashMap::new(),
        }
    }
}

impl<T: Row> Table<T> {
    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.order.len()
    }

    /// Iterates over all rows, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &T> {
        self.all().iter()
    }

    /// Returns the row with this id or slug.
    pub(crate) fn get(&self, key: &str) -> Option<&T> {
        self.row(*self.keys.get(key)?)
    }

    /// Returns the row with this token.
    pub(crate) fn find_by_token(&self, token: &str) -> Option<&T> {
        self.row(*self.tokens.get(token)?)
    }

    /// Returns the row with this id or slug if it is visible to the caller and in the workspace
    /// named in the request; otherwise the error for a missing row.
    pub(crate) fn find(&self, key: &str, call: &Call) -> Result<&T, ApiError> {
        let is_elsewhere = |row: &T| match (row.workspace(), call.workspace()) {
            (Some(workspace), Some(requested)) => workspace != requested,
            _ => false,
        };
        self.get(key)
            .filter(|row| row.visible_to(&call.caller) && !is_elsewhere(row))
            .ok_or_else(|| T::MISSING_STATUS.error(T::NAME))
    }

    /// Like [`Table::find`], for the row that the first path parameter names.
    pub(crate) fn find_by_path(&self, call: &Call) -> Result<&T, ApiError> {
        self.find(call.path_param(0), call)
    }

    /// Removes and returns the row that the first path parameter names.
    pub(crate) fn take(&mut self, call: &Call) -> Result<T, ApiError> {
        let id = self.find_by_path(call)?.id().to_owned();
        self.remove(&id)
            .ok_or_else(|| T::MISSING_STATUS.error(T::NAME))
    }

    /// Returns all rows, oldest first.
    pub(crate) fn all(&self) -> Slice<'_, T> {
        Slice {
            table: self,
            ids: &self.order,
        }
    }

    /// Returns the rows of a workspace, oldest first.
    pub(crate) fn in_workspace(&self, workspace: &str) -> Slice<'_, T> {
        Slice {
            table: self,
            ids: self.workspaces.get(workspace).map_or(&[], Vec::as_slice),
        }
    }

    /// Returns the rows of the workspace named in the request or of the key's workspace, or else
    /// all rows.
    pub(crate) fn list_for(&self, call: &Call) -> Slice<'_, T> {
        match call.workspace() {
            Some(workspace) => self.in_workspace(workspace),
            None => self.all(),
        }
    }

    /// Appends a row, or replaces the row with the same id.
    pub(crate) fn put(&mut self, row: T) {
        let id = match self.keys.get(row.id()).copied() {
            Some(id) => {
                self.remove_from_indices(id);
                id
            }
            None => {
                self.last_id += 1;
                self.order.push(self.last_id);
                self.last_id
            }
        };
        self.rows.insert(id, Arc::new(row));
        self.add_to_indices(id);
    }

    /// Changes the row with this id or slug in place.
    pub(crate) fn update<R>(&mut self, key: &str, change: impl FnOnce(&mut T) -> R) -> Option<R> {
        let id = *self.keys.get(key)?;
        self.remove_from_indices(id);
        let result = self.rows.get_mut(&id).map(|row| change(Arc::make_mut(row)));
        self.add_to_indices(id);
        result
    }

    /// Changes every row that matches `predicate`.
    pub(crate) fn update_where(&mut self, predicate: impl Fn(&T) -> bool, change: impl Fn(&mut T)) {
        let matching = self.iter().filter(|row| predicate(row));
        let row_ids: Vec<String> = matching.map(|row| row.id().to_owned()).collect();
        for id in row_ids {
            self.update(&id, &change);
        }
    }

    /// Removes the row with this id or slug.
    pub(crate) fn remove(&mut self, key: &str) -> Option<T> {
        let id = *self.keys.get(key)?;
        self.remove_from_indices(id);
        remove_sorted(&mut self.order, id);
        let row = self.rows.remove(&id)?;
        Some(Arc::unwrap_or_clone(row))
    }

    /// Removes every row that matches `predicate`.
    pub(crate) fn remove_where(&mut self, predicate: impl Fn(&T) -> bool) {
        let matching = self.iter().filter(|row| predicate(row));
        let row_ids: Vec<String> = matching.map(|row| row.id().to_owned()).collect();
        for id in row_ids {
            self.remove(&id);
        }
    }

    /// Removes all rows of a workspace.
    pub(crate) fn remove_workspace(&mut self, workspace: &str) {
        let ids = self.workspaces.remove(workspace).unwrap_or_default();
        for id in &ids {
            self.remove_from_indices(*id);
            self.rows.remove(id);
        }
        self.order.retain(|id| ids.binary_search(id).is_err());
    }

    fn row(&self, id: RowId) -> Option<&T> {
        self.rows.get(&id).map(Arc::as_ref)
    }

    /// Adds a row to the indices. A name or token that is already in use keeps its first row.
    fn add_to_indices(&mut self, id: RowId) {
        let Some(row) = self.rows.get(&id).map(Arc::clone) else {
            return;
        };
        for name in std::iter::once(row.id()).chain(row.slug()) {
            self.keys.entry(name.to_owned()).or_insert(id);
        }
        for token in row.tokens() {
            self.tokens.entry(token.to_owned()).or_insert(id);
        }
        if let Some(workspace) = row.workspace() {
            let ids = self.workspaces.entry(workspace.to_owned()).or_default();
            if let Err(position) = ids.binary_search(&id) {
                ids.insert(position, id);
            }
        }
    }

    /// Removes a row from the indices.
    fn remove_from_indices(&mut self, id: RowId) {
        let Some(row) = self.rows.get(&id).map(Arc::clone) else {
            return;
        };
        for name in std::iter::once(row.id()).chain(row.slug()) {
            remove_if_owned_by(&mut self.keys, name, id);
        }
        for token in row.tokens() {
            remove_if_owned_by(&mut self.tokens, token, id);
        }
        if let Some(ids) = row
            .workspace()
            .and_then(|workspace| self.workspaces.get_mut(workspace))
        {
            remove_sorted(ids, id);
        }
    }
}

fn remove_if_owned_by(index: &mut HashMap<String, RowId>, name: &str, id: RowId) {
    if index.get(name) == Some(&id) {
        index.remove(name);
    }
}

fn remove_sorted(ids: &mut Vec<RowId>, id: RowId) {
    if let Ok(position) = ids.binary_search(&id) {
        ids.remove(position);
    }
}

/// A borrowed selection of rows, in order.
#[derive(Debug)]
pub(crate) struct Slice<'a, T> {
    table: &'a Table<T>,
    ids: &'a [RowId],
}

impl<'a, T: Row> Slice<'a, T> {
    /// Returns the number of rows.
    pub(crate) fn len(&self) -> usize {
        self.ids.len()
    }

    /// Returns whether there are no rows.
    pub(crate) fn is_empty(&self) -> bool {
        self.ids.is_empty()
    }

    /// Iterates over the rows, oldest first.
    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &'a T> + use<'a, T> {
        let table = self.table;
        self.ids.iter().filter_map(move |id| table.row(*id))
    }

    /// Returns the rows that match `predicate`, in time linear in the number of rows.
    pub(crate) fn filter(&self, predicate: impl Fn(&T) -> bool) -> Vec<&'a T> {
        self.iter().filter(|row| predicate(row)).collect()
    }
}

impl<'a, T: Row> Paginate<&'a T> for Slice<'a, T> {
    fn total(&self) -> usize {
        self.len()
    }

    fn slice(self, skip: usize, take: usize) -> Vec<&'a T> {
        let from = self.ids.len().min(skip);
        let to = self.ids.len().min(from.saturating_add(take));
        let part = Slice {
            table: self.table,
            ids: &self.ids[from..to],
        };
        part.iter().collect()
    }
}

impl<T: Row + Serialize> Serialize for Table<T> {
    /// Serialises the rows in order; the indices are rebuilt on deserialisation.
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(self.iter())
    }
}

impl<'de, T: Row + Deserialize<'de>> Deserialize<'de> for Table<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let rows = Vec::<T>::deserialize(deserializer)?;
        Ok(rows.into_iter().collect())
    }
}

impl<T: Row> FromIterator<T> for Table<T> {
    fn from_iter<I: IntoIterator<Item = T>>(rows: I) -> Self {
        let mut table = Self::default();
        for row in rows {
            table.put(row);
        }
        table
    }
}

/// The part of a state that one resource owns.
pub(crate) trait ResourceState {
    /// Removes the rows of a deleted workspace.
    fn remove_workspace(&mut self, _workspace: &str) {}
}

impl<T: Row> ResourceState for Table<T> {
    fn remove_workspace(&mut self, workspace: &str) {
        Self::remove_workspace(self, workspace);
    }
}

#[cfg(test)]
mod tests {
    use serde::{Deserialize, Serialize};

    use super::{Row, Table};
    use crate::page::Paginate;

    #[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
    struct Widget {
        id: String,
        slug: String,
        workspace: String,
    }

    impl Row for Widget {
        const NAME: &'static str = "widget";

        fn id(&self) -> &str {
            &self.id
        }

        fn slug(&self) -> Option<&str> {
            Some(&self.slug)
        }

        fn workspace(&self) -> Option<&str> {
            Some(&self.workspace)
        }

        fn tokens(&self) -> Vec<&str> {
            vec![&self.slug]
        }
    }

    fn widget(number: usize) -> Widget {
        Widget {
            id: format!("id{number}"),
            slug: format!("slug{number}"),
            workspace: format!("workspace{}", number % 2),
        }
    }

    fn ids<'a>(widgets: impl IntoIterator<Item = &'a Widget>) -> Vec<&'a str> {
        widgets
            .into_iter()
            .map(|widget| widget.id.as_str())
            .collect()
    }

    #[test]
    fn order_and_indices_survive_changes() {
        let mut table: Table<Widget> = (0..6).map(widget).collect();
        assert_eq!(table.remove("slug2"), Some(widget(2)));
        table.update("id3", |widget| {
            widget.workspace = "workspace0".to_owned();
            widget.slug = "other".to_owned();
        });
        table.put(Widget {
            workspace: "workspace1".to_owned(),
            ..widget(0)
        });
        assert_eq!(ids(table.iter()), ["id0", "id1", "id3", "id4", "id5"]);
        assert_eq!(ids(table.in_workspace("workspace0").iter()), ["id3", "id4"]);
        assert_eq!(
            ids(table.in_workspace("workspace1").iter()),
            ["id0", "id1", "id5"]
        );
        assert!(table.get("slug3").is_none() && table.find_by_token("slug3").is_none());
        assert_eq!(
            table.get("other").map(|widget| widget.id.as_str()),
            Some("id3")
        );
        assert_eq!(table.find_by_token("other"), table.get("id3"));
        table.remove_workspace("workspace1");
        assert_eq!(ids(table.iter()), ["id3", "id4"]);
        assert!(table.get("id0").is_none());
    }

    #[test]
    fn a_page_is_sliced_from_a_table() {
        let table: Table<Widget> = (0..10).map(widget).collect();
        assert_eq!(ids(table.all().slice(8, 5)), ["id8", "id9"]);
        assert_eq!(
            ids(table.in_workspace("workspace1").slice(1, 2)),
            ["id3", "id5"]
        );
        assert!(table.all().slice(usize::MAX, usize::MAX).is_empty());
    }

    #[test]
    fn a_clone_is_independent() {
        let mut table: Table<Widget> = (0..2).map(widget).collect();
        let before = table.clone();
        table.update("id0", |widget| widget.workspace = "workspace9".to_owned());
        table.remove("id1");
        assert_eq!(before.len(), 2);
        assert_eq!(before.get("id0"), Some(&widget(0)));
    }

    #[test]
    fn serialisation_round_trips() {
        let table: Table<Widget> = (0..3).map(widget).collect();
        let json = serde_json::to_string(&table).unwrap();
        let read: Table<Widget> = serde_json::from_str(&json).unwrap();
        assert_eq!(ids(read.iter()), ids(table.iter()));
        assert_eq!(read.find_by_token("slug1"), Some(&widget(1)));
    }
}
