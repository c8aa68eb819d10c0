//! Providers, what they serve, and their mergers, as far as they are public.

use ::entity::{provider, provider_coverage, provider_merger, provider_merger_predecessor};
use sea_orm::{
    DbErr,
    prelude::{Date, Uuid},
};
use serde::Deserialize;

use super::{Writer, broken, id_of, municipalities::municipality_id, read, some_text};

#[derive(Deserialize)]
struct Row {
    provider_id: String,
    name: String,
    short_name: String,
    legal_form: String,
    seat: String,
    category: String,
    region_served: String,
    website: String,
    kdn_member: String,
    source: String,
    confidence: String,
}

#[derive(Deserialize)]
struct Coverage {
    provider_id: String,
    ags: String,
    basis: String,
    source: String,
    confidence: String,
}

#[derive(Deserialize)]
struct Merger {
    merger_id: String,
    date: String,
    effective_on: Option<Date>,
    kind: String,
    predecessors: String,
    successor: String,
    successor_provider_id: String,
    affected: String,
    source: String,
    confidence: String,
}

pub(super) async fn load(writer: &mut Writer<'_>) -> Result<(), DbErr> {
    let rows: Vec<Row> = read("providers.csv", include_str!("../../data/providers.csv"))?;
    let rows = rows.into_iter().map(provider).collect::<Result<_, _>>()?;
    writer.insert::<provider::Entity>("providers", rows).await?;
    let coverage: Vec<Coverage> = read("provider_coverage.csv", include_str!("../../data/provider_coverage.csv"))?;
    let coverage = coverage.into_iter().map(served).collect();
    writer.insert::<provider_coverage::Entity>("provider_coverage", coverage).await?;
    let mergers: Vec<Merger> = read("provider_mergers.csv", include_str!("../../data/provider_mergers.csv"))?;
    let predecessors = mergers.iter().flat_map(predecessors).collect();
    let mergers = mergers.into_iter().map(merger).collect::<Result<_, _>>()?;
    writer.insert::<provider_merger::Entity>("provider_mergers", mergers).await?;
    writer.insert::<provider_merger_predecessor::Entity>("provider_merger_predecessors", predecessors).await
}

/// The id of a provider by its key.
pub(super) fn provider_id(key: &str) -> Uuid {
    id_of("provider", key)
}

fn provider(row: Row) -> Result<provider::Model, DbErr> {
    let kind = match row.category.split(' ').next() {
        Some("flächendeckend" | "flaechendeckend") => provider::Kind::AreaWide,
        Some("regional") => provider::Kind::Regional,
        Some("staedtisch") => provider::Kind::City,
        Some("kreis") => provider::Kind::District,
        Some("landschaftsverband") => provider::Kind::RegionalAssociation,
        Some("dachverband") => provider::Kind::Umbrella,
        Some("land_kommunal") => provider::Kind::State,
        _ => return Err(broken("providers.csv", &row.category)),
    };
    let kdn_member = match row.kdn_member.get(..2) {
        Some("ye") => Some(true),
        Some("no") => Some(false),
        _ => None,
    };
    Ok(provider::Model {
        id: provider_id(&row.provider_id),
        key: row.provider_id,
        name: row.name,
        short_name: some_text(&row.short_name),
        kind,
        legal_form: some_text(without_remark(&row.legal_form)),
        seat: some_text(without_remark(&row.seat)),
        area_served: some_text(&row.region_served),
        website: some_text(&row.website),
        kdn_member,
        source: row.source,
        confidence: row.confidence,
        sample: false,
    })
}

/// The collection puts its doubts behind a name in brackets; they are told by `confidence`.
fn without_remark(text: &str) -> &str {
    text.strip_suffix("(general knowledge, unverified)").unwrap_or(text).trim()
}

fn served(row: Coverage) -> provider_coverage::Model {
    provider_coverage::Model {
        id: id_of("coverage", &format!("{}:{}", row.provider_id, row.ags)),
        provider_id: provider_id(&row.provider_id),
        municipality_id: municipality_id(&row.ags),
        basis: row.basis,
        valid_from: None,
        valid_to: None,
        source: row.source,
        confidence: row.confidence,
    }
}

fn merger(row: Merger) -> Result<provider_merger::Model, DbErr> {
    let kind = match row.kind.as_str() {
        "fusion" => provider_merger::Kind::Merger,
        "beitritt" => provider_merger::Kind::Accession,
        "beitritt_mit_betriebsuebergang" => provider_merger::Kind::AccessionWithTransfer,
        "gemeinsamer_zweckverband_rz" => provider_merger::Kind::JointDataCentre,
        "kooperationsvertrag" => provider_merger::Kind::Cooperation,
        "geplant" => provider_merger::Kind::Planned,
        other => return Err(broken("provider_mergers.csv", other)),
    };
    Ok(provider_merger::Model {
        id: id_of("merger", &row.merger_id),
        on_date: row.effective_on,
        key: row.merger_id,
        kind,
        date_text: row.date,
        successor_name: row.successor,
        successor_id: (!row.successor_provider_id.is_empty()).then(|| provider_id(&row.successor_provider_id)),
        affected: some_text(&row.affected),
        source: row.source,
        confidence: row.confidence,
    })
}

fn predecessors(row: &Merger) -> Vec<provider_merger_predecessor::Model> {
    // A cooperation or a plan ends nobody; its partners are named by it all the same.
    let known = |name: &str| match name {
        "ITK Rheinland" => Some("itkr"),
        "kdvz Rhein-Erft-Rur" => Some("kdvz"),
        "Informationsverarbeitung Leverkusen GmbH (ivl)" => Some("ivl"),
        _ => None,
    };
    let names = row.predecessors.split("; ").map(|name| provider_merger_predecessor::Model {
        id: id_of("predecessor", &format!("{}:{name}", row.merger_id)),
        merger_id: id_of("merger", &row.merger_id),
        name: name.to_owned(),
        provider_id: known(name).map(provider_id),
    });
    names.collect()
}
