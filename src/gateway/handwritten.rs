//! Builders of the operations that are not generated, a file for each group. The generated module of
//! the group re-exports them.

mod audio;
mod batches;
mod download;
mod files;
mod images;
mod realtime;
mod upload;

pub use audio::{CreateSpeech, CreateTranscription, CreateTranslation};
pub use batches::GetBatchOutput;
pub use files::{GetFileContent, UploadFile};
pub use images::{CreateImageEdit, CreateImageVariation};
pub use realtime::ConnectRealtime;
