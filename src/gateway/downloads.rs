//! Operations with a binary response, which is streamed.

use crate::{
    ByteStream, Client, Error, generated::gateway::audio, media_type, operations, request::Call,
};

/// Defines a download operation and its builder.
macro_rules! download {
    ($method:ident, $builder:ident, $operation:ident, $($argument:ident)?, $(#[$docs:meta])*) => {
        /// # Downloads from the gateway
        ///
        /// Requires the feature `gateway`.
        impl Client {
            $(#[$docs])*
            pub fn $method(&self $(, $argument: impl Into<String>)?) -> $builder {
                let arguments: Vec<String> = vec![$($argument.into())?];
                let mut call = Call::new(self, &operations::$operation, arguments);
                call.accept(media_type::ANY);
                $builder { call }
            }
        }

        #[doc = concat!("Builder of [`Client::", stringify!($method), "`].")]
        #[derive(Clone, Debug)]
        #[must_use = "nothing is sent before `open`"]
        pub struct $builder {
            call: Call,
        }

        impl $builder {
            /// Sends the request. Returns as soon as the headers of the response are received.
            ///
            /// The request is retried like any other, but not after the body has started.
            /// [`RequestOptions::timeout`](crate::RequestOptions::timeout) limits the wait for the
            /// headers, and [`ByteStream::idle_timeout`] each wait for a part of the body.
            ///
            /// # Errors
            ///
            /// The errors of any request. Errors of the body are returned by the methods of the
            /// stream.
            pub async fn open(self) -> Result<ByteStream, Error> {
                self.call.open().await
            }
        }
    };
}

download! {
    create_speech, CreateSpeech, CREATE_SPEECH, ,
    /// Converts text to speech and returns the audio.
    ///
    /// `POST /audio/speech`. Not retried if the service may have executed it.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use portkey_admin::gateway::audio::CreateSpeechRequest;
    ///
    /// let request = CreateSpeechRequest::builder()
    ///     .model("tts-1")
    ///     .voice("nova")
    ///     .input("It works.");
    /// let audio = client.create_speech().body(request).open().await?;
    /// let mut file = tokio::fs::File::create("works.mp3").await?;
    /// audio.write_to(&mut file, |_| ()).await?;
    /// # Ok(())
    /// # }
    /// ```
}

impl CreateSpeech {
    /// Sets the body, which is a value or a builder. A builder is built and validated immediately.
    pub fn body<V: TryInto<audio::CreateSpeechRequest, Error: Into<Error>>>(
        mut self,
        value: V,
    ) -> Self {
        self.call.body(value.try_into());
        self
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
