//! The output of a batch.

use super::download::download;
download! {
    get_batch_output, GetBatchOutput, GET_BATCH_OUTPUT, batch_id,
    /// Downloads the output of a batch.
    ///
    /// `GET /batches/{batch_id}/output`. A read; retried.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut file = tokio::fs::File::create("output.jsonl").await?;
    /// let output = client.get_batch_output("batch-id").open().await?;
    /// output.write_to(&mut file, |_| ()).await?;
    /// # Ok(())
    /// # }
    /// ```
}
