//! Uploads: operations whose body is a form with files.
//!
//! Each builder has a setter for each field of the document. What is required is checked before
//! anything is sent, and so is whether the files are there.

use std::fmt;

use crate::{
    Client, Error, Response,
    call::Call,
    gateway::{FilePart, Form, UploadProgress},
    operations,
    transport::ANYTHING,
    types,
};

/// A call and its form.
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

    /// Sets a number, if it is one.
    fn number(&mut self, name: &'static str, value: f64) {
        self.call.check_number(name, value);
        self.form.text(name, value.to_string());
    }

    /// The call, with the form as its body.
    async fn ready(self) -> Call {
        let Self { mut call, form } = self;
        call.form(form).await;
        call
    }

    /// The call, unless its answer is asked for in a format that is no JSON.
    async fn ready_for_json(self) -> Result<Call, Error> {
        match self.form.value("response_format") {
            Some(format @ ("text" | "srt" | "vtt")) => {
                let problem = format!("`response_format` is `{format}`; use `send_text`");
                Err(self.call.refused(problem))
            }
            _ => Ok(self.ready().await),
        }
    }
}

/// Files and their names may be secrets, so only the operation shows.
impl fmt::Debug for Upload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.call.fmt(f)
    }
}

/// What every builder here has.
macro_rules! upload {
    ($method:ident, $builder:ident, $operation:ident, $answer:ty, $(#[$docs:meta])*) => {
        impl Client {
            $(#[$docs])*
            pub fn $method(&self) -> $builder {
                $builder(Upload::new(self, &operations::$operation))
            }
        }

        #[doc = concat!("Builder of [`Client::", stringify!($method), "`].")]
        ///
        /// It is sent again like every other request, but only if all of its files can be read again.
        /// An attempt may take as long as it takes, but nothing may stand still for longer than
        /// [`RequestOptions::timeout`](crate::RequestOptions::timeout).
        #[derive(Debug)]
        #[must_use = "nothing is sent before `send`"]
        pub struct $builder(Upload);

        impl $builder {
            /// A field that the document does not name.
            pub fn extra(mut self, name: impl AsRef<str>, value: impl Into<String>) -> Self {
                self.0.form.text(name.as_ref(), value);
                self
            }

            /// Is told how far the upload is, piece by piece.
            pub fn progress(mut self, progress: impl FnMut(UploadProgress) + Send + 'static) -> Self {
                self.0.form.listen(progress);
                self
            }

            /// Sends the request and decodes the answer.
            ///
            /// # Errors
            ///
            /// As of every call. What is required and not set, and a file that is not there, is a
            /// directory or may not be read, are refused before anything is sent; a file that cannot be
            /// read to its end breaks the call off and is not read again.
            pub async fn send(self) -> Result<$answer, Error> {
                self.0.ready_for_json().await?.send().await
            }

            /// Sends the request; gives the answer with its status, headers and raw body.
            pub async fn send_with_response(self) -> Result<Response<$answer>, Error> {
                self.0.ready_for_json().await?.send_with_response().await
            }
        }
    };
}

/// The setters of files.
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

/// The setters of texts and of what is written as text.
macro_rules! texts {
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
    upload_file, UploadFile, UPLOAD_FILE, types::OpenAiFile,
    /// Uploads a file.
    ///
    /// `POST /files`. Not repeated where the service may have taken it, for each file is kept.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::FilePart;
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
        /// The file. Required.
        file;
    }
}

texts! {
    UploadFile {
        /// What it is for. Required.
        purpose: types::UploadPurpose;
    }
}

// ---- Images

upload! {
    create_image_edit, CreateImageEdit, CREATE_IMAGE_EDIT, types::ImagesResponse,
    /// Edits an image.
    ///
    /// `POST /images/edits`. Not repeated where the service may have done it.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::FilePart;
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
        /// The image. Required.
        image;
        /// An image of the same size, transparent where the first one is to be edited.
        mask;
    }
}

texts! {
    CreateImageEdit {
        /// What the result is to show. Required.
        prompt: String;
        /// The model.
        model: String;
        /// How many images are made, 1 to 10.
        n: i64;
        /// Whether the answer holds URLs or the images themselves.
        response_format: types::ImageResponseFormat;
        /// The size of what is made.
        size: types::SquareImageSize;
        /// Whom of your own users it is for.
        user: String;
    }
}

upload! {
    create_image_variation, CreateImageVariation, CREATE_IMAGE_VARIATION, types::ImagesResponse,
    /// Makes variations of an image.
    ///
    /// `POST /images/variations`. Not repeated where the service may have done it.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::FilePart;
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
        /// The image. Required.
        image;
    }
}

texts! {
    CreateImageVariation {
        /// The model.
        model: String;
        /// How many images are made, 1 to 10.
        n: i64;
        /// Whether the answer holds URLs or the images themselves.
        response_format: types::ImageResponseFormat;
        /// The size of what is made.
        size: types::SquareImageSize;
        /// Whom of your own users it is for.
        user: String;
    }
}

// ---- Audio

/// What both ways of writing down a recording have.
macro_rules! speech_to_text {
    ($builder:ident) => {
        impl $builder {
            /// How freely the model chooses, 0 to 1; 0 unless set.
            pub fn temperature(mut self, value: f64) -> Self {
                self.0.number("temperature", value);
                self
            }

            /// Sends the request and gives the answer as it came: for `response_format` `text`, `srt` and
            /// `vtt`, which are no JSON.
            ///
            /// # Errors
            ///
            /// Those of [`send`](Self::send); an answer that is no text in UTF-8 is one, too.
            pub async fn send_text(mut self) -> Result<String, Error> {
                self.0.call.accept(ANYTHING);
                self.0.ready().await.send_text().await
            }
        }
    };
}

upload! {
    create_transcription, CreateTranscription, CREATE_TRANSCRIPTION, types::CreateTranscriptionResponse,
    /// Writes down what is said in a recording.
    ///
    /// `POST /audio/transcriptions`. Not repeated where the service may have done it.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::FilePart;
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
        /// The recording. Required.
        file;
    }
}

texts! {
    CreateTranscription {
        /// The model. Required.
        model: String;
        /// The language that is spoken (ISO 639-1, such as `en`).
        language: String;
        /// How it begins, or words that occur in it.
        prompt: String;
        /// The format of the answer; `text`, `srt` and `vtt` are for [`send_text`](Self::send_text).
        response_format: types::TranscriptionFormat;
    }
}

impl CreateTranscription {
    /// Of what the answer says the times, with the format `verbose_json`.
    pub fn timestamp_granularities(
        mut self,
        values: impl IntoIterator<Item = impl Into<types::TimestampGranularity>>,
    ) -> Self {
        let values = values.into_iter().map(|value| value.into().to_string());
        self.0.form.texts("timestamp_granularities[]", values);
        self
    }
}

upload! {
    create_translation, CreateTranslation, CREATE_TRANSLATION, types::CreateTranslationResponse,
    /// Writes down in English what is said in a recording.
    ///
    /// `POST /audio/translations`. Not repeated where the service may have done it.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), portkey_admin::Error> {
    /// use portkey_admin::FilePart;
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
        /// The recording. Required.
        file;
    }
}

texts! {
    CreateTranslation {
        /// The model. Required.
        model: String;
        /// How it begins, or words that occur in it, in English.
        prompt: String;
        /// The format of the answer; `text`, `srt` and `vtt` are for [`send_text`](Self::send_text).
        response_format: String;
    }
}
