//! Updates whose answer says nothing, followed by a read.

use crate::{
    Error,
    call::Call,
    decode::LenientDecode,
    operation::{Operation, Segment},
};

/// Sends an update, then reads what it changed: with the same client, and with as many of the same
/// arguments as the read takes (codegen has checked that they are the same).
pub(crate) async fn update_and_get<T: LenientDecode>(
    update: Call,
    read: &'static Operation,
) -> Result<T, Error> {
    let is_parameter = |segment: &&Segment| matches!(segment, Segment::Parameter { .. });
    let count = read.segments.iter().filter(is_parameter).count();
    let arguments = update.arguments().iter().take(count).cloned().collect();
    let read = Call::new(update.client(), read, arguments);
    update.send_unit().await?;
    // Whatever becomes of the read, the update has been made.
    read.send().await.map_err(Error::executed)
}
