//! The part of progenitor's code that is read, for the parser, which takes long over the rest.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// An item, as its tokens.
type ItemTokens = Vec<TokenTree>;

/// The modules of progenitor's code with nothing in them but the types, the builders of operations and
/// the signatures of their `send`.
pub fn trim_unused(code: TokenStream) -> TokenStream {
    let modules = split_items(code)
        .into_iter()
        .filter(|item| is_kind(item, "mod"));
    modules
        .flat_map(|module| with_body(module, keep_types_and_sends))
        .collect()
}

fn keep_types_and_sends(module: TokenStream) -> TokenStream {
    let kept = split_items(module).into_iter().filter_map(|item| {
        if is_kind(&item, "struct") || is_kind(&item, "enum") {
            Some(item)
        } else if is_kind(&item, "impl") && !has_ident_before_body(&item, "for") {
            Some(with_body(item, keep_sends))
        } else {
            None
        }
    });
    kept.flatten().collect()
}

fn keep_sends(methods: TokenStream) -> TokenStream {
    let sends = split_items(methods)
        .into_iter()
        .filter(|item| has_ident_before_body(item, "send"));
    sends
        .flat_map(|send| with_body(send, |_| TokenStream::new()))
        .collect()
}

/// Takes code apart: an item ends with its braces or with a semicolon.
fn split_items(code: TokenStream) -> Vec<ItemTokens> {
    let mut items = vec![ItemTokens::new()];
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
            items.push(ItemTokens::new());
        }
    }
    items
}

/// Whether an item is of the kind that this word stands for: the first one, but for `pub`.
fn is_kind(item: &[TokenTree], kind: &str) -> bool {
    let mut idents = item.iter().filter_map(as_ident);
    idents
        .find(|ident| *ident != "pub")
        .is_some_and(|ident| ident == kind)
}

/// Whether a word stands before the body of an item.
fn has_ident_before_body(item: &[TokenTree], expected: &str) -> bool {
    item.iter()
        .filter_map(as_ident)
        .any(|ident| ident == expected)
}

fn as_ident(token: &TokenTree) -> Option<&proc_macro2::Ident> {
    match token {
        TokenTree::Ident(ident) => Some(ident),
        _ => None,
    }
}

/// An item with another body.
fn with_body(mut item: ItemTokens, change: impl Fn(TokenStream) -> TokenStream) -> ItemTokens {
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
            trim_unused(tokens(text)).to_string(),
            tokens(expected).to_string()
        );
    }
}
