//! Several feedback entries in one request.

use crate::{
    Error,
    logs::{CreateFeedback, CreateFeedbackRequest},
    request::{builder_support, call::encode_json},
};

impl CreateFeedback {
    /// Sets the body to a list of feedback entries. Each is a value or its builder. The same path
    /// accepts lists; Portkey's own clients send them.
    pub fn bodies<V: TryInto<CreateFeedbackRequest, Error: Into<Error>>>(
        mut self,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values = builder_support::list(values);
        self.call
            .body(values.and_then(|values| encode_json(&values)));
        self
    }
}
