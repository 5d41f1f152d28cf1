//! Execution of writes, both new and from the journal.

use crate::audit;
use crate::call::Call;
use crate::error::ApiError;
use crate::handlers;
use crate::handlers::resource::{Handler, WriteHandler};
use crate::response::HandlerResult;
use crate::state::State;

/// A write, and whether the audit log records it.
#[derive(Clone, Copy)]
pub(crate) enum Write {
    Audited(WriteHandler),
    Unaudited(WriteHandler),
}

/// Executes a write, whose effect depends only on the state and the call. Failed writes are not
/// recorded in the audit log.
pub(crate) fn apply(state: &mut State, call: &Call, write: Write) -> HandlerResult {
    match write {
        Write::Unaudited(write) => write(state, call),
        Write::Audited(write) => {
            state.api_keys.apply_due_rotations(call.now);
            let response = write(state, call)?;
            audit::record_write(state, call, 200);
            Ok(response)
        }
    }
}

/// Executes a write from the journal, which names its operation.
pub(crate) fn replay(state: &mut State, call: &Call) -> HandlerResult {
    let write = match handlers::handler(&call.operation) {
        Some(Handler::Gateway(write)) => Some(Write::Unaudited(write)),
        Some(Handler::Write(write)) => Some(Write::Audited(write)),
        Some(Handler::Read(_)) => None,
        None => handlers::link_action_handler(&call.operation).map(Write::Audited),
    };
    let write = write.ok_or_else(|| {
        let message = format!("`{}` is not a write operation", call.operation);
        ApiError::new(500, None, message)
    })?;
    apply(state, call, write)
}

#[cfg(test)]
mod tests {
    use chrono::Utc;
    use serde_json::{Map, Value, json};

    use super::replay;
    use crate::call::{Call, Caller, RequestMetadata, Scopes};
    use crate::ids::Ids;
    use crate::seed::{self, Organisation};

    fn call(operation: &str, body: Value) -> Call {
        Call {
            operation: operation.to_owned(),
            caller: Caller {
                key_id: "key".to_owned(),
                scopes: Scopes::All,
                ..Caller::anonymous()
            },
            workspace_id: None,
            path: Vec::new(),
            query: Map::new(),
            body,
            form: None,
            scripted_reply: None,
            has_scripted_content: false,
            now: Utc::now(),
            ids: Ids::new(3),
            origin: String::new(),
            request: RequestMetadata {
                method: "POST".to_owned(),
                uri: "/v1/admin/workspaces".to_owned(),
                body: r#"{"name":"w"}"#.to_owned(),
                ..RequestMetadata::default()
            },
            paging: None,
        }
    }

    #[test]
    fn successful_writes_create_an_audit_record() {
        let organisation = Organisation::named("A");
        let mut state = seed::state(&organisation, Utc::now(), &Ids::new(1)).unwrap();
        replay(&mut state, &call("create_workspace", json!({}))).unwrap_err();
        replay(&mut state, &call("list_workspaces", json!({}))).unwrap_err();
        assert_eq!(state.audit_records.len(), 0);
        replay(&mut state, &call("create_workspace", json!({"name": "w"}))).unwrap();
        let record = state.audit_records.iter().next().unwrap();
        assert_eq!(
            (&*record.action, &*record.resource_type),
            ("create", "workspace")
        );
        assert_eq!((&*record.user_type, &*record.user_id), ("api_key", "key"));
        assert_eq!(record.request_body, r#"{"name":"w"}"#);
    }

    #[test]
    fn the_same_call_has_the_same_effect() {
        let organisation = Organisation::with_defaults();
        let state = seed::state(&organisation, Utc::now(), &Ids::new(1)).unwrap();
        let call = call("create_workspace", json!({"name": "w"}));
        let json = serde_json::to_string(&call).unwrap();
        let after = |call: &Call| {
            let mut state = state.clone();
            replay(&mut state, call).unwrap();
            serde_json::to_value(&state).unwrap()
        };
        assert_eq!(after(&call), after(&serde_json::from_str(&json).unwrap()));
    }
}
