//! Municipalities, Kreise and Landschaftsverbände from the official directory.

use ::entity::{landschaftsverband, municipality};
use sea_orm::{
    DbErr,
    prelude::{Date, Uuid},
};
use serde::Deserialize;

use super::{Writer, broken, id_of, read, some_text};

#[derive(Deserialize)]
struct Town {
    ags: String,
    ars: String,
    name: String,
    official_name: String,
    r#type: String,
    special_status: String,
    kreis_ags: String,
    regierungsbezirk: String,
    landschaftsverband: String,
    population: i64,
    population_date: Date,
    area_km2: String,
    plz_seat: String,
    lon: Option<f64>,
    lat: Option<f64>,
    kgst_groessenklasse: i32,
    go_nrw_status: String,
}

#[derive(Deserialize)]
struct Kreis {
    ags8: String,
    ars: String,
    name: String,
    regierungsbezirk: String,
    landschaftsverband: String,
    population: i64,
    population_date: Date,
    area_km2: String,
    kgst_groessenklasse_kreis: i32,
}

#[derive(Deserialize)]
struct Verband {
    code: String,
    name: String,
    seat: String,
}

pub(super) async fn load(writer: &mut Writer<'_>) -> Result<(), DbErr> {
    let verbaende: Vec<Verband> =
        read("landschaftsverbaende.csv", include_str!("../../data/landschaftsverbaende.csv"))?;
    let verbaende = verbaende.into_iter().map(|row| {
        let code = if row.code == "LVR" { landschaftsverband::Code::Lvr } else { landschaftsverband::Code::Lwl };
        landschaftsverband::Model { id: verband_id(&row.code), code, name: row.name, seat: row.seat }
    });
    writer.insert::<landschaftsverband::Entity>("landschaftsverbaende", verbaende.collect()).await?;
    // Kreise first: the others refer to them.
    let kreise: Vec<Kreis> = read("kreise.csv", include_str!("../../data/kreise.csv"))?;
    let towns: Vec<Town> = read("municipalities.csv", include_str!("../../data/municipalities.csv"))?;
    let rows = kreise.into_iter().map(kreis).chain(towns.into_iter().map(town)).collect::<Result<_, _>>()?;
    writer.insert::<municipality::Entity>("municipalities", rows).await
}

/// The id of a municipality by its AGS of 8 digits, or a Kreis by its 5.
pub(super) fn municipality_id(ags: &str) -> Uuid {
    id_of("municipality", &format!("{ags:0<8}"))
}

fn verband_id(code: &str) -> Uuid {
    id_of("landschaftsverband", code)
}

fn kreis(row: Kreis) -> Result<municipality::Model, DbErr> {
    // The source names a Kreis like its town ("Kleve"); people tell them apart by the word.
    let says_so = ["kreis", "Kreis", "region"].iter().any(|word| row.name.contains(word));
    let name = if says_so { row.name } else { format!("Kreis {}", row.name) };
    Ok(municipality::Model {
        id: municipality_id(&row.ags8),
        area_hectares: hectares("kreise.csv", &row.area_km2)?,
        official_name: name.clone(),
        name,
        ags: row.ags8,
        ars: row.ars,
        kind: municipality::Type::Kreis,
        special_status: None,
        district_id: None,
        government_district: row.regierungsbezirk,
        landschaftsverband_id: verband_id(&row.landschaftsverband),
        population: row.population,
        population_date: row.population_date,
        postcode: None,
        longitude: None,
        latitude: None,
        kgst_size_class: row.kgst_groessenklasse_kreis,
        go_nrw_status: None,
        dissolved_on: None,
        merged_into_id: None,
        area_change_reference: None,
    })
}

fn town(row: Town) -> Result<municipality::Model, DbErr> {
    let kind = match row.r#type.as_str() {
        "kreisfreie_stadt" => municipality::Type::KreisfreieStadt,
        "kreisangehoerige_stadt" => municipality::Type::KreisangehoerigeStadt,
        "kreisangehoerige_gemeinde" => municipality::Type::Gemeinde,
        other => return Err(broken("municipalities.csv", other)),
    };
    let in_district = kind != municipality::Type::KreisfreieStadt;
    Ok(municipality::Model {
        id: municipality_id(&row.ags),
        area_hectares: hectares("municipalities.csv", &row.area_km2)?,
        ags: row.ags,
        ars: row.ars,
        name: row.name,
        official_name: row.official_name,
        kind,
        special_status: some_text(&row.special_status),
        district_id: in_district.then(|| municipality_id(&row.kreis_ags)),
        government_district: row.regierungsbezirk,
        landschaftsverband_id: verband_id(&row.landschaftsverband),
        population: row.population,
        population_date: row.population_date,
        postcode: some_text(&row.plz_seat),
        longitude: row.lon,
        latitude: row.lat,
        kgst_size_class: row.kgst_groessenklasse,
        go_nrw_status: some_text(&row.go_nrw_status),
        dissolved_on: None,
        merged_into_id: None,
        area_change_reference: None,
    })
}

fn hectares(file: &'static str, km2: &str) -> Result<i64, DbErr> {
    super::hundredths(km2).ok_or_else(|| broken(file, km2))
}
