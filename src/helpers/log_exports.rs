//! The logs of an export, behind a signed URL.

use crate::{
    ByteStream, Error, Response,
    builder::DownloadLogExport,
    error::{ErrorResponse, Label},
    signed_url,
};

impl DownloadLogExport {
    /// Asks for the signed URL (M279) and opens what is behind it, to be read as it comes.
    ///
    /// The URL leads to a storage and works without a key, so it is fetched without one and without the
    /// headers of [`RequestOptions`](crate::RequestOptions); headers that
    /// [`configure_http`](crate::ClientBuilder::configure_http) makes the default of every connection do
    /// go there. Both requests are repeated like every other that reads, but not once the body has
    /// begun. The URL, a secret, shows in no error and no trace.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut file = tokio::fs::File::create("logs.jsonl").await?;
    /// let export = client.download_log_export("id-of-the-export").open().await?;
    /// let bytes = export
    ///     .write_to(&mut file, |progress| match progress.total {
    ///         Some(total) => eprintln!("{} of {total}", progress.received),
    ///         None => eprintln!("{}", progress.received),
    ///     })
    ///     .await?;
    /// # let _ = bytes;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    ///
    /// Those of both requests. One of the storage is that of `download_log_export (signed URL)`; a 403
    /// there mostly means that the URL has expired, and another call asks for a new one. An answer
    /// without a URL is one, too, and a URL that is plain `http://` (unless to loopback, or with
    /// [`allow_insecure_http`](crate::ClientBuilder::allow_insecure_http)) or holds credentials.
    pub async fn open(self) -> Result<ByteStream, Error> {
        let (client, operation) = (self.call.client().clone(), self.call.operation());
        let answer = self.send_with_response().await?;
        match &answer.value().signed_url {
            Some(url) => signed_url::open(&client, operation, url).await,
            None => Err(without_url(&answer).of(&Label::Operation(operation))),
        }
    }
}

fn without_url<T>(answer: &Response<T>) -> Error {
    let (headers, body) = (answer.headers().clone(), answer.body().clone());
    Error::unusable("it has no `signed_url`; is the export done?")
        .with_response(ErrorResponse::new(answer.status(), headers, body))
}
