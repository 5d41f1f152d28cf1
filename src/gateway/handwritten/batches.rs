//! The output of a batch.

use super::download::download;
download! {
    get_batch_output, GetBatchOutput, GET_BATCH_OUTPUT, batch_id,
    /// Downloads the output of a batch.
    ///
    /// `GET /batches/{batch_id}/output`. A read; retried.
    ///
    /// ```no_run
    #[doc = include_str!("examples/get_batch_output.rs")]
    /// ```
}
