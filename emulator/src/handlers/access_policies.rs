//! Operations on access policies.

use serde_json::{Value, json};

use super::plain::{create, delete, list, update};
use super::resource::Handler::{Read, Write};
use super::resource::Resource;
use crate::call::Call;
use crate::response::{HandlerResult, respond};
use crate::state::State;
use crate::state::access_policies::AccessPolicy;
use crate::state::plain::Plain;

pub(crate) const RESOURCE: Resource = Resource::new(&[
    ("list_access_policies", Read(list::<AccessPolicy>)),
    ("get_access_policy", Read(get)),
    ("create_access_policy", Write(create::<AccessPolicy>)),
    ("update_access_policy", Write(update::<AccessPolicy>)),
    ("delete_access_policy", Write(delete::<AccessPolicy>)),
]);

/// Adds the names of the subjects that are users.
fn get(state: &State, call: &Call) -> HandlerResult {
    let policy = state.access_policies.find_by_path(call)?;
    let mut body = policy.detail_json(&state.organisation, call);
    let subjects = policy.subjects.iter().map(|subject| {
        let id = subject["id"].as_str().unwrap_or_default();
        let user = state.users.accounts.get(id);
        let name = user.map(|user| format!("{} {}", user.first_name, user.last_name));
        let mut subject = subject.clone();
        subject["name"] = json!(name);
        subject["email"] = json!(user.map(|user| &user.email));
        subject
    });
    body["subjects"] = subjects.collect::<Value>();
    respond(body)
}
