use portkey_admin::{Client, Error, gateway::FilePart};

async fn example(client: &Client) -> Result<(), Error> {
    let subtitles = client
        .create_transcription()
        .file(FilePart::path("interview.mp3"))
        .model("whisper-1")
        .response_format("srt")
        .send_text()
        .await?;
    println!("{subtitles}");
    Ok(())
}
