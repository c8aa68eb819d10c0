//! Every connection of the schema, found in its SDL, with a way to get there and rows in it.

use std::collections::BTreeMap;

use async_graphql::parser::{
    parse_schema,
    types::{BaseType, FieldDefinition, Type, TypeDefinition, TypeKind, TypeSystemDefinition},
};
use rand::{Rng, RngExt, seq::IndexedRandom};
use sea_orm::prelude::Uuid;
use serde_json::{Map, Value, json};

use super::{TestApp, acts::AACHEN, acts::reason, contacts::global, token};

const PAGING: [&str; 4] = ["first", "after", "last", "before"];

/// A list that is cut into pages.
#[derive(Clone)]
pub struct List {
    /// Where it hangs, and in which order: `Query.products`, `Provider.products`.
    pub name: String,
    /// Its parts.
    pub owner: String,
    pub field: String,
    /// Whether it can be read from its end.
    pub goes_back: bool,
    /// Whether its rows are counted.
    pub is_counted: bool,
    token: String,
    document: String,
    input: Option<Value>,
}

/// A page of it: rows with their cursors.
#[derive(Debug)]
pub struct Page {
    pub rows: Vec<(String, Value)>,
    pub total: Value,
    pub has_previous: bool,
    pub has_next: bool,
}

impl List {
    /// Asks for a page; the codes of the errors when there is none.
    pub async fn ask(&self, app: &TestApp, paging: &Value) -> Result<Page, Vec<String>> {
        let mut variables = paging.clone();
        if let Some(input) = &self.input {
            variables["input"] = input.clone();
            variables["input"]["idempotencyKey"] = json!(Uuid::new_v4().to_string());
        }
        let answer = app.ask_as(&self.token, &self.document, variables).await;
        if let Some(errors) = answer.body["errors"].as_array() {
            return Err(errors.iter().map(|error| error["extensions"]["code"].as_str().unwrap().to_owned()).collect());
        }
        let found = with_edges(&answer.body["data"]).unwrap_or_else(|| panic!("{}: {}", self.name, answer.body));
        let edges = found["edges"].as_array().unwrap().iter();
        let info = &found["pageInfo"];
        let rows: Vec<(String, Value)> =
            edges.map(|edge| (edge["cursor"].as_str().unwrap().to_owned(), edge["node"].clone())).collect();
        if let (Some(first), Some(last)) = (rows.first(), rows.last()) {
            assert_eq!((info["startCursor"].as_str(), info["endCursor"].as_str()), (Some(&*first.0), Some(&*last.0)));
        }
        Ok(Page {
            rows,
            total: found["totalCount"].clone(),
            has_previous: info["hasPreviousPage"].as_bool().unwrap(),
            has_next: info["hasNextPage"].as_bool().unwrap(),
        })
    }

    /// The same, of a page that must be there.
    pub async fn page(&self, app: &TestApp, paging: Value) -> Page {
        let page = self.ask(app, &paging).await;
        page.unwrap_or_else(|codes| panic!("{} {paging}: {codes:?}", self.name))
    }
}

fn with_edges(value: &Value) -> Option<&Value> {
    if value.get("edges").is_some() {
        return Some(value);
    }
    value.as_object()?.values().find_map(with_edges)
}

/// The schema by names.
struct Types(BTreeMap<String, TypeDefinition>);

impl Types {
    fn read() -> Self {
        let sdl = itkatalog::graphql::sdl(&itkatalog::graphql::schema());
        let definitions = parse_schema(sdl).unwrap().definitions.into_iter();
        let types = definitions.filter_map(|definition| match definition {
            TypeSystemDefinition::Type(definition) => Some(definition.node),
            _ => None,
        });
        Self(types.map(|definition| (definition.name.node.to_string(), definition)).collect())
    }

    fn fields(&self, name: &str) -> Vec<&FieldDefinition> {
        match self.0.get(name).map(|definition| &definition.kind) {
            Some(TypeKind::Object(object)) => object.fields.iter().map(|field| &field.node).collect(),
            _ => Vec::new(),
        }
    }

    fn field(&self, owner: &str, name: &str) -> Option<&FieldDefinition> {
        self.fields(owner).into_iter().find(|field| field.name.node == name)
    }

    fn is_node(&self, name: &str) -> bool {
        let kind = self.0.get(name).map(|definition| &definition.kind);
        matches!(kind, Some(TypeKind::Object(object)) if object.implements.iter().any(|one| one.node == "Node"))
    }

    /// What tells a row of this type apart: its id, or all that is plain in it and in what it names.
    fn key(&self, node: &str) -> String {
        if self.field(node, "id").is_some() { "id".to_owned() } else { self.plain(node, true).join(" ") }
    }

