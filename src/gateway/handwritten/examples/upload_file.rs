use portkey_admin::{Client, Error, gateway::FilePart};

async fn example(client: &Client) -> Result<(), Error> {
    let file = client
        .upload_file()
        .file(FilePart::path("requests.jsonl"))
        .purpose("batch")
        .progress(|progress| eprintln!("{} bytes", progress.sent))
        .send()
        .await?;
    println!("{:?}", file.id);
    Ok(())
}
