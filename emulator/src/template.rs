//! Prompt templates, in the subset of Mustache that prompts use.
//!
//! Supported are variables `{{name}}` (also `{{{name}}}` and `{{&name}}`), sections
//! `{{#name}}…{{/name}}` over lists and conditions, inverted sections `{{^name}}`, partials
//! `{{>slug}}` and comments `{{!…}}`. Names may contain dots; `.` is the current item. Values are
//! not escaped, since prompts are not HTML.
//!
//! Written by hand: the crates for Mustache neither list the names that a template uses nor limit
//! the work of nested sections and recursive partials.

use serde_json::Value;

/// The maximum nesting depth of partials, and of sections.
const MAX_DEPTH: usize = 32;

/// The maximum work of one rendering, in bytes and steps. Nested sections and partials can multiply
/// the size of the output.
const MAX_WORK: usize = 4 * 1024 * 1024;

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Variable(String),
    Section {
        name: String,
        inverted: bool,
        parts: Vec<Part>,
    },
    Partial(String),
}

/// A parsed template.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Template(Vec<Part>);

/// The names that a template uses, each once, in order.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct TemplateReferences {
    pub(crate) variables: Vec<String>,
    pub(crate) sections: Vec<String>,
    /// Variables inside sections.
    pub(crate) section_variables: Vec<String>,
    pub(crate) partials: Vec<String>,
}

impl Template {
    /// Parses a template. An unclosed tag is literal text, an unmatched closing tag is ignored, and
    /// an unclosed section extends to the end.
    pub(crate) fn parse(template: &str) -> Self {
        // The innermost open section is the last item.
        let mut open: Vec<(String, bool)> = Vec::new();
        let mut parts: Vec<Vec<Part>> = vec![Vec::new()];
        let mut rest = template;
        while let Some((before, tag, after)) = next_tag(rest) {
            push(&mut parts, Part::Text(before.to_owned()));
            rest = after;
            let (kind, name) = split_tag(tag);
            match kind {
                '#' | '^' if open.len() < MAX_DEPTH => {
                    open.push((name, kind == '^'));
                    parts.push(Vec::new());
                }
                '/' if open.last().is_some_and(|(section, _)| *section == name) => {
                    close(&mut open, &mut parts);
                }
                '>' => push(&mut parts, Part::Partial(name)),
                '=' => push(&mut parts, Part::Variable(name)),
                _ => {}
            }
        }
        push(&mut parts, Part::Text(rest.to_owned()));
        while !open.is_empty() {
            close(&mut open, &mut parts);
        }
        Self(parts.pop().unwrap_or_default())
    }

    /// Renders the template; `partial` returns the template of a partial.
    pub(crate) fn render<'a>(
        &self,
        variables: &Value,
        partial: &dyn Fn(&str) -> Option<&'a str>,
    ) -> String {
        let mut out = String::new();
        let mut renderer = Renderer {
            scopes: vec![variables],
            partial,
            depth: 0,
            work: MAX_WORK,
        };
        renderer.parts(&self.0, &mut out);
        out
    }

    /// Returns the names that the template uses.
    pub(crate) fn references(&self) -> TemplateReferences {
        let mut references = TemplateReferences::default();
        references.collect(&self.0, false);
        references
    }
}

impl TemplateReferences {
    fn collect(&mut self, parts: &[Part], inside: bool) {
        for part in parts {
            let (list, name) = match part {
                Part::Text(_) => continue,
                Part::Variable(name) if inside => (&mut self.section_variables, name),
                Part::Variable(name) => (&mut self.variables, name),
                Part::Partial(name) => (&mut self.partials, name),
                Part::Section { name, .. } => (&mut self.sections, name),
            };
            if !list.contains(name) {
                list.push(name.clone());
            }
            if let Part::Section { parts, .. } = part {
                self.collect(parts, true);
            }
        }
    }
}

/// Returns the text before the next tag, the tag without its braces, and the text after it.
fn next_tag(template: &str) -> Option<(&str, &str, &str)> {
    let (before, rest) = template.split_once("{{")?;
    let (ending, rest) = match rest.strip_prefix('{') {
        Some(rest) => ("}}}", rest),
        None => ("}}", rest),
    };
    let (tag, after) = rest.split_once(ending)?;
    Some((before, tag, after))
}

/// Returns the kind of a tag (`=` for a variable, `!` for a comment or an empty tag) and its name.
fn split_tag(tag: &str) -> (char, String) {
    let tag = tag.trim();
    match tag.chars().next() {
        Some(kind @ ('#' | '^' | '/' | '>' | '!')) => (kind, tag[1..].trim().to_owned()),
        Some('&') => ('=', tag[1..].trim().to_owned()),
        Some(_) => ('=', tag.to_owned()),
        None => ('!', String::new()),
    }
}

fn push(parts: &mut [Vec<Part>], part: Part) {
    if let (Some(last), false) = (parts.last_mut(), part == Part::Text(String::new())) {
        last.push(part);
    }
}

fn close(open: &mut Vec<(String, bool)>, parts: &mut Vec<Vec<Part>>) {
    if let (Some((name, inverted)), Some(inner)) = (open.pop(), parts.pop()) {
        let section = Part::Section {
            name,
            inverted,
            parts: inner,
        };
        push(parts, section);
    }
}

