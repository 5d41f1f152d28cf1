//! A realtime session: one text there, the answer back word by word.
//!
//! Without `PORTKEY_API_KEY` it talks to an emulator that it starts itself, which repeats what it is
//! told. With it, it talks to the real service: `PORTKEY_MODEL` names the model (`gpt-realtime` unless
//! set), and the key has to lead to a provider that has it.

use std::io::Write;

use portkey_admin::{Client, ClientEvent, Error};
use portkey_admin_emulator::Emulator;
use serde_json::json;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    if std::env::var("PORTKEY_API_KEY").is_ok_and(|key| !key.trim().is_empty()) {
        println!("PORTKEY_API_KEY is set: talking to the real service");
        let model = std::env::var("PORTKEY_MODEL").unwrap_or_else(|_| "gpt-realtime".to_owned());
        return Ok(talk(&Client::from_env()?, &model).await?);
    }
    let emulator = Emulator::start().await?;
    println!(
        "no PORTKEY_API_KEY: talking to an emulator at {}",
        emulator.base_url()
    );
    let client = Client::builder()
        .api_key(emulator.api_key())
        .base_url(emulator.base_url())
        .build()?;
    Ok(talk(&client, "example-model").await?)
}

async fn talk(client: &Client, model: &str) -> Result<(), Error> {
    let mut session = client.connect_realtime().model(model).connect().await?;
    let text = "Say hello in one sentence.";
    let item = json!({
        "type": "message",
        "role": "user",
        "content": [{"type": "input_text", "text": text}],
    });
    println!("> {text}");
    session
        .send(ClientEvent::new("conversation.item.create").set("item", item))
        .await?;
    // Words, not sound.
    let response = json!({"output_modalities": ["text"]});
    session
        .send(ClientEvent::new("response.create").set("response", response))
        .await?;
    print!("< ");
    while let Some(event) = session.next().await {
        let event = event?;
        match event.kind() {
            "response.output_text.delta" => {
                let word = event.get("delta").and_then(|delta| delta.as_str());
                print!("{}", word.unwrap_or_default());
                // The words come one by one; where they cannot be shown, there is nobody to tell.
                let _ = std::io::stdout().flush();
            }
            "response.done" => break,
            "error" => println!("{}", event.value()),
            _ => {}
        }
    }
    println!();
    session.close(1000, "done").await
}
