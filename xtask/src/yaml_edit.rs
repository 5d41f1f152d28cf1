//! Removes parts of a YAML text and leaves everything else as it is: comments, order and layout.
//!
//! The parts are found by the positions of the parser, and only their text is removed. (`yamlpatch`
//! cannot remove an entry of a map in braces.)

use anyhow::{Context, Result, bail};
use portkey_admin_codegen::overlay::Step;
use saphyr_parser::{Event, Parser, Span};

/// Removes parts, given by the steps that lead to them, and the comments directly above them. A map
/// or list of which nothing is left is removed as well. Returns `None` if nothing is left.
pub fn remove(text: &str, parts: &[&[Step]]) -> Result<Option<String>> {
    let root = parse(text)?;
    let mut removal = Removal {
        text,
        ranges: Vec::new(),
    };
    if removal.collect(&root, parts, text.len())? {
        return Ok(None);
    }
    removal.ranges.sort_unstable();
    let mut rest = String::with_capacity(text.len());
    let mut position = 0;
    for (start, end) in removal.ranges {
        rest.push_str(text.get(position..start).unwrap_or_default());
        position = position.max(end);
    }
    rest.push_str(&text[position..]);
    Ok(Some(rest))
}

/// A node and its position, in bytes.
struct Node {
    start: usize,
    end: usize,
    /// The text of a scalar.
    text: String,
    children: Vec<Child>,
}

/// An entry of a map or list.
struct Child {
    step: Step,
    start: usize,
    value: Node,
}

fn parse(text: &str) -> Result<Node> {
    let offsets: Vec<usize> = text
        .char_indices()
        .map(|(offset, _)| offset)
        .chain([text.len()])
        .collect();
    let mut events = Vec::new();
    for event in Parser::new_from_str(text) {
        let (event, span) = event.context("cannot be parsed")?;
        if !matches!(
            event,
            Event::StreamStart | Event::StreamEnd | Event::DocumentStart(_) | Event::DocumentEnd
        ) {
            events.push((event, span));
        }
    }
    let mut events = events.into_iter();
    let root = Tree { offsets }.node(&mut events)?;
    match events.next() {
        None => Ok(root),
        Some(_) => bail!("has several documents"),
    }
}

/// Builds nodes from events.
struct Tree {
    /// The position in bytes of each character.
    offsets: Vec<usize>,
}

impl Tree {
    fn node<'a>(&self, events: &mut impl Iterator<Item = (Event<'a>, Span)>) -> Result<Node> {
        let next = events.next().context("ends early")?;
        self.node_at(next, events)
    }

    fn node_at<'a>(
        &self,
        (event, span): (Event<'a>, Span),
        events: &mut impl Iterator<Item = (Event<'a>, Span)>,
    ) -> Result<Node> {
        let mut node = Node {
            start: self.offset(span.start.index()),
            end: 0,
            text: String::new(),
            children: Vec::new(),
        };
        let mut end = span.end;
        match event {
            Event::Scalar(text, ..) => node.text = text.into_owned(),
            Event::Alias(_) => {}
            Event::SequenceStart(..) => loop {
                match events.next().context("ends early")? {
                    (Event::SequenceEnd, span) => {
                        end = span.end;
                        break;
                    }
                    next => {
                        let value = self.node_at(next, events)?;
                        let (step, start) = (Step::Index(node.children.len()), value.start);
                        node.children.push(Child { step, start, value });
                    }
                }
            },
            Event::MappingStart(..) => loop {
                match events.next().context("ends early")? {
                    (Event::MappingEnd, span) => {
                        end = span.end;
                        break;
                    }
                    next => {
                        let key = self.node_at(next, events)?;
                        let (step, start) = (Step::Name(key.text), key.start);
                        let value = self.node(events)?;
                        node.children.push(Child { step, start, value });
                    }
                }
            },
            _ => bail!("has an unexpected structure"),
        }
        node.end = self.offset(end.index());
        Ok(node)
    }

    fn offset(&self, index: usize) -> usize {
        let last = self.offsets.last().copied().unwrap_or_default();
        self.offsets.get(index).copied().unwrap_or(last)
    }
}

/// Returns the parts below a step, without it.
pub fn below<'p>(parts: &[&'p [Step]], step: &Step) -> Vec<&'p [Step]> {
    let parts = parts.iter().filter_map(|part| part.split_first());
    let below = parts.filter(|(first, _)| *first == step);
    below.map(|(_, rest)| rest).collect()
}

/// Collects the ranges to remove.
struct Removal<'a> {
    text: &'a str,
    ranges: Vec<(usize, usize)>,
}

