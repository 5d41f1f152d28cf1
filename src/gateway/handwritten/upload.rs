//! Uploads: operations with a multipart body that contains files.
//!
//! Each builder has a setter for each field in the OpenAPI document. Before a request is sent, the
//! required fields and the existence of the files are checked.

use std::fmt;

use crate::{
    Client, Error, Operation,
    gateway::Form,
    request::{Call, ResponseFuture},
    response_future::FromResponse,
};

/// A call and its multipart form.
pub(super) struct Upload {
    pub(super) call: Call,
    pub(super) form: Form,
}

impl Upload {
    pub(super) fn new(client: &Client, operation: &'static Operation) -> Self {
        Self {
            call: Call::new(client, operation, Vec::new()),
            form: Form::new(),
        }
    }

    /// Sets a number. Records an error if it is NaN or infinite.
    pub(super) fn number(&mut self, name: &'static str, value: Option<f64>) {
        if let Some(value) = value {
            self.call.parameters.check_number(name, value);
            self.form.text(name, value.to_string());
        }
    }

    /// Converts into the call, with the form as its body.
    pub(super) async fn into_call(self) -> Call {
        let Self { mut call, form } = self;
        call.form(form).await;
        call
    }

    /// Sends the request, unless the requested response format is not JSON.
    pub(super) async fn send<T: FromResponse>(self) -> Result<T, Error> {
        match self.form.value("response_format") {
            Some(format @ ("text" | "srt" | "vtt")) => {
                let problem = format!("`response_format` `{format}` requires `send_text`");
                Err(self.call.invalid_request(problem))
            }
            _ => ResponseFuture::<T>::new(self.into_call().await).await,
        }
    }
}

/// Shows only the operation, because files and their names may be secrets.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

/// Defines an upload operation and its builder.
macro_rules! upload {
    ($method:ident, $builder:ident, $operation:ident, $response:ty, $(#[$docs:meta])*) => {
        /// # Uploads to the gateway
        ///
        /// Requires the feature `gateway`.
        impl crate::Client {
            $(#[$docs])*
            pub fn $method(&self) -> $builder {
                $builder(super::upload::Upload::new(self, &crate::operations::$operation))
            }
        }

        #[doc = concat!("Builder of [`Client::", stringify!($method), "`](crate::Client::", stringify!($method), ").")]
        ///
        /// The request is retried like any other, but only if all of its files can be read again.
        /// The duration of an attempt is not limited;
        /// [`RequestOptions::timeout`](crate::RequestOptions::timeout) limits the time without
        /// progress.
        #[derive(Debug)]
        #[must_use = "nothing is sent before `send`"]
        pub struct $builder(super::upload::Upload);

        impl $builder {
            /// Sets a field that is not part of the OpenAPI document.
            pub fn extra(mut self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
                self.0.form.text(name.as_ref(), value);
                self
            }

            /// Sets a callback that is called after each chunk with the progress of the upload.
            pub fn progress(mut self, progress: impl FnMut(crate::gateway::UploadProgress) + Send + 'static) -> Self {
                self.0.form.on_progress(progress);
                self
            }

            /// Sends the request and decodes the response.
            ///
            /// # Errors
            ///
            /// The errors of any request. Nothing is sent if a required field is not set, or if a
            /// file does not exist, is a directory or cannot be opened. If reading a file fails
            /// later, the request is aborted and not retried.
            pub async fn send(self) -> Result<$response, crate::Error> {
                self.0.send().await
            }

            /// Sends the request and returns the response with status, headers and raw body.
            pub async fn send_with_response(self) -> Result<crate::Response<$response>, crate::Error> {
                self.0.send().await
            }
        }
    };
}

/// Defines the setters of files.
macro_rules! files {
    ($builder:ident { $($(#[$docs:meta])* $name:ident;)* }) => {
        impl $builder {
            $($(#[$docs])* pub fn $name(mut self, file: crate::gateway::FilePart) -> Self {
                self.0.form.file(stringify!($name), file);
                self
            })*
        }
    };
}

/// Defines the setters of text fields.
macro_rules! text_fields {
    ($builder:ident { $($(#[$docs:meta])* $name:ident: $kind:ty;)* }) => {
        impl $builder {
            $($(#[$docs])* pub fn $name<M>(mut self, value: impl crate::IntoOptional<$kind, M>) -> Self {
                if let Some(value) = self.0.call.parameters.argument(stringify!($name), value) {
                    self.0.form.text(stringify!($name), value.to_string());
                }
                self
            })*
        }
    };
}

pub(super) use {files, text_fields, upload};
