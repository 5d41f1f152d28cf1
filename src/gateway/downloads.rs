//! Binary answers, which are read as they come.

use crate::{ByteStream, Client, Error, call::Call, operations, transport::ANYTHING, types};

/// What every builder here has.
macro_rules! download {
    ($method:ident, $builder:ident, $operation:ident, $($argument:ident)?, $(#[$docs:meta])*) => {
        impl Client {
            $(#[$docs])*
            pub fn $method(&self $(, $argument: impl Into<String>)?) -> $builder {
                let arguments: Vec<String> = vec![$($argument.into())?];
                let mut call = Call::new(self, &operations::$operation, arguments);
                call.accept(ANYTHING);
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
            /// Sends the request; the answer is there as soon as its body begins.
            ///
            /// It is sent again like every other request, but not once the body has begun.
            /// [`RequestOptions::timeout`](crate::RequestOptions::timeout) limits the wait for the beginning, and
            /// [`ByteStream::idle_timeout`] each wait after it.
            ///
            /// # Errors
            ///
            /// As of every call; those of the body come from what reads the stream.
            pub async fn open(self) -> Result<ByteStream, Error> {
                self.call.open().await
            }
        }
    };
}

download! {
    create_speech, CreateSpeech, CREATE_SPEECH, ,
    /// Reads a text aloud and returns the audio.
    ///
    /// `POST /audio/speech`. Not repeated where the service may have done it.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// use portkey_admin::types::CreateSpeechRequest;
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
    /// Sets the body; a builder is finished and checked current.
    pub fn body<V: TryInto<types::CreateSpeechRequest, Error: Into<Error>>>(
        mut self,
        value: V,
    ) -> Self {
        self.call.body(value.try_into());
        self
    }
}

download! {
    get_file_content, GetFileContent, GET_FILE_CONTENT, file_id,
    /// Reads the content of an uploaded file.
    ///
    /// `GET /files/{file_id}/content`. It only reads, so it is repeated.
    ///
    /// The document declares a JSON string; the content of a file is bytes, so it is read as bytes.
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
    /// Reads the output of a batch.
    ///
    /// `GET /batches/{batch_id}/output`. It only reads, so it is repeated.
    ///
    /// ```no_run
    /// # async fn example(client: portkey_admin::Client) -> Result<(), Box<dyn std::error::Error>> {
    /// let mut file = tokio::fs::File::create("answers.jsonl").await?;
    /// let output = client.get_batch_output("batch-id").open().await?;
    /// output.write_to(&mut file, |_| ()).await?;
    /// # Ok(())
    /// # }
    /// ```
}
