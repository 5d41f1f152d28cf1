//! Sharing and copying of prompts and partials, whose other operations are in files of their own.
//!
//! The fields of these requests are not published. The emulator reads `workspaces`, a list of UUIDs,
//! slugs or objects with `id`, without which a row is shared with the whole organisation; and for a
//! copy `workspace_id`, `collection_id` and `name`.

use serde_json::Value;

use crate::call::Call;
use crate::error::ApiError;
use crate::handlers::collections::default_collection_id;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;
use crate::state::collections::Collection;
use crate::state::sharing::{Origin, Share, Shareable, Sharing};
use crate::state::table::Table;

/// The query parameters that select or filter the rows of a list.
const FILTERS: [&str; 5] = ["collection_id", "id", "search", "show_prompt_share", "type"];

/// Lists prompts or partials, filtered by collection and name.
pub(super) fn list<T: Shareable>(
    state: &State,
    call: &Call,
    collection_of: impl Fn(&T) -> &String,
    name_of: impl Fn(&T) -> &String,
    to_json: impl Fn(&T) -> Value,
) -> HandlerResult
where
    State: AsRef<Table<T>>,
{
    let table: &Table<T> = state.as_ref();
    if !call.has_query_param(&FILTERS) {
        return Ok(call.page(table.list_for(call), to_json));
    }
    let collection = match call.query_param("collection_id") {
        Some(key) => Some(&state.collections.find(key, call)?.id),
        None => None,
    };
    let matching = table.list_readable(call).into_iter().filter(|row| {
        collection.is_none_or(|id| id == collection_of(row))
            && call.matches_search(&[name_of(row)])
            && call.matches_filter("id", row.id())
    });
    Ok(call.page(matching.collect::<Vec<&T>>(), to_json))
}

/// Shares a row with the workspaces of the body, or with all.
pub(super) fn share<T: Shareable>(state: &mut State, call: &Call) -> HandlerResult
where
    State: AsRef<Table<T>> + AsMut<Table<T>>,
{
    let table: &Table<T> = state.as_ref();
    if table.find_by_path(call)?.sharing().is_shared() {
        let message = format!("the {} is already shared", T::NAME);
        return Err(ApiError::conflict(message));
    }
    put_share::<T>(state, call)
}

pub(super) fn update_share<T: Shareable>(state: &mut State, call: &Call) -> HandlerResult
where
    State: AsRef<Table<T>> + AsMut<Table<T>>,
{
    let table: &Table<T> = state.as_ref();
    require_shared(table.find_by_path(call)?)?;
    put_share::<T>(state, call)
}

pub(super) fn unshare<T: Shareable>(state: &mut State, call: &Call) -> HandlerResult
where
    State: AsMut<Table<T>>,
{
    let table: &mut Table<T> = state.as_mut();
    let mut row = table.find_by_path(call)?.clone();
    require_shared(&row)?;
    row.sharing_mut().share = None;
    table.put(row);
    Ok(ResponseBody::empty_object())
}

fn require_shared<T: Shareable>(row: &T) -> Result<(), ApiError> {
    match row.sharing().is_shared() {
        true => Ok(()),
        false => Err(ApiError::not_found(&format!("share of the {}", T::NAME))),
    }
}

fn put_share<T: Shareable>(state: &mut State, call: &Call) -> HandlerResult
where
    State: AsRef<Table<T>> + AsMut<Table<T>>,
{
    let table: &Table<T> = state.as_ref();
    let mut row = table.find_by_path(call)?.clone();
    let version = row.versions().default_or_latest();
    let share = Share {
        organisation_id: state.organisation.id.clone(),
        workspaces: receivers(state, call)?,
        at: call.timestamp(),
        user_id: state.users.acting_user(call).to_owned(),
        version_id: version.map(|version| version.id.clone()),
    };
    row.sharing_mut().share = Some(share);
    let table: &mut Table<T> = state.as_mut();
    table.put(row);
    Ok(ResponseBody::empty_object())
}

/// Returns the UUIDs of the workspaces in the body, which may be other ones than that of the key;
/// `None` for all workspaces.
fn receivers(state: &State, call: &Call) -> Result<Option<Vec<String>>, ApiError> {
    let items = call.body_items("workspaces");
    if items.is_empty() {
        return Ok(None);
    }
    let ids = items.iter().enumerate().map(|(index, item)| {
        let key = item.as_str().or(item["id"].as_str());
        let workspace = key.and_then(|key| state.workspaces.get(key));
        workspace
            .map(|workspace| workspace.id.clone())
            .ok_or_else(|| {
                let field_path = format!("workspaces/{index}");
                ApiError::invalid_field(&field_path, "is not the id or slug of a workspace")
            })
    });
    ids.collect::<Result<_, _>>().map(Some)
}

/// What a copy of a shared row has.
pub(super) struct Copy<'a, C> {
    pub(super) name: String,
    pub(super) collection: &'a Collection,
    /// The content of the default version.
    pub(super) content: C,
    pub(super) sharing: Sharing,
}

impl<'a, C: Clone> Copy<'a, C> {
    /// Prepares a copy in the workspace of the request.
    pub(super) fn new<T: Shareable<Content = C>>(
        state: &'a State,
        call: &Call,
        original: &T,
        name: &str,
    ) -> Result<Self, ApiError> {
        require_shared(original)?;
        let workspace = call.required_workspace()?;
        let collection = match call.body_str("collection_id") {
            Some(key) => Some(state.collections.find(key, call)?),
            None => {
                default_collection_id(state, workspace).and_then(|id| state.collections.get(&id))
            }
        };
        let version = original.version("default")?;
        Ok(Self {
            name: call.body_str("name").unwrap_or(name).to_owned(),
            collection: collection.ok_or_else(|| ApiError::not_found("collection"))?,
            content: version.content.clone(),
            sharing: Sharing::of_copy(Origin {
                id: original.id().to_owned(),
                version_id: version.id.clone(),
            }),
        })
    }
}
