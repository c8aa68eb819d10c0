//! GraphiQL, whole from the program: no host besides this one is asked. Where its files come from and how they are fetched anew
//! is told in `data/graphiql/README.md`; a test compares them with their packages.

use std::sync::LazyLock;

use axum::{
    body::{Body, Bytes},
    extract::Path,
    http::{HeaderMap, HeaderValue, header},
    response::Response,
};
use serde_json::{Value, json};

use super::{
    cached::{cacheable, tag},
    nothing_here,
    request::Info,
};

/// What the page may load: only from here, and no script that stands in the page itself. Elements `style` may stand in it:
/// GraphiQL's dialogs lock scrolling with one whose text depends on the width of the scroll bar. Attributes `style` may not.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; style-src-elem 'self' 'unsafe-inline'; \
     font-src data:; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
/// Files whose names hold their versions never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
/// The page's own files are asked for again each time, and sent only when they have changed.
const ASK_AGAIN: &str = "no-cache";

const HTML: &str = "text/html; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";
const STYLE: &str = "text/css; charset=utf-8";

/// A file of the page.
struct File {
    name: &'static str,
    content_type: &'static str,
    kept: &'static str,
    bytes: &'static [u8],
    gzipped: Option<&'static [u8]>,
}

/// A file of a package, by the name that it has in `data/graphiql/`, where it lies compressed too: every browser reads gzip,
/// and a megabyte is not compressed anew for each.
macro_rules! packaged {
    ($name:literal, $content_type:expr) => {
        File {
            name: $name,
            content_type: $content_type,
            kept: FOR_EVER,
            bytes: include_bytes!(concat!("../../data/graphiql/", $name)),
            gzipped: Some(include_bytes!(concat!("../../data/graphiql/", $name, ".gz"))),
        }
    };
}

/// A file of the page itself.
macro_rules! own {
    ($name:literal, $content_type:expr) => {
        File {
            name: $name,
            content_type: $content_type,
            kept: ASK_AGAIN,
            bytes: include_bytes!(concat!("graphiql/", $name)),
            gzipped: None,
        }
    };
}

static PAGE: File = own!("page.html", HTML);
static FILES: [File; 8] = [
    packaged!("react-18.3.1.production.min.js", SCRIPT),
    packaged!("react-dom-18.3.1.production.min.js", SCRIPT),
    packaged!("graphiql-3.9.0.min.js", SCRIPT),
    packaged!("graphiql-3.9.0.min.css", STYLE),
    packaged!("graphql-sse-2.6.1.min.js", SCRIPT),
    own!("page.js", SCRIPT),
    own!("page.css", STYLE),
    own!("icon.svg", "image/svg+xml"),
];

/// An example query, as it stands in `graphiql/examples/`: comments with kind, title and variables before the document.
macro_rules! examples {
    ($($name:literal)*) => { [$(include_str!(concat!("graphiql/examples/", $name, ".graphql"))),*] };
}

/// Example queries for each kind of user, in the order in which they are shown.
static EXAMPLES: [&str; 13] = examples![
    "portal_available_products" "portal_contact" "portal_live_changes"
    "municipality_subscriptions" "municipality_explain"
    "provider_requests" "provider_dry_run"
    "account_manager_tasks" "steward_review" "transformation_office_rehearsal"
    "land_overview" "land_changes" "auditor_trail"
];

static EXAMPLES_JSON: LazyLock<String> =
    LazyLock::new(|| Value::Array(EXAMPLES.iter().map(|text| example(text)).collect()).to_string());

/// `GET /graphiql`.
pub async fn page(headers: HeaderMap) -> Response {
    file(&PAGE, &headers)
}

/// `GET /graphiql/{file}`.
pub async fn part(Path(name): Path<String>, request: Info, headers: HeaderMap) -> Response {
    if name == "examples.json" {
        let text = EXAMPLES_JSON.as_bytes();
        return answer(text, &tag(text), "application/json; charset=utf-8", ASK_AGAIN, &headers);
    }
    match FILES.iter().find(|file| file.name == name) {
        Some(found) => file(found, &headers),
        None => nothing_here(request).await,
    }
}

fn file(file: &'static File, asked: &HeaderMap) -> Response {
    let gzipped = file.gzipped.filter(|_| accepts_gzip(asked));
    // A name with a version tells as much as a digest of a megabyte.
    let tag = if file.kept == FOR_EVER { file.name.to_owned() } else { tag(file.bytes) };
    let mut response = answer(gzipped.unwrap_or(file.bytes), &tag, file.content_type, file.kept, asked);
    if file.gzipped.is_some() {
        response.headers_mut().insert(header::VARY, HeaderValue::from_static("accept-encoding"));
    }
    if gzipped.is_some() {
        response.headers_mut().insert(header::CONTENT_ENCODING, HeaderValue::from_static("gzip"));
    }
    response
}

fn accepts_gzip(asked: &HeaderMap) -> bool {
    let values = asked.get_all(header::ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    let mut codings = values
        .flat_map(|value| value.split(','))
        .map(|coding| coding.trim().split_once(';').unwrap_or((coding.trim(), "")));
    codings.any(|(name, weight)| {
        let is_refused = weight.trim().strip_prefix("q=").is_some_and(|weight| weight.parse() == Ok(0.0));
        name.trim().eq_ignore_ascii_case("gzip") && !is_refused
    })
}

fn answer(
    bytes: &'static [u8],
    tag: &str,
    content_type: &'static str,
    kept: &'static str,
    asked: &HeaderMap,
) -> Response {
    let mut response = Response::new(Body::from(Bytes::from_static(bytes)));
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    cacheable(response, tag, kept, asked)
}

/// What the page needs of an example. The comment with its title stays in the document, for whoever reads it there.
fn example(text: &str) -> Value {
    let comment =
        |key: &str| text.lines().find_map(|line| line.strip_prefix("# ")?.strip_prefix(key)?.strip_prefix(": "));
    let document = text.lines().filter(|line| !line.starts_with("# kind: ") && !line.starts_with("# variables: "));
    let document: String = document.map(|line| format!("{}\n", line.replacen("# title: ", "# ", 1))).collect();
    let variables: Option<Value> = comment("variables").and_then(|variables| serde_json::from_str(variables).ok());
    json!({ "kind": comment("kind"), "title": comment("title"), "variables": variables, "query": document })
}