    fn plain(&self, owner: &str, is_row: bool) -> Vec<String> {
        let fields = self.fields(owner).into_iter().filter(|field| field.arguments.is_empty());
        let parts = fields.filter_map(|field| {
            let (name, kind) = (&field.name.node, named(&field.ty.node));
            match self.0.get(kind).map(|definition| &definition.kind) {
                Some(TypeKind::Object(_)) if self.field(kind, "id").is_some() => Some(format!("{name} {{ id }}")),
                Some(TypeKind::Object(_)) if is_row => {
                    let parts = self.plain(kind, false);
                    (!parts.is_empty()).then(|| format!("{name} {{ {} }}", parts.join(" ")))
                }
                Some(TypeKind::Scalar) if kind == "JSON" => None,
                None | Some(TypeKind::Scalar | TypeKind::Enum(_)) => Some(name.to_string()),
                _ => None,
            }
        });
        parts.collect()
    }

    /// A root field whose rows are of this type, with what is asked of each.
    fn rows_of(&self, node: &str, asked: &str) -> String {
        let roots = self.fields("Query").into_iter();
        let found = roots.filter_map(|field| match named(&field.ty.node) {
            kind if kind == format!("{node}Connection") => {
                Some(format!("{}(first: 100) {{ edges {{ node {{ {asked} }} }} }}", field.name.node))
            }
            kind if kind == node && matches!(field.ty.node.base, BaseType::List(_)) => {
                Some(format!("{} {{ {asked} }}", field.name.node))
            }
            _ => None,
        });
        found.into_iter().next().unwrap_or_else(|| panic!("no root field lists {node}"))
    }
}

fn named(kind: &Type) -> &str {
    match &kind.base {
        BaseType::Named(name) => name,
        BaseType::List(inner) => named(inner),
    }
}

/// Who may read most.
pub fn reader() -> String {
    let roles = ["steward", "transformation_office", "land", "auditor", "account_manager"];
    token(json!({ "roles": roles, "customer_groups": ["kgst-st-2"], "sub": "reader" }))
}

/// All connections of the schema; those that can be ordered or searched also so, as chance will have it.
pub async fn lists(app: &TestApp, random: &mut impl Rng) -> Vec<List> {
    let types = Types::read();
    let mut lists = Vec::new();
    for owner in types.0.keys() {
        for field in types.fields(owner).into_iter().filter(|field| named(&field.ty.node).ends_with("Connection")) {
            for more in arguments(&types, field, random) {
                lists.push(list(app, &types, owner, field, &more).await);
            }
        }
    }
    lists
}

/// What is asked beside the page: nothing, an order, a search.
fn arguments(types: &Types, field: &FieldDefinition, random: &mut impl Rng) -> Vec<String> {
    let kind = |name: &str| field.arguments.iter().find(|one| one.node.name.node == name).map(|one| &one.node.ty.node);
    let needed =
        if kind("municipality").is_some() { format!("municipality: {{ags: \"{AACHEN}\"}}") } else { String::new() };
    let mut all = vec![needed.clone()];
    if let Some(TypeKind::InputObject(order)) =
        kind("orderBy").and_then(|kind| types.0.get(named(kind))).map(|definition| &definition.kind)
    {
        let field = order.fields.iter().find(|field| field.node.name.node == "field").unwrap();
        let Some(TypeKind::Enum(values)) = types.0.get(named(&field.node.ty.node)).map(|values| &values.kind) else {
            panic!("an order is by an enumeration");
        };
        let values: Vec<_> = values.values.iter().map(|value| value.node.value.node.to_string()).collect();
        for count in 1..=2 {
            let parts = values.sample(random, count).map(|value| format!("{{field: {value}, direction: DIRECTION}}"));
            let parts = parts.collect::<Vec<_>>().join(", ");
            let direction = ["ASC", "DESC"][random.random_range(0..2)];
            all.push(format!("orderBy: [{}]", parts.replace("DIRECTION", direction)));
        }
    }
    if kind("search").is_some() {
        all.push(format!("{needed} search: \"e-akte\""));
    }
    all
}

/// A municipality that has gone into another one, and left it something to take over.
async fn gone(app: &TestApp) -> &'static str {
    const UEDEM: &str = "05154056";
    let snapshot = app.server.live().snapshot();
    let at = snapshot.municipality_by_ags(UEDEM).unwrap();
    if snapshot.municipalities[at].row.dissolved_on.is_none() {
        for _ in 0..4 {
            app.subscription(UEDEM, super::acts::INITIAL, |_| {}).await;
        }
        app.dissolve(&[UEDEM], "05154016", "2026-11-23").await;
    }
    UEDEM
}

