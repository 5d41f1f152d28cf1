//! A conversation that is streamed, with a tool. If a provider fails, the gateway tries the next one.
//!
//! `chat_stream QUESTION PROVIDER...`; a provider is `@` and its slug.

use std::error::Error;

use portkey_admin::{
    Client, RequestOptions,
    gateway::{
        ConfigRetry, ConfigStrategy, FunctionDefinition, GatewayConfig, GatewayConfigBuilder,
        GatewayOptions, StrategyMode,
        chat::{ChatCompletionTool, ChatMessage, CreateChatCompletionRequest},
    },
};
use serde_json::json;

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [question, providers @ ..] = arguments.as_slice() else {
        return Err("usage: chat_stream QUESTION PROVIDER...".into());
    };
    let gateway = GatewayOptions::new()
        .config_object(fallback(providers))
        .metadata([("_user", "42")]);
    let client = Client::from_env()?.with_options(RequestOptions::new().gateway(gateway));

    let weather = FunctionDefinition::builder()
        .name("weather")
        .parameters(json!({"type": "object", "properties": {"city": {"type": "string"}}}));
    let mut messages = vec![
        ChatMessage::system("Be brief."),
        ChatMessage::user(question.as_str()),
    ];
    loop {
        let request = CreateChatCompletionRequest::builder()
            .model("gpt-4o-mini")
            .messages(messages.clone())
            .tools([ChatCompletionTool::builder().function(weather.clone())]);
        let stream = client
            .create_chat_completion()
            .body(request)
            .stream()
            .await?;
        let mut response = stream
            .final_response_with(|chunk| print!("{}", chunk.text()))
            .await?;
        println!();
        let message = response.choices.remove(0).message.ok_or("no message")?;
        let calls = message.tool_calls.clone();
        messages.push(message.into());
        for call in &calls {
            messages.push(ChatMessage::tool(call.id()?, r#"{"celsius": -4}"#));
        }
        if calls.is_empty() {
            return Ok(());
        }
    }
}

/// Tries the providers in their order.
fn fallback(providers: &[String]) -> GatewayConfigBuilder {
    let target = |provider: &String| {
        GatewayConfig::builder()
            .provider(provider)
            .request_timeout(20_000)
            .retry(ConfigRetry::builder().attempts(2))
    };
    let strategy = ConfigStrategy::builder()
        .mode(StrategyMode::Fallback)
        .on_status_codes([408, 429, 500, 503]);
    GatewayConfig::builder()
        .strategy(strategy)
        .targets(providers.iter().map(target))
}
