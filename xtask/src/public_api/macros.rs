//! Expands `macro_rules!`, because macros define some of the public items.
//!
//! Supports tokens, groups, repetitions and the common fragments, with greedy matching. Anything
//! else is an error that names the macro.

use std::collections::HashMap;
use std::str::FromStr;

use anyhow::{Context, Result, anyhow, bail};
use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use syn::parse::{Parse, ParseStream, Parser};

/// The macros of a crate, by name. Scopes are ignored, so names must be unique.
#[derive(Default)]
pub struct Macros(HashMap<String, Vec<Rule>>);

struct Rule {
    pattern: Vec<Part>,
    template: Vec<Part>,
}

/// A part of a pattern or template.
enum Part {
    Token(TokenTree),
    Group(Delimiter, Vec<Part>),
    /// `$name`; the fragment is empty in templates.
    Variable(String, String),
    Repeat {
        parts: Vec<Part>,
        separator: Option<TokenTree>,
        at_most_once: bool,
    },
}

/// The value of a variable.
#[derive(Clone)]
enum Binding {
    Tokens(Vec<TokenTree>),
    Repeated(Vec<Binding>),
}

type Bindings = HashMap<String, Binding>;

impl Macros {
    /// Adds the definition `macro_rules! name { body }`.
    pub fn define(&mut self, name: &str, body: TokenStream) -> Result<()> {
        let context = || format!("macro `{name}!`");
        let mut tokens = body.into_iter();
        let mut rules = Vec::new();
        while let Some(pattern) = tokens.next() {
            let arrow = tokens.by_ref().take(2).map(|token| token.to_string());
            let (TokenTree::Group(pattern), true) = (pattern, arrow.eq(["=", ">"])) else {
                bail!("{}: expected a rule of the form `(…) => {{…}}`", context());
            };
            let Some(TokenTree::Group(template)) = tokens.next() else {
                bail!("{}: expected a rule of the form `(…) => {{…}}`", context());
            };
            rules.push(Rule {
                pattern: parse_parts(pattern.stream()).with_context(context)?,
                template: parse_parts(template.stream()).with_context(context)?,
            });
            // Skips the semicolon between two rules.
            tokens.next();
        }
        self.0.insert(name.to_owned(), rules);
        Ok(())
    }

    /// Expands `name! { input }`.
    pub fn expand(&self, name: &str, input: TokenStream) -> Result<TokenStream> {
        let rules = self
            .0
            .get(name)
            .ok_or_else(|| anyhow!("macro `{name}!`: definition not found"))?;
        let input: Vec<TokenTree> = input.into_iter().collect();
        for rule in rules {
            let mut bindings = Bindings::new();
            let used = match_parts(&rule.pattern, &input, &mut bindings)
                .with_context(|| format!("macro `{name}!`"))?;
            if used == Some(input.len()) {
                let mut output = TokenStream::new();
                return transcribe(&rule.template, &bindings, &mut output)
                    .with_context(|| format!("macro `{name}!`"))
                    .map(|()| output);
            }
        }
        bail!(
            "macro `{name}!`: no rule matches `{}`",
            TokenStream::from_iter(input)
        )
    }
}

/// Parses a pattern or a template.
fn parse_parts(stream: TokenStream) -> Result<Vec<Part>> {
    let mut tokens = stream.into_iter().peekable();
    let mut parsed = Vec::new();
    while let Some(token) = tokens.next() {
        let part = match token {
            TokenTree::Punct(punct) if punct.as_char() == '$' => match tokens.next() {
                // `$crate` is always the crate that is being read.
                Some(TokenTree::Ident(name)) if name == "crate" => Part::Token(name.into()),
                Some(TokenTree::Ident(name)) => {
                    Part::Variable(name.to_string(), parse_fragment(&mut tokens))
                }
                Some(TokenTree::Group(group)) => parse_repeat(group, &mut tokens)?,
                _ => bail!("expected a variable or a group after `$`"),
            },
            TokenTree::Group(group) => Part::Group(group.delimiter(), parse_parts(group.stream())?),
            other => Part::Token(other),
        };
        parsed.push(part);
    }
    Ok(parsed)
}

type Tokens = std::iter::Peekable<proc_macro2::token_stream::IntoIter>;

/// Parses the fragment after `$name:`; empty in a template.
///
/// A template may have a colon there (`$field: $kind`), but never directly followed by an
/// identifier.
fn parse_fragment(tokens: &mut Tokens) -> String {
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

/// Parses the rest of `$(…) separator operator`.
fn parse_repeat(group: Group, tokens: &mut Tokens) -> Result<Part> {
    let operator = |token: &TokenTree| matches!(token.to_string().as_str(), "*" | "+" | "?");
    let mut next = || {
        tokens
            .next()
            .context("expected `*`, `+` or `?` after `$(…)`")
    };
    let (separator, sign) = match next()? {
        sign if operator(&sign) => (None, sign),
        separator => (Some(separator), next()?),
    };
    Ok(Part::Repeat {
        parts: parse_parts(group.stream())?,
        separator,
        at_most_once: sign.to_string() == "?",
    })
}

/// Returns how many tokens of `input` the pattern matches, or `None`.
fn match_parts(
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
                    let used = match_parts(inner, &input, bindings)?;
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
            Part::Repeat { .. } => Some(match_repetition(part, rest, bindings)?),
        };
        match used {
            Some(used) => at += used,
            None => return Ok(None),
        }
    }
    Ok(Some(at))
}