impl Removal<'_> {
    /// Collects the ranges below a node; `end` is where its lines end. Returns whether the whole
    /// node is to be removed.
    fn collect(&mut self, node: &Node, parts: &[&[Step]], end: usize) -> Result<bool> {
        if parts.iter().any(|part| part.is_empty()) {
            return Ok(true);
        }
        let children = &node.children;
        let is_flow = self.text[node.start..].starts_with(['{', '[']);
        let regions = match is_flow {
            true => children
                .iter()
                .map(|child| (child.start, child.value.end))
                .collect(),
            false => self.block_regions(children, end)?,
        };
        let count = self.ranges.len();
        let mut is_removed = Vec::new();
        for (child, (_, end)) in children.iter().zip(&regions) {
            let below = below(parts, &child.step);
            is_removed.push(!below.is_empty() && self.collect(&child.value, &below, *end)?);
        }
        if !children.is_empty() && is_removed.iter().all(|removed| *removed) {
            self.ranges.truncate(count);
            return Ok(true);
        }
        match is_flow {
            true => self.remove_flow(&regions, &is_removed),
            false => self.remove_block(children, &regions, &is_removed),
        }
        Ok(false)
    }

    /// Removes entries of a map in braces or a list in brackets, with one comma each.
    fn remove_flow(&mut self, regions: &[(usize, usize)], is_removed: &[bool]) {
        let kept = |index: &usize| !is_removed[*index];
        for index in (0..regions.len()).filter(|index| is_removed[*index]) {
            let next = (index + 1..regions.len()).find(kept);
            let previous = (0..index).rev().find(kept);
            match (next, previous) {
                (Some(_), _) => self.ranges.push((regions[index].0, regions[index + 1].0)),
                (None, Some(previous)) => self.ranges.push((regions[previous].1, regions[index].1)),
                (None, None) => {}
            }
        }
    }

    fn remove_block(
        &mut self,
        children: &[Child],
        regions: &[(usize, usize)],
        is_removed: &[bool],
    ) {
        for index in (0..children.len()).filter(|index| is_removed[*index]) {
            let (start, end) = regions[index];
            // The first key of a list item follows the dash.
            let shares_line = matches!(children[index].step, Step::Name(_))
                && !self.text[line_start(self.text, start)..start]
                    .trim()
                    .is_empty();
            match children.get(index + 1) {
                Some(next) if shares_line => self.ranges.push((start, next.start)),
                Some(next)
                    if matches!(next.step, Step::Name(_))
                        && is_removed[..index].iter().all(|removed| *removed)
                        && self.shares_line(&children[0]) =>
                {
                    self.ranges.push((children[index].start, next.start));
                }
                _ => {
                    let start = self.with_comments(line_start(self.text, start));
                    self.ranges.push(self.with_blank_lines(start, end));
                }
            }
        }
    }

    fn shares_line(&self, child: &Child) -> bool {
        let start = line_start(self.text, child.start);
        !self.text[start..child.start].trim().is_empty()
    }

    /// Returns where the lines of each child start and end, without the blank lines and comments
    /// that follow them.
    fn block_regions(&self, children: &[Child], end: usize) -> Result<Vec<(usize, usize)>> {
        let mut regions = Vec::new();
        for (index, child) in children.iter().enumerate() {
            let start = match child.step {
                Step::Name(_) => child.start,
                Step::Index(_) => self.dash(child.start)?,
            };
            let end = match children.get(index + 1) {
                Some(next) => line_start(self.text, next.start),
                None => end,
            };
            let column = start - line_start(self.text, start);
            regions.push((start, self.without_trailing_lines(start, end, column)));
        }
        Ok(regions)
    }

    /// Returns the position of the dash of a list item.
    fn dash(&self, item: usize) -> Result<usize> {
        let before = self.text[..item].trim_end();
        match before.strip_suffix('-') {
            Some(before) => Ok(before.len()),
            None => bail!("has a list item whose dash is not directly before it"),
        }
    }

    /// Leaves blank lines, and comments that are not deeper than `column`, to what follows.
    fn without_trailing_lines(&self, start: usize, end: usize, column: usize) -> usize {
        let mut end = end;
        while end > start {
            let line = line_start(self.text, end - 1);
            let content = self.text[line..end].trim();
            let indent = self.text[line..end].len() - self.text[line..end].trim_start().len();
            let is_foreign = content.is_empty() || (content.starts_with('#') && indent <= column);
            if line <= start || !is_foreign {
                break;
            }
            end = line;
        }
        end
    }

    /// Includes the comment directly above a line, unless it is a heading.
    fn with_comments(&self, line: usize) -> usize {
        let mut start = line;
        while start > 0 {
            let above = line_start(self.text, start - 1);
            let content = self.text[above..start].trim();
            if !content.starts_with('#') || content.contains("---") || content.contains("===") {
                break;
            }
            start = above;
        }
        // A comment at the top describes the file.
        match start {
            0 => line,
            start => start,
        }
    }

    /// Includes the blank lines that would be left in addition to others.
    fn with_blank_lines(&self, start: usize, end: usize) -> (usize, usize) {
        let is_blank = |line: &str| line.trim().is_empty();
        let after = &self.text[end..];
        let blank: usize = after
            .split_inclusive('\n')
            .take_while(|line| is_blank(line))
            .map(str::len)
            .sum();
        let before = self.text[..start].trim_end_matches(['\n', ' ']);
        let is_separated = self.text[before.len()..start].matches('\n').count() > 1;
        match (is_separated, blank == after.len()) {
            // The last part of the file.
            (true, true) => ((before.len() + 1).min(start), self.text.len()),
            (true, false) => (start, end + blank),
            (false, _) => (start, end),
        }
    }
}

