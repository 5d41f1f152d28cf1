//! Removes the code of progenitor that is not used, because parsing it takes long.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The tokens of an item.
type ItemTokens = Vec<TokenTree>;

/// Keeps only the modules of progenitor's code, and in them the types, the operation builders and
/// the signatures of their `send` methods.
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

/// Splits code into items; an item ends with its braces or a semicolon.
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

/// Returns whether this keyword is the first one of an item, apart from `pub`.
fn is_kind(item: &[TokenTree], kind: &str) -> bool {
    let mut idents = item.iter().filter_map(as_ident);
    idents
        .find(|ident| *ident != "pub")
        .is_some_and(|ident| ident == kind)
}

/// Returns whether an identifier occurs before the body of an item.
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

/// Replaces the body of an item.
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
    fn only_types_and_send_signatures_are_kept() {
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
