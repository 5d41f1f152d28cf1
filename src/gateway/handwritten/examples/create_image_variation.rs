use portkey_admin::{Client, Error, gateway::FilePart};

async fn example(client: &Client) -> Result<(), Error> {
    let image = FilePart::path("room.png");
    let images = client.create_image_variation().image(image).n(2).send().await?;
    println!("{} images", images.data.len());
    Ok(())
}
