//! The operations of plain resources, some of which others use, too.

use crate::call::Call;
use crate::error::ApiError;
use crate::response::{HandlerResult, ResponseBody, respond};
use crate::state::State;
use crate::state::plain::Plain;
use crate::state::table::{Row, Table};
use crate::state::versions::Versioned;

/// Defines the resource of a plain row by the ids of its five operations.
macro_rules! plain_resource {
    ($row:ty, $list:literal, $get:literal, $create:literal, $update:literal, $delete:literal) => {
        $crate::handlers::resource::Resource::new(&[
            ($list, Handler::Read(plain::list::<$row>)),
            ($get, Handler::Read(plain::get::<$row>)),
            ($create, Handler::Write(plain::create::<$row>)),
            ($update, Handler::Write(plain::update::<$row>)),
            ($delete, Handler::Write(plain::delete::<$row>)),
        ])
    };
}
pub(super) use plain_resource;

pub(super) fn list<T: Plain>(state: &State, call: &Call) -> HandlerResult
where
    State: AsRef<Table<T>>,
{
    let matching = T::candidates(state.as_ref(), call).filter(|row| row.matches(call));
    Ok(call.page(matching, |row| row.json(&state.organisation, call)))
}

pub(super) fn get<T: Plain>(state: &State, call: &Call) -> HandlerResult
where
    State: AsRef<Table<T>>,
{
    let row = state.as_ref().find_by_path(call)?;
    match row.matches(call) {
        true => respond(row.detail_json(&state.organisation, call)),
        false => Err(ApiError::not_found(T::NAME)),
    }
}

pub(super) fn create<T: Plain>(state: &mut State, call: &Call) -> HandlerResult
where
    State: AsMut<Table<T>>,
{
    let table: &mut Table<T> = state.as_mut();
    let row = T::new(call)?;
    row.check_unique(table)?;
    let body = row.created_json();
    table.put(row);
    respond(body)
}

pub(super) fn update<T: Plain>(state: &mut State, call: &Call) -> HandlerResult
where
    State: AsMut<Table<T>>,
{
    let table: &mut Table<T> = state.as_mut();
    let mut row = table.find_by_path(call)?.clone();
    row.apply(call)?;
    row.check_unique(table)?;
    table.put(row);
    Ok(ResponseBody::empty_object())
}

pub(super) fn delete<T: Row>(state: &mut State, call: &Call) -> HandlerResult
where
    State: AsMut<Table<T>>,
{
    let table: &mut Table<T> = state.as_mut();
    table.take(call)?;
    Ok(ResponseBody::empty_object())
}

/// Changes the default version of a row.
pub(super) fn make_version_default<T: Versioned>(state: &mut State, call: &Call) -> HandlerResult
where
    State: AsMut<Table<T>>,
{
    let table: &mut Table<T> = state.as_mut();
    let mut row = table.find_by_path(call)?.clone();
    row.set_default_version(call)?;
    table.put(row);
    Ok(ResponseBody::empty_object())
}
