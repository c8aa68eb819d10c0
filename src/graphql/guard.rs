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
/// Introspection fields that lead from a type to more types; nested deeper than the usual query they explode.
const INTROSPECTION_LISTS: [&str; 5] = ["fields", "args", "inputFields", "interfaces", "possibleTypes"];
/// How deep the usual introspection query nests them.
const INTROSPECTION_DEPTH: u64 = 3;

/// What a document comes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Measure {
    /// Levels of nesting.
    pub depth: u64,
    /// Fields with every fragment expanded.
    pub fields: u64,
    /// A field is 1; a list counts its children as often as it can have rows.
    pub cost: u64,
    introspection: u64,
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

/// Measures an operation and refuses it when it exceeds a limit.
pub fn check(
    types: &Types,
    document: &ExecutableDocument,
    operation: &OperationDefinition,
    variables: &Variables,
    limits: &Limits,
) -> Result<Measure> {
    within("fragments", limits.fragments, document.fragments.len() as u64)?;
    let (aliases, directives) = count_marks(document);
    within("aliases", limits.aliases, aliases)?;
    within("directives", limits.directives, directives)?;
    let mut walk = Walk { types, document, variables, fragments: HashMap::new() };
    let measure = walk.selection(&operation.selection_set.node, root(operation))?;
    within("depth", limits.depth, measure.depth)?;
    within("fields", limits.fields, measure.fields)?;
    within("introspection", INTROSPECTION_DEPTH, measure.introspection)?;
    within("cost", limits.cost, measure.cost)?;
    Ok(measure)
}

fn within(name: &str, limit: u64, actual: u64) -> Result<()> {
    if actual > limit { Err(Error::limit(name, limit, actual)) } else { Ok(()) }
}

/// Aliases and directives as they are written: each fragment once.
fn count_marks(document: &ExecutableDocument) -> (u64, u64) {
    fn count(set: &SelectionSet) -> (u64, u64) {
        let each = set.items.iter().map(|item| match &item.node {
            Selection::Field(field) => {
                let (aliases, directives) = count(&field.node.selection_set.node);
                (aliases + u64::from(field.node.alias.is_some()), directives + field.node.directives.len() as u64)
            }
            Selection::FragmentSpread(spread) => (0, spread.node.directives.len() as u64),
            Selection::InlineFragment(inline) => {
                let (aliases, directives) = count(&inline.node.selection_set.node);
                (aliases, directives + inline.node.directives.len() as u64)
            }
        });
        each.fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1))
    }
    let operations = document.operations.iter().map(|(_, operation)| {
        let operation = &operation.node;
        let (aliases, directives) = count(&operation.selection_set.node);
        (aliases, directives + operation.directives.len() as u64)
    });
    let fragments = document.fragments.values().map(|fragment| count(&fragment.node.selection_set.node));
    operations.chain(fragments).fold((0, 0), |sum, next| (sum.0 + next.0, sum.1 + next.1))
}

impl<'a> Walk<'a> {
    fn selection(&mut self, set: &'a SelectionSet, parent: &str) -> Result<Measure> {
        let mut sum = Measure::default();
        for item in &set.items {
            let next = match &item.node {
                Selection::Field(field) => self.field(&field.node, parent)?,
                Selection::FragmentSpread(spread) => self.fragment(spread.node.fragment_name.node.as_str())?,
                Selection::InlineFragment(inline) => {
                    let condition = inline.node.type_condition.as_ref();
                    let on = condition.map_or(parent, |condition| condition.node.on.node.as_str());
                    self.selection(&inline.node.selection_set.node, on)?
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
        // A fragment that is not defined costs nothing: validation refuses it.
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
        let rows = match known {
            Some(known) if known.is_paged => self.rows(field),
            Some(known) if known.is_list && !parent.ends_with("Connection") => self.listed(field),
            _ => 1,
        };
        let is_introspection_list = known.is_none() && INTROSPECTION_LISTS.contains(&name);
        Ok(Measure {
            depth: children.depth.saturating_add(1),
            fields: children.fields.saturating_add(1),
            cost: children.cost.saturating_mul(rows).saturating_add(1),
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