struct Renderer<'v, 'a> {
    /// The scopes in which names are looked up, innermost last.
    scopes: Vec<&'v Value>,
    partial: &'v dyn Fn(&str) -> Option<&'a str>,
    depth: usize,
    /// The remaining work.
    work: usize,
}

impl<'v> Renderer<'v, '_> {
    fn parts(&mut self, parts: &[Part], out: &mut String) {
        for part in parts {
            if !self.spend(1) {
                return;
            }
            match part {
                Part::Text(text) => self.write(text, out),
                Part::Variable(name) => self.write(&to_string(self.find(name)), out),
                Part::Partial(slug) => self.partial(slug, out),
                Part::Section {
                    name,
                    inverted,
                    parts,
                } => self.section(self.find(name), *inverted, parts, out),
            }
        }
    }

    /// Deducts work; returns whether enough was left.
    fn spend(&mut self, work: usize) -> bool {
        let enough = self.work >= work;
        self.work = self.work.saturating_sub(work);
        enough
    }

    fn write(&mut self, text: &str, out: &mut String) {
        if self.spend(text.len()) {
            out.push_str(text);
        }
    }

    fn partial(&mut self, slug: &str, out: &mut String) {
        if self.depth == MAX_DEPTH {
            return;
        }
        let template = (self.partial)(slug).filter(|template| self.spend(template.len()));
        if let Some(template) = template {
            self.depth += 1;
            self.parts(&Template::parse(template).0, out);
            self.depth -= 1;
        }
    }

    fn section(
        &mut self,
        value: Option<&'v Value>,
        inverted: bool,
        parts: &[Part],
        out: &mut String,
    ) {
        let Some(value) = value.filter(|value| is_truthy(value)) else {
            if inverted {
                self.parts(parts, out);
            }
            return;
        };
        if inverted {
            return;
        }
        let items = match value {
            Value::Array(items) => items.as_slice(),
            single => std::slice::from_ref(single),
        };
        for item in items {
            if !self.spend(1) {
                return;
            }
            self.scopes.push(item);
            self.parts(parts, out);
            self.scopes.pop();
        }
    }

    fn find(&self, name: &str) -> Option<&'v Value> {
        if name == "." {
            return self.scopes.last().copied();
        }
        let mut path = name.split('.');
        let first = path.next()?;
        let start = self
            .scopes
            .iter()
            .rev()
            .find_map(|scope| scope.get(first))?;
        path.try_fold(start, |value, key| value.get(key))
    }
}

/// Returns whether a section for this value is rendered.
fn is_truthy(value: &Value) -> bool {
    match value {
        Value::Null | Value::Bool(false) => false,
        Value::Array(items) => !items.is_empty(),
        Value::String(string) => !string.is_empty(),
        _ => true,
    }
}

fn to_string(value: Option<&Value>) -> String {
    match value {
        None | Some(Value::Null) => String::new(),
        Some(Value::String(string)) => string.clone(),
        Some(other) => other.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::{MAX_WORK, Template};

    fn render(template: &str, variables: &Value) -> String {
        let partial = |slug: &str| match slug {
            "sign" => Some("-- {{name}}"),
            "loop" => Some("x{{>loop}}{{>loop}}"),
            _ => None,
        };
        Template::parse(template).render(variables, &partial)
    }

    #[test]
    fn templates_are_rendered() {
        let variables = json!({"name": "A", "n": 2, "list": [{"x": 1}, {"x": 2}], "on": true, "off": false,
            "deep": {"er": "D"}, "words": ["a", "b"], "none": []});
        let cases = [
            (
                "Hi {{name}}, {{ n }} {{{name}}} {{&name}} {{missing}}.",
                "Hi A, 2 A A .",
            ),
            ("{{#list}}[{{x}}{{name}}]{{/list}}", "[1A][2A]"),
            ("{{#words}}{{.}},{{/words}}", "a,b,"),
            (
                "{{#on}}yes{{/on}}{{#off}}no{{/off}}{{^off}}not{{/off}}{{^none}}empty{{/none}}",
                "yesnotempty",
            ),
            ("{{deep.er}}{{#deep}}{{er}}{{/deep}}{{! nothing }}", "DD"),
            ("{{>sign}} {{> missing }}!", "-- A !"),
            ("{{#on}}open", "open"),
            ("{{/on}}{{name", "{{name"),
            ("{{#a}}{{/b}}{{/a}}é{{}}", "é"),
        ];
        for (template, expected) in cases {
            assert_eq!(render(template, &variables), expected, "{template}");
        }
    }

    #[test]
    fn recursion_and_size_are_bounded() {
        assert!(render("{{>loop}}", &json!({})).len() <= MAX_WORK);
        let deep = "{{#a}}".repeat(100_000);
        assert_eq!(render(&deep, &json!({"a": [1, 2]})), "");
    }

    #[test]
    fn names_are_listed_once() {
        let references =
            Template::parse("{{a}} {{ b }} {{a}} {{#s}}{{c}}{{/s}}{{>p}} {{c").references();
        assert_eq!(references.variables, ["a", "b"]);
        assert_eq!(
            (references.sections, references.section_variables),
            (vec!["s".to_owned()], vec!["c".to_owned()])
        );
        assert_eq!(references.partials, ["p"]);
    }
}
