use portkey_admin::Client;

async fn example(client: &Client) -> Result<(), Box<dyn std::error::Error>> {
    let mut file = tokio::fs::File::create("output.jsonl").await?;
    let output = client.get_batch_output("batch_41f6ab09").open().await?;
    output.write_to(&mut file, |_| ()).await?;
    Ok(())
}
