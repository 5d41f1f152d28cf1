//! Updates with an empty response, followed by a read.

use super::{Call, ResponseFuture, response_future::ResponseBody};
use crate::{
    Error,
    operation::{Operation, Segment},
};

/// Sends an update, then reads the updated resource with the same client. The read uses the first
/// path arguments of the update; codegen checks that the parameters match.
pub(crate) async fn update_and_get<T: ResponseBody>(
    update: Call,
    read: &'static Operation,
) -> Result<T, Error> {
    let count = read.segments.iter().map(Segment::parameter_count).sum();
    let arguments = update.arguments().iter().take(count).cloned().collect();
    let read = Call::new(update.client(), read, arguments);
    update.execute().await?;
    // Even if the read fails, the update was executed.
    let read: ResponseFuture<T> = ResponseFuture::new(read);
    read.await.map_err(Error::mark_executed)
}
