//! Rows of a portfolio that are kept as they came: read like other values the library would hold them three times over, in a
//! form that takes eight times their bytes.

use std::{collections::HashMap, sync::Arc};

use async_graphql::{
    InputType, Name, Value, Variables,
    parser::types::{OperationDefinition, OperationType, Selection, Type},
};
use parking_lot::Mutex;
use serde_json::value::RawValue;

use super::{portfolio_row::PortfolioRowInput, types::Types, variables};
use crate::error::{Error, Result};

/// Variables of fewer bytes are read like all others.
const LARGE: usize = 256 * 1024;
/// The mutation that takes rows.
const MUTATION: &str = "registerPortfolio";
/// Its argument.
const ARGUMENT: &str = "input";
/// The field of the argument that holds them.
const FIELD: &str = "products";
/// Their type.
const TYPE: &str = "PortfolioRowInput!";

/// The rows, as JSON.
#[derive(Clone, Debug)]
pub struct Rows {
    variable: Name,
    /// Emptied once they are read: they take megabytes.
    json: Arc<Mutex<Arc<str>>>,
}

impl Rows {
    /// Takes rows out of large variables and leaves an empty list in their place; none where there are none.
    pub fn take(variables: &RawValue) -> Option<(Variables, Self)> {
        if variables.get().len() < LARGE {
            return None;
        }
        let given: HashMap<Name, &RawValue> = serde_json::from_str(variables.get()).ok()?;
        let mut rows = None;
        let mut small = Variables::default();
        for (name, value) in given {
            let fields: Option<HashMap<Name, &RawValue>> = serde_json::from_str(value.get()).ok();
            let products =
                fields.as_ref().and_then(|fields| fields.get(FIELD)).filter(|rows| rows.get().starts_with('['));
            let value = match (fields.as_ref(), products) {
                (Some(fields), Some(products)) if rows.is_none() => {
                    rows = Some(Self::new(name.clone(), products.get()));
                    let read = |(name, value): (&Name, &&RawValue)| match name.as_str() {
                        FIELD => Some((name.clone(), Value::List(Vec::new()))),
                        _ => Some((name.clone(), serde_json::from_str(value.get()).ok()?)),
                    };
                    Value::Object(fields.iter().map(read).collect::<Option<_>>()?)
                }
                _ => serde_json::from_str(value.get()).ok()?,
            };
            small.insert(name, value);
        }
        Some((small, rows?))
    }

    fn new(variable: Name, json: &str) -> Self {
        Self { variable, json: Arc::new(Mutex::new(json.into())) }
    }

    /// Whether an operation does nothing but register these rows.
    pub fn are_for(&self, operation: &OperationDefinition) -> bool {
        let [item] = operation.selection_set.node.items.as_slice() else { return false };
        let Selection::Field(field) = &item.node else { return false };
        let variable = format!("${}", self.variable);
        operation.ty == OperationType::Mutation
            && field.node.name.node == MUTATION
            && field.node.get_argument(ARGUMENT).is_some_and(|value| value.node.to_string() == variable)
    }

    /// Puts the rows back to where they were.
    pub fn put_back(self, variables: &mut Variables) -> Result<()> {
        let mut rows = Vec::new();
        self.each(&self.json.lock(), |_, value| {
            rows.push(value);
            Ok(())
        })?;
        if let Some(Value::Object(fields)) = variables.get_mut(&self.variable) {
            fields.insert(Name::new(FIELD), Value::List(rows));
        }
        Ok(())
    }

    /// Refuses rows that do not fit their type, as [`variables::check`] does.
    pub fn check(&self, types: &Types) -> Result<()> {
        let ty = Type::new(TYPE).ok_or_else(|| Error::internal("the type of rows is no type"))?;
        self.each(&self.json.lock(), |path, value| variables::check_value(types, path, &ty, &value))
    }

    /// The rows, one after the other; once.
    pub fn read(&self) -> Result<Vec<PortfolioRowInput>> {
        let json = std::mem::replace(&mut *self.json.lock(), "[]".into());
        let mut rows = Vec::new();
        self.each(&json, |path, value| {
            let row = PortfolioRowInput::parse(Some(value));
            rows.push(row.map_err(|_| Error::internal(format!("{path} was checked and can't be read")))?);
            Ok(())
        })?;
        Ok(rows)
    }

    fn each(&self, json: &str, mut take: impl FnMut(&str, Value) -> Result<()>) -> Result<()> {
        let rows: Vec<&RawValue> = serde_json::from_str(json).map_err(Error::internal)?;
        rows.into_iter().enumerate().try_for_each(|(place, row)| {
            let value = serde_json::from_str(row.get()).map_err(|_| self.unreadable(place))?;
            take(&self.path(place), value)
        })
    }

    fn path(&self, place: usize) -> String {
        format!("${}.{FIELD}[{place}]", self.variable)
    }

    /// JSON by its form, and yet no text: half of a surrogate pair, for instance.
    fn unreadable(&self, place: usize) -> Error {
        let path = self.path(place);
        Error::bad_input(
            &path,
            format!("{path} ist nicht lesbar. Bitte die Texte dieser Zeile prüfen."),
            format!("{path} can't be read. Please check the texts of this row."),
        )
    }
}