/// Returns how many tokens a repetition matches; matching is greedy.
fn match_repetition(repeat: &Part, input: &[TokenTree], bindings: &mut Bindings) -> Result<usize> {
    let Part::Repeat {
        parts,
        separator,
        at_most_once,
    } = repeat
    else {
        return Ok(0);
    };
    let mut iterations: Vec<Bindings> = Vec::new();
    let mut at = 0;
    while !(*at_most_once && iterations.len() == 1) {
        let mut start = at;
        if let (Some(separator), false) = (separator, iterations.is_empty()) {
            match input.get(at) {
                Some(found) if found.to_string() == separator.to_string() => start += 1,
                _ => break,
            }
        }
        let mut iteration = Bindings::new();
        match match_parts(parts, &input[start..], &mut iteration)? {
            Some(used) if used > 0 => at = start + used,
            _ => break,
        }
        iterations.push(iteration);
    }
    for name in variables(parts) {
        let many = iterations
            .iter_mut()
            .filter_map(|iteration| iteration.remove(name))
            .collect();
        bindings.insert(name.to_owned(), Binding::Repeated(many));
    }
    Ok(at)
}

/// Returns the variables in a pattern or template.
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

/// Returns how many tokens at the start of `input` form the fragment.
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
        other => bail!("fragment `{other}` is not supported"),
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

/// Writes a template with its variables replaced.
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
                Some(Binding::Repeated(_)) => bail!("`${name}` is used outside its repetition"),
                None => bail!("`${name}` is not defined by the pattern"),
            },
            Part::Repeat {
                parts, separator, ..
            } => {
                for (index, iteration) in iterations(parts, bindings)?.iter().enumerate() {
                    if index > 0 {
                        output.extend(separator.clone());
                    }
                    transcribe(parts, iteration, output)?;
                }
            }
        }
    }
    Ok(())
}

/// Returns the bindings for each iteration of a repetition.
fn iterations(parts: &[Part], bindings: &Bindings) -> Result<Vec<Bindings>> {
    let used = variables(parts);
    let count = used.iter().find_map(|name| match bindings.get(*name) {
        Some(Binding::Repeated(many)) => Some(many.len()),
        _ => None,
    });
    let count = count.context("a repetition contains no repeated variable")?;
    let iteration = |index: usize| {
        let of = |name: &&str| match bindings.get(*name)? {
            Binding::Repeated(many) => Some(((*name).to_owned(), many.get(index)?.clone())),
            tokens => Some(((*name).to_owned(), tokens.clone())),
        };
        used.iter().filter_map(of).collect()
    };
    Ok((0..count).map(iteration).collect())
}

/// Parses a string into tokens.
pub fn lex(text: &str) -> Result<TokenStream> {
    TokenStream::from_str(text).map_err(|error| anyhow!("{error}"))
}

#[cfg(test)]
mod tests {
    use super::super::tokens::{format, lexemes};
    use super::*;

    /// Expands `name! { input }` by the rules in `body`.
    fn expanded(body: &str, input: &str) -> Result<String> {
        let mut macros = Macros::default();
        macros.define("name", lex(body)?)?;
        Ok(format(&lexemes(macros.expand("name", lex(input)?)?)))
    }

    fn assert_expands(body: &str, input: &str, output: &str) {
        assert_eq!(
            expanded(body, input).unwrap(),
            format(&lexemes(lex(output).unwrap()))
        );
    }

    #[test]
    fn fragments_and_groups_are_expanded() {
        assert_expands(
            "($name:ident is $kind:ty, $text:literal) => { type $name = ($kind, $crate::T); }",
            "A is Vec<&'static str>, \"x\"",
            "type A = (Vec<&'static str>, crate::T);",
        );
    }

    #[test]
    fn nested_separated_and_empty_repetitions_are_expanded() {
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
    fn first_matching_rule_is_used() {
        let body = "(one) => { 1 }; ($($rest:tt)*) => { [$($rest)*] };";
        assert_expands(body, "one", "1");
        assert_expands(body, "one two", "[one two]");
    }

    #[test]
    fn unsupported_macro_call_is_named_in_the_error() {
        let error = |body, input| format!("{:#}", expanded(body, input).unwrap_err());
        assert_eq!(
            error("(one) => {}", "two"),
            "macro `name!`: no rule matches `two`"
        );
        assert_eq!(
            error("($pattern:pat) => {}", "x"),
            "macro `name!`: fragment `pat` is not supported"
        );
        let unknown = Macros::default().expand("other", TokenStream::new());
        let problem = unknown.unwrap_err().to_string();
        assert_eq!(problem, "macro `other!`: definition not found");
    }
}
