//! How everything stands, as the feed tells it and as the tables do.

use std::collections::BTreeMap;

use entity::{change::Type, entity_state};
use itkatalog::states;
use sea_orm::{ConnectionTrait, EntityTrait, Iterable, QueryOrder, prelude::Uuid};
use serde_json::{Value, json};

use super::TestApp;

pub type Stand = BTreeMap<(String, Uuid), Option<String>>;

const DIGEST: &str =
    "query($what: ExportKind!, $at: String) { stateDigest(what: $what, at: $at) { what cursor count sha256 } }";

impl TestApp {
    /// The digest of everything of one kind at a cursor, or now.
    pub async fn state_digest(&self, token: &str, what: &str, at: &Value) -> Value {
        self.data_as(token, DIGEST, json!({ "what": what, "at": at })).await["stateDigest"].clone()
    }

    /// The last state of everything, as it is kept beside the feed.
    pub async fn stand(&self) -> Stand {
        let states = entity_state::Entity::find().order_by_asc(entity_state::Column::Sequence);
        let states = states.all(self.server.database().connection()).await.unwrap();
        states.into_iter().map(|row| ((format!("{:?}", row.kind), row.entity_id), row.state)).collect()
    }

    /// Holds what is kept beside the feed against the tables: whatever changed them without an entry is found. What is kept is
    /// thrown away.
    pub async fn check_states(&self) {
        let kept = self.stand().await;
        let db = self.server.database().connection();
        for statement in ["DELETE FROM entity_states", "UPDATE record_heads SET states_from = -1"] {
            db.execute_unprepared(statement).await.unwrap();
        }
        states::keep_missing(self.server.database()).await.unwrap();
        let stand = self.stand().await;
        assert!(kept.keys().filter(|(kind, _)| *kind == format!("{:?}", Type::Product)).count() > 1000);
        // The sample has no freeze and no exception.
        let kinds = kept.keys().map(|(kind, _)| kind).collect::<std::collections::BTreeSet<_>>().len();
        assert!(kinds >= Type::iter().len() - 2, "{kinds}");
        for (thing, state) in &kept {
            let now = stand.get(thing).cloned().flatten();
            assert_eq!(*state, now, "{thing:?} was changed without an entry");
        }
    }
}
