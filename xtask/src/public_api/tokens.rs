//! Splits tokens into lexemes and formats them.

use proc_macro2::{Delimiter, TokenStream, TokenTree};

/// A unit that is written without spaces inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lexeme {
    /// A name, a number or a lifetime.
    Word(String),
    /// Punctuation or a bracket.
    Symbol(&'static str),
    /// Punctuation that does not affect spacing.
    Other(char),
}

const SYMBOLS: [&str; 18] = [
    "<", ">", ",", ";", ":", "=", "+", "&", "*", "?", "!", "#", "(", ")", "[", "]", "{", "}",
];

/// Splits tokens into lexemes; joins two-character symbols and lifetimes.
pub fn lexemes(stream: TokenStream) -> Vec<Lexeme> {
    let mut lexemes = Vec::new();
    flatten(stream, &mut lexemes);
    lexemes
}

fn flatten(stream: TokenStream, lexemes: &mut Vec<Lexeme>) {
    let mut tokens = stream.into_iter().peekable();
    while let Some(token) = tokens.next() {
        match token {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::None => {
                        flatten(group.stream(), lexemes);
                        continue;
                    }
                };
                lexemes.push(Lexeme::Symbol(open));
                flatten(group.stream(), lexemes);
                lexemes.push(Lexeme::Symbol(close));
            }
            TokenTree::Punct(punct) => {
                let next = match tokens.peek() {
                    Some(TokenTree::Punct(next)) => next.as_char().to_string(),
                    Some(TokenTree::Ident(ident)) if punct.as_char() == '\'' => ident.to_string(),
                    _ => String::new(),
                };
                let lexeme = match (punct.as_char(), next.as_str()) {
                    (':', ":") => Lexeme::Symbol("::"),
                    ('-', ">") => Lexeme::Symbol("->"),
                    ('\'', name) if !name.is_empty() => Lexeme::Word(format!("'{name}")),
                    (symbol, _) => {
                        let known = SYMBOLS.iter().find(|known| known.starts_with(symbol));
                        lexemes.push(
                            known.map_or(Lexeme::Other(symbol), |known| Lexeme::Symbol(known)),
                        );
                        continue;
                    }
                };
                tokens.next();
                lexemes.push(lexeme);
            }
            other => lexemes.push(Lexeme::Word(other.to_string())),
        }
    }
}

/// Formats the lexemes of a type or a signature on one line, like rustfmt.
pub fn format(lexemes: &[Lexeme]) -> String {
    let mut text = String::new();
    let mut last: Option<&Lexeme> = None;
    for lexeme in lexemes {
        if last.is_some_and(|last| needs_space(last, lexeme)) {
            text.push(' ');
        }
        match lexeme {
            Lexeme::Word(word) => text.push_str(word),
            Lexeme::Symbol(symbol) => text.push_str(symbol),
            Lexeme::Other(symbol) => text.push(*symbol),
        }
        last = Some(lexeme);
    }
    text
}

fn needs_space(last: &Lexeme, next: &Lexeme) -> bool {
    use Lexeme::{Symbol, Word};
    match (last, next) {
        (_, Symbol("," | ";" | ":" | "::" | ">" | ")" | "]")) => false,
        (Symbol("," | ";" | ":" | "=" | "+" | "->"), _) => true,
        (_, Symbol("=" | "+" | "->" | "{" | "}")) => true,
        (Symbol("<" | "(" | "[" | "&" | "*" | "::" | "!" | "?" | "#"), _) => false,
        (Word(_) | Symbol(">"), Symbol("<" | "(")) => false,
        _ => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_formatted_like_rustfmt() {
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
            assert_eq!(format(&lexemes(tokens)), text);
        }
    }
}
