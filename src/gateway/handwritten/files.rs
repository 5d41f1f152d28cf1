//! Files: the upload and the download of a file.

use super::{
    download::download,
    upload::{files, text_fields, upload},
};
use crate::generated::gateway::files;

upload! {
    upload_file, UploadFile, UPLOAD_FILE, files::OpenAiFile,
    /// Uploads a file.
    ///
    /// `POST /files`. Not retried if the service may have executed it, because each upload creates
    /// a file.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::gateway::FilePart;
    ///
    /// let file = client
    ///     .upload_file()
    ///     .file(FilePart::path("requests.jsonl"))
    ///     .purpose("batch")
    ///     .progress(|progress| eprintln!("{} bytes", progress.sent))
    ///     .send()
    ///     .await?;
    /// # let _ = file;
    /// # Ok(())
    /// # }
    /// ```
}

files! {
    UploadFile {
        /// Sets the file. Required.
        file;
    }
}

text_fields! {
    UploadFile {
        /// Sets the purpose. Required.
        purpose: files::UploadPurpose;
    }
}

download! {
    get_file_content, GetFileContent, GET_FILE_CONTENT, file_id,
    /// Downloads the content of an uploaded file.
    ///
    /// `GET /files/{file_id}/content`. A read; retried.
    ///
    /// Portkey's OpenAPI document declares a JSON string, but the content of a file is arbitrary
    /// bytes, so it is returned as bytes.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// let content = client.get_file_content("file-id").open().await?;
    /// let content = content.bytes(1024 * 1024).await?;
    /// # let _ = content;
    /// # Ok(())
    /// # }
    /// ```
}
