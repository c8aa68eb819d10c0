//! Parses documents, and keeps the parsed ones by their full text: the parser is the largest cost of a small query.

use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicBool, Ordering},
};

use async_graphql::parser::{parse_query, types::ExecutableDocument};
use quick_cache::{Weighter, sync::Cache};

use super::{types::Types, written};
use crate::{
    config::Limits,
    error::{Code, Error, Result},
};

/// Deepest nesting of brackets. The parser goes down the stack with each; its own limit counts selections only.
const DEEPEST_BRACKETS: u64 = 100;
/// Bytes that a selection of a parsed document takes, about.
const BYTES_PER_SELECTION: u64 = 600;
/// Selections of a usual document.
const USUAL_SELECTIONS: u64 = 50;

/// Parsed documents by their text, bounded by bytes.
#[derive(Debug)]
pub struct Documents {
    parsed: Cache<String, Kept, ByBytes>,
    longest: usize,
    tokens: u64,
}

/// A parsed document.
#[derive(Debug)]
pub struct Document {
    /// What it says.
    pub parsed: ExecutableDocument,
    repeats: OnceLock<bool>,
    is_valid: AtomicBool,
}

impl Document {
    /// Whether it is known to fit the schema, all of it.
    pub fn is_valid(&self) -> bool {
        self.is_valid.load(Ordering::Relaxed)
    }

    /// Notes that it fits the schema.
    pub fn note_valid(&self) {
        self.is_valid.store(true, Ordering::Relaxed);
    }

    /// Whether it may select the same key of an object at several places. Only after the guard has let it pass.
    pub fn repeats(&self, types: &Types) -> bool {
        *self.repeats.get_or_init(|| written::repeats(types, &self.parsed))
    }
}

/// A parsed document that the guard let pass.
#[derive(Clone, Debug)]
struct Kept {
    document: Arc<Document>,
    bytes: u64,
}

#[derive(Clone, Debug)]
struct ByBytes;

impl Weighter<String, Kept> for ByBytes {
    fn weight(&self, _: &String, kept: &Kept) -> u64 {
        kept.bytes
    }
}

impl Documents {
    /// An empty cache.
    pub fn new(limits: &Limits) -> Self {
        let usual = USUAL_SELECTIONS * BYTES_PER_SELECTION;
        let documents = usize::try_from(limits.document_cache_bytes / usual).unwrap_or(1).max(1);
        let parsed = Cache::with_weighter(documents, limits.document_cache_bytes, ByBytes);
        Self { parsed, longest: limits.document_bytes, tokens: limits.tokens }
    }

    /// The parsed document of a text.
    pub fn parse(&self, text: &str) -> Result<Arc<Document>> {
        if let Some(kept) = self.parsed.get(text) {
            metrics::counter!("itkatalog_document_cache_hits_total").increment(1);
            return Ok(kept.document);
        }
        if text.len() > self.longest {
            return Err(Error::limit("document_bytes", self.longest as u64, text.len() as u64));
        }
        let Text { tokens, brackets } = Text::of(text);
        for (name, limit, actual) in [("brackets", DEEPEST_BRACKETS, brackets), ("tokens", self.tokens, tokens)] {
            if actual > limit {
                return Err(Error::limit(name, limit, actual));
            }
        }
        let parsed = parse_query(text).map_err(|error| syntax_error(&error))?;
        Ok(Arc::new(Document { parsed, repeats: OnceLock::new(), is_valid: AtomicBool::new(false) }))
    }

    /// Keeps a document that the guard let pass, with the number of its selections.
    pub fn keep(&self, text: &str, document: &Arc<Document>, selections: u64) {
        if self.parsed.peek(text).is_none() {
            let bytes = selections * BYTES_PER_SELECTION + text.len() as u64;
            self.parsed.insert(text.to_owned(), Kept { document: document.clone(), bytes });
        }
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

/// What a text holds, outside of comments.
#[derive(Debug, Default, PartialEq, Eq)]
struct Text {
    /// Names, numbers, strings, punctuation.
    tokens: u64,
    /// Deepest nesting of brackets.
    brackets: u64,
}

impl Text {
    fn of(text: &str) -> Self {
        let (mut found, mut depth, mut rest) = (Self::default(), 0_u64, text);
        while let Some(byte) = rest.bytes().next() {
            let of_name = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
            let run = |is: fn(u8) -> bool| rest.bytes().take_while(|byte| is(*byte)).count();
            let (step, is_token) = match byte {
                b'"' => (string_length(rest), true),
                b'#' => (rest.find(['\n', '\r']).unwrap_or(rest.len()), false),
                b'.' => (run(|byte| byte == b'.'), true),
                b',' => (1, false),
                _ if of_name(byte) => (run(of_name), true),
                _ => (rest.chars().next().map_or(1, char::len_utf8), !byte.is_ascii_whitespace()),
            };
            match byte {
                b'{' | b'[' | b'(' => depth += 1,
                b'}' | b']' | b')' => depth = depth.saturating_sub(1),
                _ => {}
            }
            found.tokens += u64::from(is_token);
            found.brackets = found.brackets.max(depth);
            rest = rest.get(step..).unwrap_or_default();
        }
        found
    }
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
        if ends_with_line && rest.starts_with(['\n', '\r']) {
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
    fn a_document_that_was_kept_is_not_parsed_again() {
        let config = crate::config::Config::load(&crate::config::Flags::default()).unwrap();
        let documents = Documents::new(&config.limits);
        let first = documents.parse("{ a }").unwrap();
        assert!(!Arc::ptr_eq(&first, &documents.parse("{ a }").unwrap()));
        documents.keep("{ a }", &first, 1);
        assert!(Arc::ptr_eq(&first, &documents.parse("{ a }").unwrap()));
    }

    #[test]
    fn brackets_count_outside_of_strings_and_comments_only() {
        let brackets = |text| Text::of(text).brackets;
        assert_eq!(brackets("{ a(b: [1]) }"), 3);
        assert_eq!(brackets("{ a(b: \"[[[[\\\"[[\") } # {{{{"), 2);
        assert_eq!(brackets("# {{{\n{ a }"), 1);
        assert_eq!(brackets("#\r{ a(b: [[[ #\r\n [["), 7);
        assert_eq!(brackets("{ a(b: \"\"\" \" {{{{ \"\"\" [[[[[ ä"), 7);
        assert_eq!(brackets("{ a(b: \"\"\" \\\"\"\" {{{{ \"\"\" c: \"\") }"), 2);
        assert_eq!(brackets("{ a(b: \"never closed [[[\n[ [[[[[[[[["), 12);
    }

    #[test]
    fn names_numbers_strings_and_punctuation_are_tokens() {
        let tokens = |text| Text::of(text).tokens;
        assert_eq!(tokens("query Q($first: Int!) { products(first: $first) { ...F @skip(if: true) } } # end"), 29);
        assert_eq!(tokens("{ a(b: \"one string, with words\", c: -1.5e3) }"), 14);
        assert_eq!(tokens(" , \n\t"), 0);
    }
}
