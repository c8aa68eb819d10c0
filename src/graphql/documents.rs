//! Parses documents, and keeps the parsed ones by their full text: the parser is the largest cost of a small query.

use std::sync::Arc;

use async_graphql::parser::{parse_query, types::ExecutableDocument};
use quick_cache::{Weighter, sync::Cache};

use crate::{
    config::Limits,
    error::{Code, Error, Result},
};

/// Deepest nesting of brackets. The parser goes down the stack with each; its own limit counts selections only.
const DEEPEST_BRACKETS: usize = 100;
/// A parsed document takes about this many times the bytes of its text.
const PARSED_PER_TEXT: u64 = 20;

/// Parsed documents by their text, bounded by bytes.
#[derive(Debug)]
pub struct Documents {
    parsed: Cache<String, Arc<ExecutableDocument>, ByText>,
    longest: usize,
}

#[derive(Clone, Debug)]
struct ByText;

impl Weighter<String, Arc<ExecutableDocument>> for ByText {
    fn weight(&self, text: &String, _: &Arc<ExecutableDocument>) -> u64 {
        (text.len() as u64 + 64) * PARSED_PER_TEXT
    }
}

impl Documents {
    /// An empty cache.
    pub fn new(limits: &Limits) -> Self {
        let usual = 1000 * PARSED_PER_TEXT;
        let documents = usize::try_from(limits.document_cache_bytes / usual).unwrap_or(1).max(1);
        let parsed = Cache::with_weighter(documents, limits.document_cache_bytes, ByText);
        Self { parsed, longest: limits.document_bytes }
    }

    /// The parsed document of a text.
    pub fn parse(&self, text: &str) -> Result<Arc<ExecutableDocument>> {
        if let Some(parsed) = self.parsed.get(text) {
            metrics::counter!("itkatalog_document_cache_hits_total").increment(1);
            return Ok(parsed);
        }
        if text.len() > self.longest {
            return Err(Error::limit("document_bytes", self.longest as u64, text.len() as u64));
        }
        let brackets = deepest_brackets(text);
        if brackets > DEEPEST_BRACKETS {
            return Err(Error::limit("brackets", DEEPEST_BRACKETS as u64, brackets as u64));
        }
        let parsed = Arc::new(parse_query(text).map_err(|error| syntax_error(&error))?);
        self.parsed.insert(text.to_owned(), parsed.clone());
        Ok(parsed)
    }
}

fn syntax_error(error: &async_graphql::parser::Error) -> Error {
    Error::new(
        Code::GraphqlValidationFailed,
        format!("Das Dokument ist kein gültiges GraphQL: {error}"),
        format!("The document is no valid GraphQL: {error}"),
    )
    .at(error.positions().next())
}

/// The deepest nesting of brackets outside of strings and comments.
fn deepest_brackets(text: &str) -> usize {
    let (mut depth, mut deepest) = (0_usize, 0);
    let mut rest = text;
    while let Some(byte) = rest.bytes().next() {
        let step = match byte {
            b'"' => string_length(rest),
            b'#' => rest.find('\n').unwrap_or(rest.len()),
            b'{' | b'[' | b'(' => {
                depth += 1;
                deepest = deepest.max(depth);
                1
            }
            b'}' | b']' | b')' => {
                depth = depth.saturating_sub(1);
                1
            }
            _ => rest.chars().next().map_or(1, char::len_utf8),
        };
        rest = rest.get(step..).unwrap_or_default();
    }
    deepest
}

/// Bytes of the string or block string that a text begins with; one that does not end on its line ends there.
fn string_length(text: &str) -> usize {
    let (quote, ends_with_line) = if text.starts_with("\"\"\"") { ("\"\"\"", false) } else { ("\"", true) };
    let mut at = quote.len();
    while let Some(rest) = text.get(at..).filter(|rest| !rest.is_empty()) {
        if rest.starts_with(quote) {
            return at + quote.len();
        }
        let is_escape = if ends_with_line { rest.starts_with('\\') } else { rest.starts_with("\\\"\"\"") };
        if ends_with_line && rest.starts_with('\n') {
            return at;
        }
        let character = rest.chars().next().map_or(1, char::len_utf8);
        let escaped = if ends_with_line { rest.chars().nth(1).map_or(0, char::len_utf8) } else { quote.len() };
        at += if is_escape { character + escaped } else { character };
    }
    text.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn brackets_count_outside_of_strings_and_comments_only() {
        assert_eq!(deepest_brackets("{ a(b: [1]) }"), 3);
        assert_eq!(deepest_brackets("{ a(b: \"[[[[\\\"[[\") } # {{{{"), 2);
        assert_eq!(deepest_brackets("# {{{\n{ a }"), 1);
        assert_eq!(deepest_brackets("{ a(b: \"\"\" \" {{{{ \"\"\" [[[[[ ä"), 7);
        assert_eq!(deepest_brackets("{ a(b: \"\"\" \\\"\"\" {{{{ \"\"\" c: \"\") }"), 2);
        assert_eq!(deepest_brackets("{ a(b: \"never closed [[[\n[ [[[[[[[[["), 12);
    }
}