fn line_start(text: &str, position: usize) -> usize {
    text[..position]
        .rfind('\n')
        .map_or(0, |newline| newline + 1)
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    /// Removes parts given as `a.b.0`.
    fn without(text: &str, parts: &[&str]) -> Option<String> {
        let parts: Vec<Vec<Step>> = parts
            .iter()
            .map(|part| part.split('.').map(step).collect())
            .collect();
        let parts: Vec<&[Step]> = parts.iter().map(Vec::as_slice).collect();
        remove(text, &parts).unwrap()
    }

    fn step(text: &str) -> Step {
        match text.parse() {
            Ok(index) => Step::Index(index),
            Err(_) => Step::Name(text.to_owned()),
        }
    }

    fn assert_removed(text: &str, parts: &[&str], rest: &str) {
        assert_eq!(without(text, parts).as_deref(), Some(rest), "{parts:?}");
    }

    const ACTIONS: &str = "\
# About the file — with “words”.
overlay: 1.1.0
actions:

# ---- first

- target: $.a
  update:
    b: {c: 1, d: 2}
    # about e
    e: >-
      Words
      # no comment

- target: $.b
  remove: true

# ---- second

# about c
- target: $.c
  remove: true
- target: $.d
  remove: true
";

    #[test]
    fn list_items_are_removed_with_their_comments_and_headings_stay() {
        assert_removed(
            ACTIONS,
            &["actions.1", "actions.2"],
            &ACTIONS
                .replace("- target: $.b\n  remove: true\n\n", "")
                .replace("# about c\n- target: $.c\n  remove: true\n", ""),
        );
        let first = ACTIONS.find("- target: $.a").unwrap();
        let second = ACTIONS.find("- target: $.b").unwrap();
        let rest = format!("{}{}", &ACTIONS[..first], &ACTIONS[second..]);
        assert_removed(ACTIONS, &["actions.0"], &rest);
        let last = "- target: $.d\n  remove: true\n";
        assert_removed(ACTIONS, &["actions.3"], &ACTIONS.replace(last, ""));
    }

    #[test]
    fn single_members_are_removed_from_blocks_and_braces() {
        let words = "    # about e\n    e: >-\n      Words\n      # no comment\n";
        assert_removed(
            ACTIONS,
            &["actions.0.update.e"],
            &ACTIONS.replace(words, ""),
        );
        for (part, rest) in [("c", "{d: 2}"), ("d", "{c: 1}")] {
            assert_removed(
                ACTIONS,
                &[&format!("actions.0.update.b.{part}")],
                &ACTIONS.replace("{c: 1, d: 2}", rest),
            );
        }
        let list = "a: [x, 'y, z', {b: 1}, w]\n";
        assert_removed(list, &["a.1", "a.2"], "a: [x, w]\n");
        assert_removed(list, &["a.2", "a.3"], "a: [x, 'y, z']\n");
        assert_removed(list, &["a.0", "a.3"], "a: ['y, z', {b: 1}]\n");
    }

    #[test]
    fn emptied_maps_and_lists_are_removed() {
        let parts = ["actions.0.update.b.c", "actions.0.update.b.d"];
        assert_removed(
            ACTIONS,
            &parts,
            &ACTIONS.replace("    b: {c: 1, d: 2}\n", ""),
        );
        let nested = "a:\n  b:\n    - c: 1\n      d: 2\n  e: 1\n";
        assert_removed(nested, &["a.b.0.c", "a.b.0.d"], "a:\n  e: 1\n");
        assert_eq!(without("a: {b: 1}\nc: 2\n", &["a.b", "c"]), None);
    }

    #[test]
    fn first_key_of_a_list_item_is_removed_behind_its_dash() {
        let text = "a:\n- b: 1\n  c: 2\n  d: 3\n- b: 4\n";
        assert_removed(text, &["a.0.b"], "a:\n- c: 2\n  d: 3\n- b: 4\n");
        assert_removed(text, &["a.0.b", "a.0.c"], "a:\n- d: 3\n- b: 4\n");
        assert_removed(text, &["a.0.d"], "a:\n- b: 1\n  c: 2\n- b: 4\n");
    }

    #[test]
    fn top_level_entries_are_removed_with_one_blank_line() {
        let text = "# Head.\n\nGET /a:\n  id: a\n\nGET /b:\n  id: b\n\nGET /c:\n  id: c\n";
        let without = |name: &str| text.replace(&format!("GET /{name}:\n  id: {name}\n\n"), "");
        assert_removed(text, &["GET /a"], &without("a"));
        assert_removed(text, &["GET /b"], &without("b"));
        let last = "\nGET /c:\n  id: c\n";
        assert_removed(text, &["GET /c"], &text.replace(last, ""));
    }
}
