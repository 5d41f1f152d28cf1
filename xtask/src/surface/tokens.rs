//! Tokens: what is dropped before parsing, and how they are written.

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};

/// The same tokens with empty bodies of functions: a surface ends at the signature, and most of the
/// time to parse goes into bodies. Definitions of macros stay whole.
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

/// A piece of text that is written without a break.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// A name, a number, a lifetime.
    Word(String),
    /// Punctuation or a bracket.
    Sign(&'static str),
    /// Punctuation that means nothing to the spacing.
    Other(char),
}

const SIGNS: [&str; 18] = [
    "<", ">", ",", ";", ":", "=", "+", "&", "*", "?", "!", "#", "(", ")", "[", "]", "{", "}",
];

/// Takes tokens apart, with signs of two characters and lifetimes put together.
pub fn pieces(stream: TokenStream) -> Vec<Piece> {
    let mut pieces = Vec::new();
    flatten(stream, &mut pieces);
    pieces
}

fn flatten(stream: TokenStream, pieces: &mut Vec<Piece>) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => {
                        flatten(group.stream(), pieces);
                        continue;
                    }
                };
                pieces.push(Piece::Sign(open));
                flatten(group.stream(), pieces);
                pieces.push(Piece::Sign(close));
            }
            TokenTree::Punct(punct) => {
                let next = match tokens.peek() {
                    Some(TokenTree::Punct(next)) => next.as_char().to_string(),
                    Some(TokenTree::Ident(ident)) if punct.as_char() == '\'' => ident.to_string(),
                    _ => String::new(),
                };
                let piece = match (punct.as_char(), next.as_str()) {
                    (':', ":") => Piece::Sign("::"),
                    ('-', ">") => Piece::Sign("->"),
                    ('\'', name) if !name.is_empty() => Piece::Word(format!("'{name}")),
                    (sign, _) => {
                        let known = SIGNS.iter().find(|known| known.starts_with(sign));
                        pieces.push(known.map_or(Piece::Other(sign), |known| Piece::Sign(known)));
                        continue;
                    }
                };
                tokens.next();
                pieces.push(piece);
            }
            other => pieces.push(Piece::Word(other.to_string())),
        }
    }
}

/// Writes pieces of a type or a signature on one line, as rustfmt would.
pub fn write(pieces: &[Piece]) -> String {
    let mut text = String::new();
    let mut last: Option<&Piece> = None;
    for piece in pieces {
        if last.is_some_and(|last| has_space(last, piece)) {
            text.push(' ');
        }
        match piece {
            Piece::Word(word) => text.push_str(word),
            Piece::Sign(sign) => text.push_str(sign),
            Piece::Other(sign) => text.push(*sign),
        }
        last = Some(piece);
    }
    text
}

fn has_space(last: &Piece, next: &Piece) -> bool {
    use Piece::{Sign, Word};
    match (last, next) {
        (_, Sign("," | ";" | ":" | "::" | ">" | ")" | "]")) => false,
        (Sign("," | ";" | ":" | "=" | "+" | "->"), _) => true,
        (_, Sign("=" | "+" | "->" | "{" | "}")) => true,
        (Sign("<" | "(" | "[" | "&" | "*" | "::" | "!" | "?" | "#"), _) => false,
        (Word(_) | Sign(">"), Sign("<" | "(")) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_written_as_rustfmt_would() {
        for text in [
            "&'static [&'a mut str; 4]",
            "Option<Vec<std::io::Error>>",
            "impl IntoIterator<Item = impl Into<String>> + Send + 'static",
            "<T: Into<A> + ?Sized, const N: usize>",
            "fn(&A, B) -> Result<(), C>",
            "for<'de> dyn Fn(&'de str) -> <T as Trait>::Item",
            "*const u8",
        ] {
            let tokens: TokenStream = text.parse().unwrap();
            assert_eq!(write(&pieces(tokens)), text);
        }
    }

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
