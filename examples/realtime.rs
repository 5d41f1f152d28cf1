//! A realtime session: sends a text message and prints the response as it is streamed.
//!
//! Without `PORTKEY_API_KEY`, the example starts an emulator, which echoes the message. With
//! `PORTKEY_API_KEY`, it uses the real service: `PORTKEY_MODEL` is the model (default: `gpt-realtime`), and
//! the key needs access to a provider with that model.

use std::io::Write;

use portkey_admin::{
    Client, Error, RequestOptions,
    gateway::{ClientEvent, GatewayOptions},
};
use portkey_admin_emulator::{Emulator, Key, Organisation};
use serde_json::json;

type Outcome = Result<(), Box<dyn std::error::Error>>;

#[tokio::main]
async fn main() -> Outcome {
    if std::env::var("PORTKEY_API_KEY").is_ok_and(|key| !key.trim().is_empty()) {
        println!("PORTKEY_API_KEY is set: using the real service");
        let model = std::env::var("PORTKEY_MODEL").unwrap_or_else(|_| "gpt-realtime".to_owned());
        return Ok(run_session(&Client::from_env()?, &model).await?);
    }
    // Calls of the gateway need a workspace key.
    let organisation = Organisation::named("Example")
        .workspace("Main")
        .key(Key::workspace("Main", "app"));
    let emulator = Emulator::builder()
        .organisation(organisation)
        .start()
        .await?;
    println!(
        "PORTKEY_API_KEY is not set: using an emulator at {}",
        emulator.base_url()
    );
    let client = Client::builder()
        .api_key(emulator.key("app").ok_or("the emulator has no key `app`")?)
        .base_url(emulator.base_url())
        .options(RequestOptions::new().gateway(GatewayOptions::new().provider("openai")))
        .build()?;
    Ok(run_session(&client, "example-model").await?)
}

async fn run_session(client: &Client, model: &str) -> Result<(), Error> {
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
    // Text output instead of audio.
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
                // Shows each word immediately; a failure does not matter.
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
