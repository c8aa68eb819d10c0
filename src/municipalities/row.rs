//! One line of the directory, cell by cell: a municipality as it is to be, or everything that is wrong with it.

use ::entity::{
    landschaftsverband,
    municipality::{Model, Type},
};
use sea_orm::prelude::{Date, Uuid};

use super::{cells::Checked, file::Line};
use crate::{
    catalogue::Snapshot,
    error::{Code, Error},
    ids::natural_id,
    text::german_day,
};

/// The Regierungsbezirke with the first digits of their AGS and the Landschaftsverband that they lie in.
const GOVERNMENT_DISTRICTS: [(&str, &str, landschaftsverband::Code); 5] = [
    ("051", "Düsseldorf", landschaftsverband::Code::Lvr),
    ("053", "Köln", landschaftsverband::Code::Lvr),
    ("055", "Münster", landschaftsverband::Code::Lwl),
    ("057", "Detmold", landschaftsverband::Code::Lwl),
    ("059", "Arnsberg", landschaftsverband::Code::Lwl),
];
/// The words of the column `type`.
const TYPES: [(&str, Type); 3] = [
    ("kreisfreie_stadt", Type::KreisfreieStadt),
    ("kreisangehoerige_stadt", Type::KreisangehoerigeStadt),
    ("kreisangehoerige_gemeinde", Type::Gemeinde),
];
/// The words of the column `go_nrw_status`.
const STATUSES: [&str; 6] = [
    "keine",
    "mittlere_kreisangehoerige_stadt",
    "grosse_kreisangehoerige_stadt",
    "unbestimmt",
    "kreisfrei",
    "regionsangehoerig_kreisfrei_gleichgestellt",
];
/// The words of the column `go_nrw_population_band`.
const BANDS: [&str; 6] = ["bis_20000", "20001_25000", "25001_50000", "50001_60000", "ueber_60000", "kreisfrei"];
/// Longest name, in characters.
const LONGEST_NAME: usize = 200;
/// Longest remark, in characters.
const LONGEST_REMARK: usize = 300;
/// Most inhabitants: three times Köln.
const MOST_INHABITANTS: i64 = 3_500_000;
/// Largest area in hectares: twice the largest.
const LARGEST_AREA: i64 = 100_000;

/// The municipality that a line tells of; what is wrong where it can't be one.
pub fn check(snapshot: &Snapshot, line: &Line, today: Date) -> Result<Model, Vec<Error>> {
    let mut checked = Checked { snapshot, today, line, errors: Vec::new() };
    let found = checked.municipality();
    match found {
        Some(model) if checked.errors.is_empty() => Ok(model),
        _ => Err(checked.errors),
    }
}

