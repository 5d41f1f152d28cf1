//! Several pieces of feedback in one request.

use crate::{Error, builder::CreateFeedback, builder_support, types::CreateFeedbackRequest};

impl CreateFeedback {
    /// Sets the body to a list: the service takes several pieces of feedback at the same address
    /// (M282; a client of Portkey's own sends them). Each is a value or its builder.
    pub fn bodies<V: TryInto<CreateFeedbackRequest, Error: Into<Error>>>(
        mut self,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        self.call.body(builder_support::list(values));
        self
    }
}
