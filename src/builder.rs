//! One builder for each operation: set what is optional, then send it.

pub use crate::generated::builder::*;

#[cfg(feature = "gateway")]
pub use crate::gateway::{
    ConnectRealtime, CreateImageEdit, CreateImageVariation, CreateSpeech, CreateTranscription,
    CreateTranslation, GetBatchOutput, GetFileContent, UploadFile,
};
