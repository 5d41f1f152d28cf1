//! `macro_rules!`, expanded: some public items are written by macros.
//!
//! Covers what such macros use: tokens, groups, repetitions and the common fragments, with greedy
//! matching. Anything else is an error that names the macro.

use std::collections::HashMap;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};

/// The macros of a crate, by name. Scopes are not kept: no two may share a name.
#[derive(Default)]
pub struct Macros(HashMap<String, Vec<Rule>>);

struct Rule {
    pattern: Vec<Part>,
    template: Vec<Part>,
}

/// A piece of a pattern or of a template.
enum Part {
    Token(TokenTree),
    Group(Delimiter, Vec<Part>),
    /// `$name`; its fragment stands in patterns only.
    Variable(String, String),
    Repeat {
        parts: Vec<Part>,
        separator: Option<TokenTree>,
        once: bool,
    },
}

/// What a variable stands for.
#[derive(Clone)]
enum Binding {
    Tokens(Vec<TokenTree>),
    Many(Vec<Binding>),
}

type Bindings = HashMap<String, Binding>;

impl Macros {
    /// Adds the definition `macro_rules! name { body }`.
    pub fn define(&mut self, name: &str, body: TokenStream) -> Result<()> {
        let place = || format!("macro `{name}!`");
        let mut tokens = body.into_iter();
        let mut rules = Vec::new();
        while let Some(pattern) = tokens.next() {
            let arrow = tokens.by_ref().take(2).map(|token| token.to_string());
            let (TokenTree::Group(pattern), true) = (pattern, arrow.eq(["=", ">"])) else {
                bail!("{}: a rule must be `(…) => {{…}}`", place());
            };
            let Some(TokenTree::Group(template)) = tokens.next() else {
                bail!("{}: a rule must be `(…) => {{…}}`", place());
            };
            rules.push(Rule {
                pattern: parts(pattern.stream()).with_context(place)?,
                template: parts(template.stream()).with_context(place)?,
            });
            // The semicolon between two rules.
            tokens.next();
        }
        self.0.insert(name.to_owned(), rules);
        Ok(())
    }

    /// What `name! { input }` stands for.
    pub fn expand(&self, name: &str, input: TokenStream) -> Result<TokenStream> {
        let rules = self
            .0
            .get(name)
            .ok_or_else(|| anyhow!("macro `{name}!`: no definition was found"))?;
        let input: Vec<TokenTree> = input.into_iter().collect();
        for rule in rules {
            let mut bindings = Bindings::new();
            let used = matched(&rule.pattern, &input, &mut bindings)
                .with_context(|| format!("macro `{name}!`"))?;
            if used == Some(input.len()) {
                let mut output = TokenStream::new();
                return transcribe(&rule.template, &bindings, &mut output)
                    .with_context(|| format!("macro `{name}!`"))
                    .map(|()| output);
            }
        }
        bail!(
            "macro `{name}!`: no rule fits `{}`",
            TokenStream::from_iter(input)
        )
    }
}

/// Reads a pattern or a template.
fn parts(stream: TokenStream) -> Result<Vec<Part>> {
    let mut tokens = stream.into_iter().peekable();
    let mut parts_read = Vec::new();
    while let Some(token) = tokens.next() {
        let part = match token {
            TokenTree::Punct(punct) if punct.as_char() == '$' => match tokens.next() {
                // `$crate` is the crate in which all of this stands.
                Some(TokenTree::Ident(name)) if name == "crate" => Part::Token(name.into()),
                Some(TokenTree::Ident(name)) => {
                    Part::Variable(name.to_string(), fragment(&mut tokens))
                }
                Some(TokenTree::Group(group)) => repeat(group, &mut tokens)?,
                _ => bail!("`$` stands before nothing that it could belong to"),
            },
            TokenTree::Group(group) => Part::Group(group.delimiter(), parts(group.stream())?),
            other => Part::Token(other),
        };
        parts_read.push(part);
    }
    Ok(parts_read)
}

type Tokens = std::iter::Peekable<proc_macro2::token_stream::IntoIter>;

/// The fragment behind `$name:`; empty in a template.
///
/// A template may well have a colon there (`$field: $kind`), but never with an identifier at once.
fn fragment(tokens: &mut Tokens) -> String {
    let mut ahead = tokens.clone();
    match (ahead.next(), ahead.next()) {
        (Some(TokenTree::Punct(colon)), Some(TokenTree::Ident(fragment)))
            if colon.as_char() == ':' && FRAGMENTS.contains(&fragment.to_string().as_str()) =>
        {
            *tokens = ahead;
            fragment.to_string()
        }
        _ => String::new(),
    }
}

