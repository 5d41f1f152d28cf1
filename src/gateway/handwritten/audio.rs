//! Speech, transcription and translation.

use super::{
    download::download,
    upload::{files, text_fields, upload},
};
use crate::{Error, IntoBody, generated::gateway::audio, media_type};

download! {
    create_speech, CreateSpeech, CREATE_SPEECH, ,
    /// Converts text to speech and returns the audio.
    ///
    /// `POST /audio/speech`. Not retried if the service may have executed it.
    ///
    /// ```no_run
    #[doc = include_str!("examples/create_speech.rs")]
    /// ```
}

impl CreateSpeech {
    /// Sets the body, which is a value, a builder or a JSON object. A builder is built and validated
    /// immediately.
    pub fn body<M>(mut self, value: impl IntoBody<audio::CreateSpeechRequest, M>) -> Self {
        self.call.body(value.into_body());
        self
    }
}

/// Defines the methods that transcription and translation share.
macro_rules! speech_to_text {
    ($builder:ident) => {
        impl $builder {
            /// Sets the sampling temperature, 0 to 1. Default: 0.
            pub fn temperature(mut self, value: impl Into<Option<f64>>) -> Self {
                self.0.number("temperature", value.into());
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
    #[doc = include_str!("examples/create_transcription.rs")]
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
    #[doc = include_str!("examples/create_translation.rs")]
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
