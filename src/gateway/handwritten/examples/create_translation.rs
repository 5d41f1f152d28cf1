use portkey_admin::{Client, Error, gateway::FilePart};

async fn example(client: &Client) -> Result<(), Error> {
    let recording = FilePart::path("entrevista.mp3");
    let english = client.create_translation().file(recording).model("whisper-1").send().await?;
    println!("{english:?}");
    Ok(())
}
