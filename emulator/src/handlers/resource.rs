//! What a resource adds to the emulator: its handlers and rules.

use crate::call::Call;
use crate::error::ApiError;
use crate::response::HandlerResult;
use crate::state::State;

/// The handlers and rules of a resource. Start from [`Resource::new`] and set the fields that the
/// resource needs.
pub(crate) struct Resource {
    /// Handlers, by operation id.
    pub(crate) handlers: &'static [(&'static str, Handler)],
    /// Access rules that are finer than those of the manifest, by operation id.
    pub(crate) guards: &'static [(&'static str, Rule)],
    /// Rules that the service applies before it validates the request, by operation id.
    pub(crate) quirks: &'static [(&'static str, Rule)],
    /// Handlers of `GET /emulator/{organisation}/{name}/…`, links that responses contain, by name.
    pub(crate) links: &'static [(&'static str, ReadHandler)],
    /// Handlers of `POST` requests to such a link: the name of the link, the name of the action in
    /// the audit log (`verb_noun`), and the handler. The caller is a user with a new id.
    pub(crate) link_actions: &'static [(&'static str, &'static str, WriteHandler)],
}

/// Handles an operation that does not change the state.
pub(crate) type ReadHandler = fn(&State, &Call) -> HandlerResult;
/// Handles an operation that may change the state. Its effect must depend on its arguments only:
/// time and ids come from the call.
pub(crate) type WriteHandler = fn(&mut State, &Call) -> HandlerResult;
/// Rejects some requests. It runs before request validation, so the body may have any content.
pub(crate) type Rule = fn(&State, &Call) -> Result<(), ApiError>;

/// The handler of an operation.
#[derive(Clone, Copy)]
pub(crate) enum Handler {
    Read(ReadHandler),
    /// Recorded in the audit log, and in the journal if the emulator has a state file.
    Write(WriteHandler),
    /// Like `Write`, without the audit record: model calls and related operations.
    Gateway(WriteHandler),
}

impl Resource {
    /// Creates a resource that has handlers only.
    pub(crate) const fn new(handlers: &'static [(&'static str, Handler)]) -> Self {
        Self {
            handlers,
            guards: &[],
            quirks: &[],
            links: &[],
            link_actions: &[],
        }
    }
}
