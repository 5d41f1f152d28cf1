use portkey_admin::{Client, Error, gateway::FilePart};

async fn example(client: &Client) -> Result<(), Error> {
    let images = client
        .create_image_edit()
        .image(FilePart::path("room.png"))
        .mask(FilePart::path("wall.png"))
        .prompt("paint the wall green")
        .send()
        .await?;
    println!("{} images", images.data.len());
    Ok(())
}
