//! Measures a document before the library looks at it: nesting, fields, aliases, fragments, directives, cost.
//!
//! Every fragment is measured once, however often it is spread: 900 bytes of fragments that spread each other
//! twice would otherwise keep a processor busy for minutes. Cost is computed from the schema itself, so no list
//! can be forgotten.

use std::collections::HashMap;

use async_graphql::{
    Value, Variables,
    parser::types::{ExecutableDocument, Field, OperationDefinition, OperationType, Selection, SelectionSet},
};

use super::types::Types;
use crate::{
    config::Limits,
    error::{Code, Error, Result},
    listing::MOST_ROWS,
};

/// Rows that are reckoned with for a list without paging.
const UNPAGED_ROWS: u64 = 10;
/// Lists as long as what was sent in, and the rows that are reckoned with for them.
const LONG_LISTS: [(&str, &str); 4] = [
    ("CollectiveReport", "rows"),
    ("MunicipalityImportReport", "rows"),
    ("PortfolioReport", "rows"),
    ("ReviewProductsPayload", "rows"),
];
const LONG_ROWS: u64 = 100;
/// Cost of a list at the root, however few rows are asked for: it looks through the whole catalogue or asks the database.
const SCAN: u64 = 400;
/// Cost of another day: the catalogue of it may have to be made first.
const OTHER_DAY: u64 = 10_000;
/// What goes through everything of one kind.
const HEAVY: (&str, &str) = ("Query", "stateDigest");
/// Fields below the root that ask the database each time.
const ASKS_DATABASE: [(&str, &str); 15] = [
    ("Municipality", "annualCost"),
    ("Municipality", "subscriptions"),
    ("Product", "equivalents"),
    ("Product", "versions"),
    ("Product", "versionNumbered"),
    ("Product", "difference"),
    ("Viewer", "tasks"),
    ("Viewer", "usage"),
    ("Query", "rehearsePhaseChange"),
    ("Query", "exportContact"),
    ("Query", "webhooks"),
    ("Query", "webhook"),
    ("Webhook", "deliveries"),
    ("Query", "exports"),
    ("Query", "export"),
];
/// Types whose lists count once: the rows of a page count with its connection, and facets are one look at the whole list.
const ONCE: [&str; 2] = ["Connection", "Facets"];
/// Introspection fields that lead from a type to more types; nested deeper than the usual query they explode.
const INTROSPECTION_LISTS: [&str; 5] = ["fields", "args", "inputFields", "interfaces", "possibleTypes"];
/// How deep the usual introspection query nests them.
const INTROSPECTION_DEPTH: u64 = 3;

/// What a selection comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Levels of nesting.
    pub depth: u64,
    /// Selections with every fragment expanded.
    pub fields: u64,
    /// A field is 1; a list counts its children as often as it can have rows.
    pub cost: u64,
    introspection: u64,
}

/// What is written in a document: each fragment once.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    selections: u64,
    aliases: u64,
    directives: u64,
}

struct Walk<'a> {
    types: &'a Types,
    document: &'a ExecutableDocument,
    variables: &'a Variables,
    fragments: HashMap<&'a str, Option<Measure>>,
}

/// Picks the operation that is to run.
pub fn operation<'d>(document: &'d ExecutableDocument, name: Option<&str>) -> Result<&'d OperationDefinition> {
    let mut operations = document.operations.iter();
    let found = match name {
        Some(wanted) => operations.find(|(name, _)| name.is_some_and(|name| name.as_str() == wanted)),
        None if operations.len() > 1 => None,
        None => operations.next(),
    };
    found.map(|(_, operation)| &operation.node).ok_or_else(|| {
        Error::new(
            Code::BadRequest,
            "Das Dokument enthält die genannte Operation nicht, oder mehrere ohne operationName. Bitte operationName setzen.",
            "The document does not contain the operation named, or several without operationName. Please set operationName.",
        )
    })
}

/// The type that an operation selects from.
pub fn root(operation: &OperationDefinition) -> &'static str {
    match operation.ty {
        OperationType::Query => "Query",
        OperationType::Mutation => "Mutation",
        OperationType::Subscription => "Subscription",
    }
}

