//! Tokens: what is dropped before parsing, and how they are written.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

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
}
