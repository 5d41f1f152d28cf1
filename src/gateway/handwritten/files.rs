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
    #[doc = include_str!("examples/upload_file.rs")]
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
    #[doc = include_str!("examples/get_file_content.rs")]
    /// ```
}
