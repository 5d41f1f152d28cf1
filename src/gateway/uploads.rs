//! Uploads: operations with a multipart body that contains files.
//!
//! Each builder has a setter for each field in the OpenAPI document. Before a request is sent, the
//! required fields and the existence of the files are checked.

use std::fmt;

use super::multipart::{FilePart, Form, UploadProgress};
use crate::{
    Client, Error, Response,
    generated::gateway::{audio, files, images},
    media_type, operations,
    request::Call,
};

/// A call and its multipart form.
struct Upload {
    call: Call,
    form: Form,
}

impl Upload {
    fn new(client: &Client, operation: &'static crate::Operation) -> Self {
        Self {
            call: Call::new(client, operation, Vec::new()),
            form: Form::new(),
        }
    }

    /// Sets a number. Records an error if it is NaN or infinite.
    fn number(&mut self, name: &'static str, value: f64) {
        self.call.check_number(name, value);
        self.form.text(name, value.to_string());
    }

    /// Converts into the call, with the form as its body.
    async fn into_call(self) -> Call {
        let Self { mut call, form } = self;
        call.form(form).await;
        call
    }

    /// Converts into the call, unless the requested response format is not JSON.
    async fn into_json_call(self) -> Result<Call, Error> {
        match self.form.value("response_format") {
            Some(format @ ("text" | "srt" | "vtt")) => {
                let problem = format!("`response_format` `{format}` requires `send_text`");
                Err(self.call.invalid_request(problem))
            }
            _ => Ok(self.into_call().await),
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
        impl Client {
            $(#[$docs])*
            pub fn $method(&self) -> $builder {
                $builder(Upload::new(self, &operations::$operation))
            }
        }

        #[doc = concat!("Builder of [`Client::", stringify!($method), "`].")]
        ///
        /// The request is retried like any other, but only if all of its files can be read again.
        /// The duration of an attempt is not limited;
        /// [`RequestOptions::timeout`](crate::RequestOptions::timeout) limits the time without
        /// progress.
        #[derive(Debug)]
        #[must_use = "nothing is sent before `send`"]
        pub struct $builder(Upload);

        impl $builder {
            /// Sets a field that is not part of the OpenAPI document.
            pub fn extra(mut self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
                self.0.form.text(name.as_ref(), value);
                self
            }

            /// Sets a callback that is called after each chunk with the progress of the upload.
            pub fn progress(mut self, progress: impl FnMut(UploadProgress) + Send + 'static) -> Self {
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
            pub async fn send(self) -> Result<$response, Error> {
                self.0.into_json_call().await?.send().await
            }

            /// Sends the request and returns the response with status, headers and raw body.
            pub async fn send_with_response(self) -> Result<Response<$response>, Error> {
                self.0.into_json_call().await?.send_with_response().await
            }
        }
    };
}

/// Defines the setters of files.
macro_rules! files {
    ($builder:ident { $($(#[$docs:meta])* $name:ident;)* }) => {
        impl $builder {
            $($(#[$docs])* pub fn $name(mut self, file: FilePart) -> Self {
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
            $($(#[$docs])* pub fn $name(mut self, value: impl Into<$kind>) -> Self {
                self.0.form.text(stringify!($name), value.into().to_string());
                self
            })*
        }
    };
}

// ---- Files

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

// ---- Images

upload! {
    create_image_edit, CreateImageEdit, CREATE_IMAGE_EDIT, images::ImagesResponse,
    /// Edits an image.
    ///
    /// `POST /images/edits`. Not retried if the service may have executed it.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::gateway::FilePart;
    ///
    /// let images = client
    ///     .create_image_edit()
    ///     .image(FilePart::path("room.png"))
    ///     .mask(FilePart::path("wall.png"))
    ///     .prompt("paint the wall green")
    ///     .send()
    ///     .await?;
    /// # let _ = images;
    /// # Ok(())
    /// # }
    /// ```
}

files! {
    CreateImageEdit {
        /// Sets the image. Required.
        image;
        /// Sets the mask: an image of the same size, transparent where the image is to be edited.
        mask;
    }
}

text_fields! {
    CreateImageEdit {
        /// Sets the description of the edited image. Required.
        prompt: String;
        /// Sets the model.
        model: String;
        /// Sets the number of images to create, 1 to 10.
        n: i64;
        /// Sets whether the response contains URLs or the images.
        response_format: images::ImageResponseFormat;
        /// Sets the size of the created images.
        size: images::SquareImageSize;
        /// Sets the identifier of your end user.
        user: String;
    }
}

upload! {
    create_image_variation, CreateImageVariation, CREATE_IMAGE_VARIATION, images::ImagesResponse,
    /// Creates variations of an image.
    ///
    /// `POST /images/variations`. Not retried if the service may have executed it.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::gateway::FilePart;
    ///
    /// let image = FilePart::path("room.png");
    /// let images = client.create_image_variation().image(image).n(2).send().await?;
    /// # let _ = images;
    /// # Ok(())
    /// # }
    /// ```
}

files! {
    CreateImageVariation {
        /// Sets the image. Required.
        image;
    }
}

text_fields! {
    CreateImageVariation {
        /// Sets the model.
        model: String;
        /// Sets the number of images to create, 1 to 10.
        n: i64;
        /// Sets whether the response contains URLs or the images.
        response_format: images::ImageResponseFormat;
        /// Sets the size of the created images.
        size: images::SquareImageSize;
        /// Sets the identifier of your end user.
        user: String;
    }
}

// ---- Audio

/// Defines the methods that transcription and translation share.
macro_rules! speech_to_text {
    ($builder:ident) => {
        impl $builder {
            /// Sets the sampling temperature, 0 to 1. Default: 0.
            pub fn temperature(mut self, value: f64) -> Self {
                self.0.number("temperature", value);
                self
            }

            /// Sends the request and returns the body of the response as a string. Required for the
            /// values `text`, `srt` and `vtt` of `response_format`, which are not JSON.
            ///
            /// # Errors
            ///
            /// The errors of [`send`](Self::send), and an error if the response body is not valid
            /// UTF-8.
            pub async fn send_text(mut self) -> Result<String, Error> {
                self.0.call.accept(media_type::ANY);
                self.0.into_call().await.send_text().await
            }
        }
    };
}

upload! {
    create_transcription, CreateTranscription, CREATE_TRANSCRIPTION, audio::CreateTranscriptionResponse,
    /// Transcribes a recording.
    ///
    /// `POST /audio/transcriptions`. Not retried if the service may have executed it.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::gateway::FilePart;
    ///
    /// let subtitles = client
    ///     .create_transcription()
    ///     .file(FilePart::path("interview.mp3"))
    ///     .model("whisper-1")
    ///     .response_format("srt")
    ///     .send_text()
    ///     .await?;
    /// # let _ = subtitles;
    /// # Ok(())
    /// # }
    /// ```
}

speech_to_text!(CreateTranscription);

files! {
    CreateTranscription {
        /// Sets the recording. Required.
        file;
    }
}

text_fields! {
    CreateTranscription {
        /// Sets the model. Required.
        model: String;
        /// Sets the language of the recording (ISO 639-1, such as `en`).
        language: String;
        /// Sets a prompt that guides the transcription: how it begins, or words that occur in it.
        prompt: String;
        /// Sets the response format. `text`, `srt` and `vtt` require
        /// [`send_text`](Self::send_text).
        response_format: audio::TranscriptionFormat;
    }
}

impl CreateTranscription {
    /// Sets the timestamp granularities to include. Requires the response format `verbose_json`.
    pub fn timestamp_granularities(
        mut self,
        values: impl IntoIterator<Item = impl Into<audio::TimestampGranularity>>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.into().to_string());
        self.0
            .form
            .repeated_text("timestamp_granularities[]", values);
        self
    }
}

upload! {
    create_translation, CreateTranslation, CREATE_TRANSLATION, audio::CreateTranslationResponse,
    /// Translates a recording into English text.
    ///
    /// `POST /audio/translations`. Not retried if the service may have executed it.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::gateway::FilePart;
    ///
    /// let recording = FilePart::path("entrevista.mp3");
    /// let english = client.create_translation().file(recording).model("whisper-1").send().await?;
    /// # let _ = english;
    /// # Ok(())
    /// # }
    /// ```
}

speech_to_text!(CreateTranslation);

files! {
    CreateTranslation {
        /// Sets the recording. Required.
        file;
    }
}

text_fields! {
    CreateTranslation {
        /// Sets the model. Required.
        model: String;
        /// Sets a prompt in English that guides the translation: how it begins, or words that occur
        /// in it.
        prompt: String;
        /// Sets the response format. `text`, `srt` and `vtt` require
        /// [`send_text`](Self::send_text).
        response_format: String;
    }
}