async fn list(app: &TestApp, types: &Types, owner: &str, field: &FieldDefinition, more: &str) -> List {
    let name = &field.name.node;
    let connection = named(&field.ty.node);
    let edge = named(&types.field(connection, "edges").unwrap().ty.node);
    let node = named(&types.field(edge, "node").unwrap().ty.node);
    let is_counted = types.field(connection, "totalCount").is_some();
    let paging: Vec<_> = field.arguments.iter().filter(|one| PAGING.contains(&&*one.node.name.node)).collect();
    let declared =
        paging.iter().map(|one| format!("${}: {} ", one.node.name.node, one.node.ty.node)).collect::<String>();
    let passed = paging.iter().map(|one| format!("{0}: ${0} ", one.node.name.node)).collect::<String>();
    let body = format!(
        "{name}({passed} {more}) {{ {} pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }} edges {{ cursor node {{ {} }} }} }}",
        if is_counted { "totalCount" } else { "" },
        types.key(node)
    );
    let (document, input) = match owner {
        "Query" => (format!("query({declared}) {{ {body} }}"), None),
        "Viewer" => (format!("query({declared}) {{ viewer {{ {body} }} }}"), None),
        "PhaseRehearsal" => {
            (format!("query({declared}) {{ rehearsePhaseChange(to: INTEGRATION) {{ {body} }} }}"), None)
        }
        "MergerPlan" => mutation(
            "mergeProviders",
            &declared,
            &format!("plan {{ {body} }}"),
            super::mergers::merging("kdvz", &["ivl", "habit"], json!({ "dryRun": true })),
        ),
        "AreaChangePlan" => {
            let input = json!({ "municipality": { "ags": gone(app).await }, "dryRun": true, "reason": reason("OTHER"), "idempotencyKey": "plan" });
            mutation("followAreaChange", &declared, &format!("plan {{ {body} }}"), input)
        }
        "Webhook" => {
            let webhooks =
                app.data_as(&reader(), "{ webhooks { id deliveries(first: 1) { totalCount } } }", json!({})).await;
            let most = |row: &&Value| row[name.as_str()]["totalCount"].as_u64();
            let fullest = webhooks["webhooks"].as_array().and_then(|rows| rows.iter().max_by_key(most));
            let id = fullest.map_or("", |row| row["id"].as_str().unwrap());
            (format!("query({declared}) {{ webhook(id: \"{id}\") {{ {body} }} }}"), None)
        }
        "CustomerGroupPreview" => {
            mutation("saveCustomerGroup", &declared, &format!("preview {{ {body} }}"), group(name))
        }
        "HandOverContactsPayload" => mutation("handOverContacts", &declared, &body, hand_over(app).await),
        owner if types.is_node(owner) => {
            let id = fullest(app, types, owner, name).await;
            (format!("query({declared}) {{ node(id: \"{id}\") {{ ... on {owner} {{ {body} }} }} }}"), None)
        }
        owner => panic!("{owner}.{name}: tell here how a test gets there"),
    };
    List {
        name: format!("{owner}.{name} {more}").trim_end().to_owned(),
        owner: owner.to_owned(),
        field: name.to_string(),
        goes_back: paging.len() == PAGING.len(),
        is_counted,
        token: reader(),
        document,
        input,
    }
}

fn mutation(name: &str, declared: &str, body: &str, input: Value) -> (String, Option<Value>) {
    let kind = format!("{}{}Input", name[..1].to_uppercase(), &name[1..]);
    (format!("mutation($input: {kind}! {declared}) {{ {name}(input: $input) {{ {body} }} }}"), Some(input))
}

/// A rehearsed group that has such members: a new one of all Kreise, or an old one that is emptied.
fn group(field: &str) -> Value {
    let mut input = match field {
        "leaves" | "uncovered" => {
            json!({ "key": "kgst-st-4", "name": "Leer", "version": 1, "rule": { "types": ["KREIS"], "maxPopulation": 0 } })
        }
        _ => json!({ "key": "alle-kreise", "name": "Alle Kreise", "rule": { "types": ["KREIS"] } }),
    };
    input
        .as_object_mut()
        .unwrap()
        .extend(Map::from_iter([("dryRun".to_owned(), json!(true)), ("reason".to_owned(), reason("OTHER"))]));
    input
}

/// One of the central desk hands over what it has.
async fn hand_over(app: &TestApp) -> Value {
    let desk = app.desk().await;
    let other = desk.iter().find(|row| row.id != desk[0].id).unwrap();
    let [from, to] = [&desk[0], other].map(|row| global("Contact", row.id));
    json!({ "from": from, "to": to, "on": "2027-01-01", "dryRun": true, "reason": reason("OTHER") })
}

/// The id of the object whose list has the most rows, of the first hundred.
async fn fullest(app: &TestApp, types: &Types, owner: &str, field: &str) -> String {
    let query = types.rows_of(owner, &format!("id {field}(first: 1) {{ totalCount }}"));
    let data = app.data_as(&reader(), &format!("{{ {query} }}"), json!({})).await;
    let rows = data.as_object().unwrap().values().next().unwrap();
    let rows = rows.as_array().cloned().unwrap_or_else(|| super::nodes(rows));
    let most = rows.iter().max_by_key(|row| row[field]["totalCount"].as_u64()).unwrap();
    most["id"].as_str().unwrap().to_owned()
}
