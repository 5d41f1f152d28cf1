use portkey_admin::{Client, Error};

async fn example(client: &Client) -> Result<(), Error> {
    let content = client.get_file_content("file-6b90d3f2").open().await?;
    let content = content.bytes(1024 * 1024).await?;
    println!("{} bytes", content.len());
    Ok(())
}