/// Checks what the library does not: a subscription follows exactly one thing, named in the operation itself.
pub fn check_followed(operation: &OperationDefinition) -> Result<()> {
    match operation.selection_set.node.items.as_slice() {
        [item] if matches!(&item.node, Selection::Field(field) if field.node.directives.is_empty()) => Ok(()),
        _ => Err(Error::new(
            Code::GraphqlValidationFailed,
            "Ein Abonnement (subscription) nennt genau ein Feld, ohne Fragment und ohne Direktive.",
            "A subscription names exactly one field, without fragment and without directive.",
        )),
    }
}

/// Whether a field is selected here, also through fragments. For documents that were checked: fragments end somewhere.
pub fn selects(document: &ExecutableDocument, set: &SelectionSet, name: &str) -> bool {
    set.items.iter().any(|item| match &item.node {
        Selection::Field(field) => field.node.name.node == name,
        Selection::InlineFragment(inline) => selects(document, &inline.node.selection_set.node, name),
        Selection::FragmentSpread(spread) => {
            let fragment = document.fragments.get(&spread.node.fragment_name.node);
            fragment.is_some_and(|fragment| selects(document, &fragment.node.selection_set.node, name))
        }
    })
}

/// Measures a document and refuses it when it exceeds a limit. All operations and fragments count, also those that
/// will not run: the library walks them all. Gives the measure of the operation that will run, and the number of
/// selections that are written. `operation` is one of the document's, as [`operation`] picks it.
pub fn check(
    types: &Types,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    limits: &Limits,
) -> Result<(Measure, u64)> {
    within("fragments", limits.fragments, document.fragments.len() as u64)?;
    let written = written(document);
    within("aliases", limits.aliases, written.aliases)?;
    within("directives", limits.directives, written.directives)?;
    let mut walk = Walk { types, document, variables, fragments: HashMap::new() };
    let (mut all, mut measure) = (Measure::default(), Measure::default());
    for (_, other) in document.operations.iter() {
        let of_other = walk.selection(&other.node.selection_set.node, root(&other.node))?;
        all = all.beside(of_other);
        if std::ptr::eq(&other.node, operation) {
            measure = of_other;
        }
    }
    for name in document.fragments.keys() {
        let unused = walk.fragment(name.as_str())?;
        within("fields", limits.fields, unused.fields)?;
        within("depth", limits.depth, unused.depth)?;
    }
    within("depth", limits.depth, all.depth)?;
    within("fields", limits.fields, all.fields)?;
    within("introspection", INTROSPECTION_DEPTH, all.introspection)?;
    within("cost", limits.cost, measure.cost)?;
    Ok((measure, written.selections))
}

fn within(name: &str, limit: u64, actual: u64) -> Result<()> {
    if actual > limit { Err(Error::limit(name, limit, actual)) } else { Ok(()) }
}

fn written(document: &ExecutableDocument) -> Written {
    fn count(set: &SelectionSet) -> Written {
        let each = set.items.iter().map(|item| match &item.node {
            Selection::Field(field) => {
                let own = Written {
                    selections: 1,
                    aliases: u64::from(field.node.alias.is_some()),
                    directives: field.node.directives.len() as u64,
                };
                own.and(count(&field.node.selection_set.node))
            }
            Selection::FragmentSpread(spread) => {
                Written { selections: 1, aliases: 0, directives: spread.node.directives.len() as u64 }
            }
            Selection::InlineFragment(inline) => {
                let own = Written { selections: 1, aliases: 0, directives: inline.node.directives.len() as u64 };
                own.and(count(&inline.node.selection_set.node))
            }
        });
        each.fold(Written::default(), Written::and)
    }
    let operations = document.operations.iter().map(|(_, operation)| {
        let own = Written { directives: operation.node.directives.len() as u64, ..Written::default() };
        own.and(count(&operation.node.selection_set.node))
    });
    let fragments = document.fragments.values().map(|fragment| {
        let own = Written { directives: fragment.node.directives.len() as u64, ..Written::default() };
        own.and(count(&fragment.node.selection_set.node))
    });
    operations.chain(fragments).fold(Written::default(), Written::and)
}

impl Written {
    fn and(self, other: Self) -> Self {
        Self {
            selections: self.selections + other.selections,
            aliases: self.aliases + other.aliases,
            directives: self.directives + other.directives,
        }
    }
}

