use portkey_admin::{Client, gateway::audio::CreateSpeechRequest};

async fn example(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
    let request = CreateSpeechRequest::builder()
        .model("tts-1")
        .voice("nova")
        .input("It works.");
    let audio = client.create_speech().body(request).open().await?;
    let mut file = tokio::fs::File::create("works.mp3").await?;
    audio.write_to(&mut file, |_| ()).await?;
    Ok(())
}
