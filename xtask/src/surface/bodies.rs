//! Bodies of functions, which nobody reads, out of the way of the parser.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The same tokens with empty bodies of functions, for who reads signatures only: most of the time to
/// parse goes into bodies. Definitions of macros stay whole.
pub fn without_bodies(stream: TokenStream) -> TokenStream {
    let mut last_word = String::new();
    let mut in_signature = false;
    let mut in_definition = false;
    let strip = |token: TokenTree| {
        // A type of functions has no name behind its `fn`, and no body.
        in_signature |= last_word == "fn" && matches!(&token, TokenTree::Ident(_));
        last_word.clear();
        match token {
            TokenTree::Group(group) if std::mem::take(&mut in_definition) => group.into(),
            TokenTree::Group(group) => {
                let is_body = in_signature && group.delimiter() == Delimiter::Brace;
                in_signature &= !is_body;
                let inner = if is_body {
                    TokenStream::new()
                } else {
                    without_bodies(group.stream())
                };
                Group::new(group.delimiter(), inner).into()
            }
            TokenTree::Ident(word) => {
                last_word = word.to_string();
                in_definition |= last_word == "macro_rules";
                word.into()
            }
            TokenTree::Punct(sign) => {
                in_signature &= sign.as_char() != ';';
                sign.into()
            }
            other => other,
        }
    };
    stream.into_iter().map(strip).collect::<TokenStream>()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bodies_are_emptied_and_nothing_else_is() {
        let text = "fn a<A, B>(x: [u8; 2]) -> B where A: C { let y = { 1 }; } \
                    struct S { f: fn(u8) -> u8, g: T } impl S { fn h(&self) { loop { } } } \
                    trait T { fn i(); const J: X = X { k: 1 }; } \
                    macro_rules! m { () => { fn n() { 1 } } }";
        let expected = text
            .replace("{ let y = { 1 }; }", "{ }")
            .replace("{ loop { } }", "{ }");
        let tokens = |text: &str| -> TokenStream { text.parse().unwrap() };
        let stripped = without_bodies(tokens(text)).to_string();
        assert_eq!(stripped, tokens(&expected).to_string());
    }
}