impl<'a> Walk<'a> {
    fn selection(&mut self, set: &'a SelectionSet, parent: &str) -> Result<Measure> {
        let mut sum = Measure::default();
        for item in &set.items {
            let next = match &item.node {
                Selection::Field(field) => self.field(&field.node, parent)?,
                Selection::FragmentSpread(spread) => self.fragment(spread.node.fragment_name.node.as_str())?.wrapped(),
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let on = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                    self.selection(&inline.node.selection_set.node, on)?.wrapped()
                }
            };
            sum = sum.beside(next);
        }
        Ok(sum)
    }

    fn fragment(&mut self, name: &'a str) -> Result<Measure> {
        match self.fragments.get(name) {
            Some(Some(measure)) => return Ok(*measure),
            Some(None) => return Err(endless(name)),
            None => {}
        }
        // Validation refuses a fragment that is not defined, but only after walking to it.
        let Some(fragment) = self.document.fragments.get(name) else { return Ok(Measure::default()) };
        self.fragments.insert(name, None);
        let on = fragment.node.type_condition.node.on.node.as_str();
        let measure = self.selection(&fragment.node.selection_set.node, on)?;
        self.fragments.insert(name, Some(measure));
        Ok(measure)
    }

    fn field(&mut self, field: &'a Field, parent: &str) -> Result<Measure> {
        let name = field.name.node.as_str();
        let types = self.types;
        let known = types.field(parent, name);
        let type_name = known.map_or("", |field| field.type_name.as_str());
        let children = self.selection(&field.selection_set.node, type_name)?;
        let is_introspection_list = known.is_none() && INTROSPECTION_LISTS.contains(&name);
        let rows = match known {
            Some(known) if known.is_paged => self.rows(field),
            Some(_) if LONG_LISTS.contains(&(parent, name)) => LONG_ROWS,
            Some(known) if known.is_list && !ONCE.iter().any(|end| parent.ends_with(end)) => self.listed(field),
            Some(_) => 1,
            None if name == "types" => 2 * UNPAGED_ROWS,
            None => {
                if is_introspection_list {
                    UNPAGED_ROWS / 2
                } else {
                    1
                }
            }
        };
        let looks_through_all = parent == "Query" && known.is_some_and(|known| known.is_paged);
        let own = match looks_through_all || ASKS_DATABASE.contains(&(parent, name)) {
            true => SCAN,
            false => 1,
        };
        let is_of_another_day = parent == "Query" && self.argument(field, "asOf").is_some_and(|day| day != Value::Null);
        let own = if is_of_another_day || (parent, name) == HEAVY { own + OTHER_DAY } else { own };
        Ok(Measure {
            depth: children.depth.saturating_add(1),
            fields: children.fields.saturating_add(1),
            cost: children.cost.saturating_mul(rows).saturating_add(own),
            introspection: children.introspection + u64::from(is_introspection_list),
        })
    }

    /// Rows of a page: what is asked for; what is out of range is refused later, by its own error.
    fn rows(&self, field: &Field) -> u64 {
        let asked = ["first", "last"].into_iter().find_map(|name| match self.argument(field, name)? {
            Value::Number(number) => number.as_u64(),
            _ => None,
        });
        asked.unwrap_or(UNPAGED_ROWS).clamp(1, MOST_ROWS as u64)
    }

    /// Rows of a list without paging: as many as ids are given, or the usual number.
    fn listed(&self, field: &Field) -> u64 {
        match self.argument(field, "ids") {
            Some(Value::List(ids)) => ids.len() as u64,
            _ => UNPAGED_ROWS,
        }
    }

    fn argument(&self, field: &Field, name: &str) -> Option<Value> {
        let value = field.get_argument(name)?.node.clone();
        value.into_const_with(|variable| self.variables.get(&variable).cloned().ok_or(())).ok()
    }
}

impl Measure {
    /// A fragment counts as a selection, so that empty ones cost something too.
    fn wrapped(self) -> Self {
        Self { fields: self.fields.saturating_add(1), ..self }
    }

    fn beside(self, other: Self) -> Self {
        Self {
            depth: self.depth.max(other.depth),
            fields: self.fields.saturating_add(other.fields),
            cost: self.cost.saturating_add(other.cost),
            introspection: self.introspection.max(other.introspection),
        }
    }
}

fn endless(name: &str) -> Error {
    Error::new(
        Code::GraphqlValidationFailed,
        format!("Das Fragment {name} enthält sich selbst. Bitte auflösen."),
        format!("The fragment {name} contains itself. Please resolve it."),
    )
}