const FRAGMENTS: [&str; 15] = [
    "block",
    "expr",
    "expr_2021",
    "ident",
    "item",
    "lifetime",
    "literal",
    "meta",
    "pat",
    "pat_param",
    "path",
    "stmt",
    "tt",
    "ty",
    "vis",
];

/// The rest of `$(…) separator operator`.
fn repeat(group: Group, tokens: &mut Tokens) -> Result<Part> {
    let operator = |token: &TokenTree| matches!(token.to_string().as_str(), "*" | "+" | "?");
    let mut next = || tokens.next().context("`$(…)` lacks its `*`, `+` or `?`");
    let (separator, sign) = match next()? {
        sign if operator(&sign) => (None, sign),
        separator => (Some(separator), next()?),
    };
    Ok(Part::Repeat {
        parts: parts(group.stream())?,
        separator,
        once: sign.to_string() == "?",
    })
}

/// How many tokens of `input` the pattern takes, if it fits.
fn matched(
    pattern: &[Part],
    input: &[TokenTree],
    bindings: &mut Bindings,
) -> Result<Option<usize>> {
    let mut at = 0;
    for part in pattern {
        let rest = &input[at..];
        let used = match part {
            Part::Token(token) => rest
                .first()
                .filter(|found| found.to_string() == token.to_string())
                .map(|_| 1),
            Part::Group(delimiter, inner) => match rest.first() {
                Some(TokenTree::Group(group)) if group.delimiter() == *delimiter => {
                    let input: Vec<TokenTree> = group.stream().into_iter().collect();
                    let used = matched(inner, &input, bindings)?;
                    used.filter(|used| *used == input.len()).map(|_| 1)
                }
                _ => None,
            },
            Part::Variable(name, fragment) => {
                let used = fragment_length(fragment, rest)?;
                if let Some(used) = used {
                    bindings.insert(name.clone(), Binding::Tokens(rest[..used].to_vec()));
                }
                used
            }
            Part::Repeat { .. } => Some(repeated(part, rest, bindings)?),
        };
        match used {
            Some(used) => at += used,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// How many tokens a repetition takes: as many as it can.
fn repeated(repeat: &Part, input: &[TokenTree], bindings: &mut Bindings) -> Result<usize> {
    let Part::Repeat {
        parts,
        separator,
        once,
    } = repeat
    else {
        return Ok(0);
    };
    let mut rounds: Vec<Bindings> = Vec::new();
    let mut at = 0;
    while !(*once && rounds.len() == 1) {
        let mut start = at;
        if let (Some(separator), false) = (separator, rounds.is_empty()) {
            match input.get(at) {
                Some(found) if found.to_string() == separator.to_string() => start += 1,
                _ => break,
            }
        }
        let mut round = Bindings::new();
        match matched(parts, &input[start..], &mut round)? {
            Some(used) if used > 0 => at = start + used,
            _ => break,
        }
        rounds.push(round);
    }
    for name in variables(parts) {
        let many = rounds
            .iter_mut()
            .filter_map(|round| round.remove(name))
            .collect();
        bindings.insert(name.to_owned(), Binding::Many(many));
    }
    Ok(at)
}

/// The variables in a part of a pattern or template.
fn variables(parts: &[Part]) -> Vec<&str> {
    let mut found = Vec::new();
    for part in parts {
        match part {
            Part::Token(_) => {}
            Part::Variable(name, _) => found.push(name.as_str()),
            Part::Group(_, parts) | Part::Repeat { parts, .. } => found.extend(variables(parts)),
        }
    }
    found
}

/// How many tokens at the start of `input` are one fragment.
fn fragment_length(fragment: &str, input: &[TokenTree]) -> Result<Option<usize>> {
    let one = |fits: bool| fits.then_some(1);
    Ok(match fragment {
        "ident" => one(matches!(input.first(), Some(TokenTree::Ident(_)))),
        "tt" => one(!input.is_empty()),
        "block" => one(matches!(
            input.first(),
            Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace
        )),
        "literal" => parsed_length::<syn::Lit>(input),
        "lifetime" => parsed_length::<syn::Lifetime>(input),
        "ty" => parsed_length::<syn::Type>(input),
        "path" => parsed_length::<syn::Path>(input),
        "expr" | "expr_2021" => parsed_length::<syn::Expr>(input),
        "meta" => parsed_length::<syn::Meta>(input),
        "vis" => parsed_length::<syn::Visibility>(input),
        other => bail!("the fragment `{other}` is not supported"),
    })
}

fn parsed_length<T: Parse>(input: &[TokenTree]) -> Option<usize> {
    let rest = |stream: ParseStream<'_>| {
        stream.parse::<T>()?;
        stream.parse::<TokenStream>()
    };
    let rest = rest.parse2(input.iter().cloned().collect()).ok()?;
    Some(input.len() - rest.into_iter().count())
}

/// Writes a template with its variables filled in.
fn transcribe(template: &[Part], bindings: &Bindings, output: &mut TokenStream) -> Result<()> {
    for part in template {
        match part {
            Part::Token(token) => output.extend([token.clone()]),
            Part::Group(delimiter, parts) => {
                let mut inner = TokenStream::new();
                transcribe(parts, bindings, &mut inner)?;
                output.extend([TokenTree::from(Group::new(*delimiter, inner))]);
            }
            Part::Variable(name, _) => match bindings.get(name) {
                Some(Binding::Tokens(tokens)) => output.extend(tokens.iter().cloned()),
                Some(Binding::Many(_)) => bail!("`${name}` is used outside its repetition"),
                None => bail!("`${name}` is not in the pattern"),
            },
            Part::Repeat {
                parts, separator, ..
            } => {
                for (index, round) in rounds(parts, bindings)?.iter().enumerate() {
                    if index > 0 {
                        output.extend(separator.clone());
                    }
                    transcribe(parts, round, output)?;
                }
            }
        }
    }
    Ok(())
}

/// The bindings of each round of a repetition.
fn rounds(parts: &[Part], bindings: &Bindings) -> Result<Vec<Bindings>> {
    let used = variables(parts);
    let count = used.iter().find_map(|name| match bindings.get(*name) {
        Some(Binding::Many(many)) => Some(many.len()),
        _ => None,
    });
    let count = count.context("a repetition has no variable that repeats")?;
    let round = |index: usize| {
        let of = |name: &&str| match bindings.get(*name)? {
            Binding::Many(many) => Some(((*name).to_owned(), many.get(index)?.clone())),
            tokens => Some(((*name).to_owned(), tokens.clone())),
        };
        used.iter().filter_map(of).collect()
    };
    Ok((0..count).map(round).collect())
}

/// Reads tokens, for the texts of macros.
pub fn lex(text: &str) -> Result<TokenStream> {
    TokenStream::from_str(text).map_err(|error| anyhow!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::super::tokens::{pieces, write};
    use super::*;

    /// What `name! { input }` becomes by the rules in `body`.
    fn expanded(body: &str, input: &str) -> Result<String> {
        let mut macros = Macros::default();
        macros.define("name", lex(body)?)?;
        Ok(write(&pieces(macros.expand("name", lex(input)?)?)))
    }

    fn assert_expands(body: &str, input: &str, output: &str) {
        assert_eq!(
            expanded(body, input).unwrap(),
            write(&pieces(lex(output).unwrap()))
        );
    }

    #[test]
    fn fragments_and_groups_are_filled_in() {
        assert_expands(
            "($name:ident is $kind:ty, $text:literal) => { type $name = ($kind, $crate::T); }",
            "A is Vec<&'static str>, \"x\"",
            "type A = (Vec<&'static str>, crate::T);",
        );
    }

    #[test]
    fn repetitions_may_be_nested_separated_or_absent() {
        let body = "($(#[$meta:meta])* $($name:ident { $($field:ident: $kind:ty),* })+ $(, $last:ident)?) \
                    => { $(struct $name { $($field: $kind,)* })+ $(use $last;)? }";
        assert_expands(
            body,
            "#[doc = \"x\"] A { a: u8, b: Vec<u8> } B { }, c",
            "struct A { a: u8, b: Vec<u8>, } struct B { } use c;",
        );
        assert_expands(body, "A { }", "struct A { }");
    }

    #[test]
    fn the_first_rule_that_fits_counts() {
        let body = "(one) => { 1 }; ($($rest:tt)*) => { [$($rest)*] };";
        assert_expands(body, "one", "1");
        assert_expands(body, "one two", "[one two]");
    }

    #[test]
    fn what_fits_no_rule_or_is_not_known_is_named() {
        let refused = |body, input| format!("{:#}", expanded(body, input).unwrap_err());
        assert_eq!(
            refused("(one) => {}", "two"),
            "macro `name!`: no rule fits `two`"
        );
        assert_eq!(
            refused("($pattern:pat) => {}", "x"),
            "macro `name!`: the fragment `pat` is not supported"
        );
        let unknown = Macros::default().expand("other", TokenStream::new());
        let problem = unknown.unwrap_err().to_string();
        assert_eq!(problem, "macro `other!`: no definition was found");
    }
}
