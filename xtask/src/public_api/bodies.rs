//! Removes function bodies before parsing.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// Empties all function bodies, because parsing them takes most of the time and only signatures are
/// needed. Macro definitions are kept.
pub fn without_bodies(stream: TokenStream) -> TokenStream {
    let mut last_ident = String::new();
    let mut in_signature = false;
    let mut in_definition = false;
    let strip = |token: TokenTree| {
        // A function pointer type has no name after its `fn`, and no body.
        in_signature |= last_ident == "fn" && matches!(&token, TokenTree::Ident(_));
        last_ident.clear();
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
            TokenTree::Ident(ident) => {
                last_ident = ident.to_string();
                in_definition |= last_ident == "macro_rules";
                ident.into()
            }
            TokenTree::Punct(punct) => {
                in_signature &= punct.as_char() != ';';
                punct.into()
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
    fn only_function_bodies_are_emptied() {
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
