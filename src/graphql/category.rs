//! Categories: a taxonomy of two levels.

use async_graphql::{Context, Description, ID, Object};

use super::{context::snapshot, node::global_id};
use crate::catalogue::{self, At};

/// A category of products (Kategorie), of one of two levels.
#[derive(Description, Clone, Copy)]
pub struct Category(pub At<catalogue::Category>);

impl Category {
    fn row<'c>(&self, context: &Context<'c>) -> &'c catalogue::Category {
        &snapshot(context).categories[self.0]
    }
}

#[Object(use_type_description)]
impl Category {
    /// Opaque global id, the same for ever.
    pub async fn id(&self, context: &Context<'_>) -> ID {
        global_id("Category", self.row(context).row.id)
    }

    /// Natural key, for filters.
    async fn key<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.key
    }

    /// Name.
    async fn name<'c>(&self, context: &Context<'c>) -> &'c str {
        &self.row(context).row.name
    }

    /// The upper level; null for a top category.
    async fn parent(&self, context: &Context<'_>) -> Option<Category> {
        self.row(context).parent.map(Category)
    }

    /// The lower level, in order; empty for a category of the lower level.
    async fn children(&self, context: &Context<'_>) -> Vec<Category> {
        self.row(context).children.iter().copied().map(Category).collect()
    }
}

/// Root fields for categories.
#[derive(Default)]
pub struct CategoryQuery;

#[Object]
impl CategoryQuery {
    /// The top categories in order; their children are below them.
    async fn categories(&self, context: &Context<'_>) -> Vec<Category> {
        let top = snapshot(context).categories.iter().filter(|(_, category)| category.parent.is_none());
        top.map(|(at, _)| Category(at)).collect()
    }
}
