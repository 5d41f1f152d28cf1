use portkey_admin::{Client, Error, gateway::ClientEvent};

async fn example(client: &Client) -> Result<(), Error> {
    let mut session = client.connect_realtime().model("gpt-realtime").connect().await?;
    session.send(ClientEvent::new("response.create")).await?;
    while let Some(event) = session.next().await {
        if event?.kind() == "response.done" {
            break;
        }
    }
    session.close(1000, "done").await
}
