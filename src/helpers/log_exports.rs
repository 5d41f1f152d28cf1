//! Download of the logs of an export through a signed URL.

use http::{HeaderName, HeaderValue};

use crate::{
    ByteStream, Error, Response,
    error::{ErrorResponse, Label},
    logs::DownloadLogExport,
    transport::signed_url,
};

impl DownloadLogExport {
    /// Requests the signed URL, opens it and returns the body as a stream.
    ///
    /// The URL belongs to a storage service and needs no API key. The request to it contains
    /// neither the key nor the headers of [`RequestOptions`](crate::RequestOptions), but it does
    /// contain default headers set with [`configure_http`](crate::ClientBuilder::configure_http).
    /// Both requests are retried like any other read, but not after the body has started. The URL
    /// is a secret and appears in no error and no trace.
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
    /// The errors of both requests. For an error of the storage service, the operation is
    /// `download_log_export (signed URL)`; a 403 there usually means that the URL has expired;
    /// another call requests a new one. It is also an error if the response contains no URL, if the
    /// URL contains credentials, or if it is plain `http://` (unless the host is loopback or
    /// [`allow_insecure_http`](crate::ClientBuilder::allow_insecure_http) is set).
    pub async fn open(self) -> Result<ByteStream, Error> {
        self.open_with_headers([]).await
    }

    /// Like [`open`](Self::open); these headers are sent to the storage service.
    pub(super) async fn open_with_headers(
        self,
        headers: impl IntoIterator<Item = (HeaderName, HeaderValue)>,
    ) -> Result<ByteStream, Error> {
        let (client, operation) = (self.call.client().clone(), self.call.operation());
        let response = self.send_with_response().await?;
        match &response.value().signed_url {
            Some(url) => signed_url::open(&client, operation, url, headers).await,
            None => Err(missing_url(&response).with_operation(&Label::Operation(operation))),
        }
    }
}

fn missing_url<T>(response: &Response<T>) -> Error {
    let (headers, body) = (response.headers().clone(), response.body().clone());
    Error::unexpected_response("`signed_url` is missing; the export may not be finished")
        .with_response(ErrorResponse::new(response.status(), headers, body))
}