impl Checked<'_> {
    fn municipality(&mut self) -> Option<Model> {
        let keys = self.keys();
        let kind = self.kind();
        let names = (self.needed("name", LONGEST_NAME), self.needed("official_name", LONGEST_NAME));
        let special_status = self.text("special_status", LONGEST_REMARK);
        let counted = self.counted();
        let area = self.hundredths("area_km2", 1..=LARGEST_AREA);
        let place = (self.postcode(), self.degrees("lon", 5.8..=9.5), self.degrees("lat", 50.3..=52.6));
        let kgst_size_class = self.number("kgst_groessenklasse", 1..=7);
        let go_nrw_status = self.word("go_nrw_status", &STATUSES);
        self.not_kept(counted.map(|(population, _)| population), area);
        let (ags, ars) = keys?;
        let (kind, (population, population_date)) = (kind?, counted?);
        let (district_id, government_district, landschaftsverband_id) = self.belongs(&ags, kind);
        let known = self.snapshot.municipality_by_ags(&ags).map(|at| &self.snapshot.municipalities[at].row);
        Some(Model {
            id: known.map_or_else(|| natural_id("municipality", &ags), |known| known.id),
            ars,
            name: names.0?,
            official_name: names.1?,
            kind,
            special_status,
            district_id,
            government_district: government_district?,
            landschaftsverband_id: landschaftsverband_id?,
            population,
            population_date,
            area_hectares: area?,
            postcode: place.0,
            longitude: place.1,
            latitude: place.2,
            kgst_size_class: i32::try_from(kgst_size_class?).ok()?,
            go_nrw_status,
            dissolved_on: known.and_then(|known| known.dissolved_on),
            merged_into_id: known.and_then(|known| known.merged_into_id),
            area_change_reference: known.and_then(|known| known.area_change_reference.clone()),
            ags,
        })
    }

    /// AGS and ARS, which tell the same.
    fn keys(&mut self) -> Option<(String, String)> {
        let (ags, ars) = (self.digits("ags", 8), self.digits("ars", 12));
        let ags = ags?;
        if !GOVERNMENT_DISTRICTS.iter().any(|(code, ..)| ags.starts_with(code)) {
            self.wrong(
                "ags",
                format!("ags ist {ags}; eine Kommune in Nordrhein-Westfalen beginnt mit 051, 053, 055, 057 oder 059."),
                format!(
                    "ags is {ags}; a municipality in North Rhine-Westphalia begins with 051, 053, 055, 057 or 059."
                ),
            );
        }
        let ars = ars?;
        if ars[..5] != ags[..5] || ars[9..] != ags[5..] {
            let (first, last) = (&ags[..5], &ags[5..]);
            self.wrong(
                "ars",
                format!("ars ist {ars} und passt nicht zu ags {ags}: Er beginnt mit {first} und endet mit {last}."),
                format!("ars is {ars} and does not fit ags {ags}: it begins with {first} and ends with {last}."),
            );
        }
        self.check_taken(&ags, &ars);
        Some((ags, ars))
    }

    /// Whether the keys belong to something else.
    fn check_taken(&mut self, ags: &str, ars: &str) {
        let rows = &self.snapshot.municipalities;
        let known = self.snapshot.municipality_by_ags(ags).map(|at| &rows[at]);
        if known.is_some_and(|known| known.row.kind == Type::Kreis) {
            self.wrong(
                "ags",
                format!("ags {ags} gehört einem Kreis; die Datei enthält nur Städte und Gemeinden."),
                format!("ags {ags} is that of a Kreis; the file holds towns and municipalities only."),
            );
        }
        if let Some(on) =
            known.filter(|known| known.is_dissolved_on(self.today)).and_then(|known| known.row.dissolved_on)
        {
            self.wrong(
                "ags",
                format!(
                    "ags {ags} ist seit {} in einer anderen Kommune aufgegangen. Bitte die Zeile weglassen.",
                    german_day(on)
                ),
                format!("ags {ags} has gone into another municipality on {on}. Please leave the line out."),
            );
        }
        let owner = self.snapshot.municipality_by_ars(ars).map(|at| rows[at].row.ags.clone());
        if let Some(owner) = owner.filter(|owner| owner != ags) {
            self.wrong(
                "ars",
                format!("ars {ars} gehört der Kommune {owner}."),
                format!("ars {ars} is that of the municipality {owner}."),
            );
        }
    }

    fn kind(&mut self) -> Option<Type> {
        let word = self.word("type", &TYPES.map(|(word, _)| word));
        if word.is_none() && self.cell("type").is_empty() {
            self.missing("type");
        }
        let kind = TYPES.iter().find(|(known, _)| word.as_deref() == Some(known)).map(|(_, kind)| *kind)?;
        let is_alone = self.cell("ags").ends_with("000");
        if is_alone != (kind == Type::KreisfreieStadt) {
            self.wrong(
                "type",
                "type passt nicht zu ags: Nur die AGS kreisfreier Städte endet mit 000.",
                "type does not fit ags: only the AGS of a kreisfreie Stadt ends with 000.",
            );
        }
        Some(kind)
    }

    /// Kreis, Regierungsbezirk and Landschaftsverband, which follow from the AGS.
    fn belongs(&mut self, ags: &str, kind: Type) -> (Option<Uuid>, Option<String>, Option<Uuid>) {
        let kreis = ags.get(..5).unwrap_or_default().to_owned();
        self.same("kreis_ags", &kreis);
        let found =
            self.snapshot.municipality_by_ags(&format!("{kreis}000")).map(|at| &self.snapshot.municipalities[at]);
        let district = found.filter(|found| found.row.kind == Type::Kreis).map(|found| (found.row.id, &found.row.name));
        if kind != Type::KreisfreieStadt && district.is_none() {
            let error = Error::new(
                Code::NotFound,
                format!("Den Kreis {kreis} gibt es nicht im Katalog."),
                format!("There is no Kreis {kreis} in the catalogue."),
            );
            self.errors.push(error.with("field", "kreis_ags"));
        }
        let named = self.text("kreis_name", LONGEST_NAME);
        if let Some((named, (_, name))) =
            named.zip(district).filter(|(named, (_, name))| !name.ends_with(named.as_str()))
        {
            self.wrong(
                "kreis_name",
                format!("kreis_name ist „{named}“; der Kreis {kreis} heißt „{name}“."),
                format!("kreis_name is “{named}”; the Kreis {kreis} is called “{name}”."),
            );
        }
        let of = GOVERNMENT_DISTRICTS.iter().find(|(code, ..)| ags.starts_with(code));
        let Some((code, name, verband)) = of else { return (None, None, None) };
        self.same("regierungsbezirk", name);
        self.same("regierungsbezirk_code", code);
        self.same("landschaftsverband", verband_word(*verband));
        let verband = self.snapshot.landschaftsverbaende.iter().find(|(_, row)| row.code == *verband);
        let district = district.map(|(id, _)| id).filter(|_| kind != Type::KreisfreieStadt);
        (district, Some((*name).to_owned()), verband.map(|(_, row)| row.id))
    }

    /// Inhabitants, and the day of their count.
    fn counted(&mut self) -> Option<(i64, Date)> {
        let (population, date) = (self.number("population", 1..=MOST_INHABITANTS), self.day("population_date"));
        population.zip(date)
    }

    fn postcode(&mut self) -> Option<String> {
        if self.cell("plz_seat").is_empty() { None } else { self.digits("plz_seat", 5) }
    }

    /// Columns that are looked at and not kept: what they tell has to fit the others.
    fn not_kept(&mut self, population: Option<i64>, area: Option<i64>) {
        if self.has("population_male") {
            self.number("population_male", 0..=population.unwrap_or(MOST_INHABITANTS));
        }
        if self.has("area_date") {
            self.day("area_date");
        }
        if self.has("go_nrw_population_band") {
            self.word("go_nrw_population_band", &BANDS);
        }
        if self.has("go_nrw_status_basis") {
            self.needed("go_nrw_status_basis", LONGEST_REMARK);
        }
        let Some(density) = self.has("density").then(|| self.number("density", 0..=100_000)).flatten() else { return };
        let Some((population, area)) = population.zip(area) else { return };
        // Rounded either way.
        let expected = population * 100 / area;
        if (density - expected).abs() > 1 {
            self.wrong(
                "density",
                format!("density ist {density}; population und area_km2 ergeben {expected}. Eine der drei Zahlen ist falsch."),
                format!("density is {density}; population and area_km2 come to {expected}. One of the three is wrong."),
            );
        }
    }
}

/// The word of the column `type`; none for a Kreis, which stands in no line.
pub(super) fn type_word(kind: Type) -> Option<&'static str> {
    TYPES.iter().find(|(_, known)| *known == kind).map(|(word, _)| *word)
}

/// The word of the column `landschaftsverband`.
pub(super) fn verband_word(code: landschaftsverband::Code) -> &'static str {
    match code {
        landschaftsverband::Code::Lvr => "LVR",
        landschaftsverband::Code::Lwl => "LWL",
    }
}
