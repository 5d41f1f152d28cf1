//! Operations on labels.

use super::plain::{create, get, list, update};
use super::prompts;
use super::resource::Handler::{Read, Write};
use super::resource::Resource;
use crate::call::Call;
use crate::response::{HandlerResult, ResponseBody};
use crate::state::State;
use crate::state::labels::Label;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_labels", Read(list::<Label>)),
    ("get_label", Read(get::<Label>)),
    ("create_label", Write(create::<Label>)),
    ("update_label", Write(update::<Label>)),
    ("delete_label", Write(delete)),
]);

fn delete(state: &mut State, call: &Call) -> HandlerResult {
    let label = state.labels.take(call)?;
    prompts::remove_label(state, &label.id);
    Ok(ResponseBody::empty_object())
}
