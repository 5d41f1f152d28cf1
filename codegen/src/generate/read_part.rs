//! The part of progenitor's code that is read, for the parser, which takes long over the rest.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// An item, as its tokens.
type Item = Vec<TokenTree>;

/// The modules of progenitor's code with nothing in them but the types, the builders of operations and
/// the signatures of their `send`.
pub fn read_part(code: TokenStream) -> TokenStream {
    let modules = items(code).into_iter().filter(|item| is_kind(item, "mod"));
    modules
        .flat_map(|module| with_body(module, types_and_sends))
        .collect()
}

fn types_and_sends(module: TokenStream) -> TokenStream {
    let read = items(module).into_iter().filter_map(|item| {
        if is_kind(&item, "struct") || is_kind(&item, "enum") {
            Some(item)
        } else if is_kind(&item, "impl") && !has_word(&item, "for") {
            Some(with_body(item, sends))
        } else {
            None
        }
    });
    read.flatten().collect()
}

fn sends(methods: TokenStream) -> TokenStream {
    let sends = items(methods)
        .into_iter()
        .filter(|item| has_word(item, "send"));
    sends
        .flat_map(|send| with_body(send, |_| TokenStream::new()))
        .collect()
}

/// Takes code apart: an item ends with its braces or with a semicolon.
fn items(code: TokenStream) -> Vec<Item> {
    let mut items = vec![Item::new()];
    for token in code {
        let is_end = match &token {
            TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
            TokenTree::Punct(sign) => sign.as_char() == ';',
            _ => false,
        };
        if let Some(item) = items.last_mut() {
            item.push(token);
        }
        if is_end {
            items.push(Item::new());
        }
    }
    items
}

/// Whether an item is of the kind that this word stands for: the first one, but for `pub`.
fn is_kind(item: &[TokenTree], kind: &str) -> bool {
    let mut words = item.iter().filter_map(word);
    words
        .find(|word| *word != "pub")
        .is_some_and(|word| word == kind)
}

/// Whether a word stands before the body of an item.
fn has_word(item: &[TokenTree], expected: &str) -> bool {
    item.iter().filter_map(word).any(|word| word == expected)
}

fn word(token: &TokenTree) -> Option<&proc_macro2::Ident> {
    match token {
        TokenTree::Ident(word) => Some(word),
        _ => None,
    }
}

/// An item with another body.
fn with_body(mut item: Item, change: impl Fn(TokenStream) -> TokenStream) -> Item {
    if let Some(TokenTree::Group(body)) = item.last_mut() {
        *body = Group::new(body.delimiter(), change(body.stream()));
    }
    item
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_and_signatures_of_send_are_left() {
        let text = "
            use a::{B, C};
            pub mod types {
                pub mod error { pub struct E(String); }
                #[derive(Clone)] pub struct A { #[serde(rename = \"b\")] pub b: u8 }
                impl Default for A { fn default() -> Self { loop {} } }
                pub enum F { G, H }
                pub struct I(pub u8);
            }
            impl Client { pub fn a(&self) -> builder::A<'_> { loop {} } }
            pub mod builder {
                use super::types;
                pub struct A<'a> { client: &'a super::Client }
                impl<'a> A<'a> {
                    pub fn b<V>(mut self, value: V) -> Self where V: Into<u8> { self }
                    /// Sends it.
                    pub async fn send(self) -> Result<types::A, Error<()>> { let Self { .. } = self; }
                }
            }
        ";
        let expected = "
            pub mod types {
                #[derive(Clone)] pub struct A { #[serde(rename = \"b\")] pub b: u8 }
                pub enum F { G, H }
                pub struct I(pub u8);
            }
            pub mod builder {
                pub struct A<'a> { client: &'a super::Client }
                impl<'a> A<'a> {
                    /// Sends it.
                    pub async fn send(self) -> Result<types::A, Error<()>> {}
                }
            }
        ";
        let tokens = |text: &str| -> TokenStream { text.parse().unwrap() };
        assert_eq!(
            read_part(tokens(text)).to_string(),
            tokens(expected).to_string()
        );
    }
}
