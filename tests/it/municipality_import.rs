//! The directory of municipalities comes in as a whole or not at all, and every fault is told at its line.

use entity::{change, municipality};
use sea_orm::{ColumnTrait, EntityTrait, PaginatorTrait, QueryFilter};
use serde_json::{Value, json};

use crate::support::{
    TestApp, account_manager,
    acts::{AACHEN, KLEVE},
    auditor, land,
    municipalities::{COUNT, SHIPPED, and, file, importing, table, with, without},
    municipality as town, provider, steward, transformation_office,
};

/// What a write would leave: version of the catalogue, audit events, entries of the feed, and all municipalities.
async fn stand(app: &TestApp) -> (i64, usize, u64, Vec<municipality::Model>) {
    let db = app.server.database().connection();
    app.server.live().refresh().await;
    let mut rows = municipality::Entity::find().all(db).await.unwrap();
    rows.sort_by_key(|row| row.id);
    let entries = change::Entity::find().count(db).await.unwrap();
    (app.server.live().snapshot().version, app.events().await.len(), entries, rows)
}

/// The codes and paths of errors.
fn faults(errors: &Value) -> Vec<(String, String)> {
    let fault = |error: &Value| {
        assert!(!error["message"].as_str().unwrap().is_empty() && !error["nextStep"].as_str().unwrap().is_empty());
        let path: Vec<&str> = error["path"].as_array().unwrap().iter().map(|part| part.as_str().unwrap()).collect();
        (error["code"].as_str().unwrap().to_owned(), path.join("."))
    };
    errors.as_array().unwrap().iter().map(fault).collect()
}

fn row_of<'r>(report: &'r Value, ags: &str) -> &'r Value {
    report["rows"].as_array().unwrap().iter().find(|row| row["ags"] == ags).unwrap()
}

/// Faults: of which municipality, in which column, what stands there, and what is told at which column.
fn wrong() -> Vec<(&'static str, &'static str, String, &'static str, &'static str)> {
    let bad = |ags, column, value: &str, told| (ags, column, value.to_owned(), "BAD_USER_INPUT", told);
    vec![
        bad("05111000", "population", "-1", "population"),
        bad("05112000", "population", "9999999999999999999", "population"),
        bad("05113000", "population", "1.5", "population"),
        bad("05114000", "ars", "051140000001", "ars"),
        bad("05116000", "ars", "05116", "ars"),
        bad("05117000", "population_date", "2099-12-31", "population_date"),
        bad("05119000", "population_date", "31.02.2024", "population_date"),
        bad("05120000", "type", "kreisangehoerige_stadt", "type"),
        bad("05122000", "type", "stadtstaat", "type"),
        bad("05124000", "type", "", "type"),
        bad("05154004", "kreis_ags", "05158", "kreis_ags"),
        bad("05154008", "regierungsbezirk", "Köln", "regierungsbezirk"),
        bad("05154012", "landschaftsverband", "LWL", "landschaftsverband"),
        bad("05154016", "area_km2", "0", "area_km2"),
        bad("05154020", "area_km2", "12.345", "area_km2"),
        bad("05154024", "plz_seat", "4720", "plz_seat"),
        bad("05154028", "lon", "NaN", "lon"),
        bad("05154032", "lat", "48.1", "lat"),
        bad(KLEVE, "kgst_groessenklasse", "8", "kgst_groessenklasse"),
        bad("05154040", "go_nrw_status", "gross", "go_nrw_status"),
        bad("05154044", "name", "", "name"),
        bad("05154048", "name", "Rheu\u{0}rdt", "name"),
        bad("05154052", "official_name", &"x".repeat(201), "official_name"),
        bad("05154056", "density", "1", "density"),
        bad("05154060", "population_male", "999999", "population_male"),
        bad("05154064", "kreis_name", "Mettmann", "kreis_name"),
        bad("05158004", "special_status", &"x".repeat(301), "special_status"),
        bad("05158008", "go_nrw_population_band", "viele", "go_nrw_population_band"),
    ]
}

on_both_databases! {
    async fn the_shipped_file_changes_nothing_however_it_is_written(app: TestApp) {
        let before = stand(app).await;
        let mut turned = table(SHIPPED);
        turned.iter_mut().for_each(|row| row.reverse());
        let is_kept = |name: &String| !itkatalog::municipalities::file::CHECKED.contains(&name.as_str());
        let kept: Vec<bool> = table(SHIPPED)[0].iter().map(is_kept).collect();
        let needed = table(SHIPPED).into_iter().map(|row| row.into_iter().zip(&kept).filter(|(_, kept)| **kept).map(|(cell, _)| cell).collect());
        let needed: Vec<Vec<String>> = needed.collect();
        let files = [
            SHIPPED.to_owned(),
            format!("\u{feff}{SHIPPED}"),
            file(&table(SHIPPED), b';'),
            file(&turned, b','),
            file(&needed, b';'),
            SHIPPED.replace('\n', "\r\n"),
            SHIPPED.replacen("ags,ars", " AGS , Ars", 1),
        ];
        for csv in files {
            for dry_run in [true, false] {
                let mut input = importing(SHIPPED, json!({ "dryRun": dry_run }));
                input["csv"] = json!(csv);
                let report = app.imported(input).await;
                let counts = ["total", "added", "changed", "unchanged", "rejected", "missing"].map(|name| report[name].as_u64().unwrap() as usize);
                assert_eq!(counts, [COUNT, 0, 0, COUNT, 0, 0]);
                assert_eq!((&report["dryRun"], &report["written"]), (&json!(dry_run), &json!(!dry_run)));
            }
        }
        assert_eq!(stand(app).await, before, "nothing is written, nothing recorded");
    }

    async fn a_changed_population_is_told_with_before_and_after_and_written_once(app: TestApp) {
        let before = stand(app).await;
        let csv = with(&with(&with(SHIPPED, AACHEN, "population", "260000"), AACHEN, "density", "1616"), AACHEN, "population_male", "100000");
        let csv = with(&csv, KLEVE, "plz_seat", "47999");
        let rehearsed = app.imported(importing(&csv, json!({ "dryRun": true }))).await;
        assert_eq!(stand(app).await, before);
        let input = importing(&csv, json!({}));
        let report = app.imported(input.clone()).await;
        for told in [&rehearsed, &report] {
            assert_eq!((&told["changed"], &told["unchanged"]), (&json!(2), &json!(COUNT - 2)));
            let row = row_of(told, AACHEN);
            let was = before.3.iter().find(|row| row.ags == AACHEN).unwrap().population.to_string();
            assert_eq!(row["changes"], json!([{ "field": "population", "before": was, "after": "260000" }]));
            assert_eq!(row["line"].as_u64().unwrap(), row["index"].as_u64().unwrap() + 2);
        }
        assert_eq!(row_of(&report, AACHEN)["municipality"]["population"], 260_000, "as it is since");
        let after = stand(app).await;
        assert_eq!((after.0, after.1, after.2), (before.0 + 1, before.1 + 2, before.2 + 2), "one event and one entry each");
        let events = app.events().await.split_off(before.1);
        assert!(events.iter().all(|event| event.action == "IMPORT_MUNICIPALITIES" && event.rule.as_deref() == Some("land-imports-municipalities")));
        assert!(events.iter().any(|event| event.after.as_deref() == Some("{\"population\":\"260000\"}")), "{events:?}");
        // The same again, with the same key and with another.
        for again in [input.clone(), importing(&csv, json!({})), importing(&csv, json!({ "dryRun": true }))] {
            assert_eq!(app.imported(again).await["unchanged"], json!(COUNT));
        }
        let other = json!({ "csv": SHIPPED, "idempotencyKey": input["idempotencyKey"] });
        assert_eq!(faults(&app.import_as(&land(), importing(SHIPPED, other)).await["errors"])[0].0, "IDEMPOTENCY_KEY_REUSED");
        assert_eq!(stand(app).await, after);
        app.verify().await.unwrap();
        app.check_states().await;
    }

    async fn every_fault_is_found_at_its_line_in_a_dry_run_and_for_real_alike(app: TestApp) {
        let before = stand(app).await;
        let mut csv = SHIPPED.to_owned();
        for (ags, column, value, ..) in wrong() {
            csv = with(&csv, ags, column, &value);
        }
        let mut reports = Vec::new();
        for dry_run in [true, false] {
            let payload = app.import_as(&land(), importing(&csv, json!({ "dryRun": dry_run }))).await;
            assert_eq!(faults(&payload["errors"]), [("BAD_USER_INPUT".to_owned(), "input.csv".to_owned())], "that lines are wrong is told above them too");
            let mut report = payload["report"].clone();
            assert_eq!((&report["written"], &report["rejected"], &report["missing"]), (&json!(false), &json!(wrong().len()), &json!(0)));
            for (ags, column, value, code, told) in wrong() {
                let row = row_of(&report, ags);
                let path = format!("input.csv.{}.{told}", row["index"]);
                assert!(faults(&row["errors"]).contains(&(code.to_owned(), path)), "{column} {value:.20}: {row}");
                assert_eq!((&row["outcome"], row["line"].as_u64()), (&json!("REJECTED"), Some(row["index"].as_u64().unwrap() + 2)));
            }
            report["dryRun"] = Value::Null;
            reports.push(report);
        }
        assert_eq!(reports[0], reports[1], "a dry run tells what the real one does");
        assert_eq!(stand(app).await, before);
    }

    async fn keys_that_stand_twice_or_belong_to_another_are_told(app: TestApp) {
        let wrong_key = async |csv: String, ags: &str, code: &str, column: &str| {
            let payload = app.import_as(&land(), importing(&csv, json!({}))).await;
            let rows = payload["report"]["rows"].as_array().unwrap();
            let row = rows.iter().rev().find(|row| row["ags"] == ags).unwrap();
            let path = format!("input.csv.{}.{column}", row["index"]);
            assert!(faults(&row["errors"]).contains(&(code.to_owned(), path)), "{ags} {column}: {row}");
            assert_eq!(payload["report"]["written"], false);
        };
        wrong_key(and(SHIPPED, KLEVE, KLEVE, "Kleve"), KLEVE, "BAD_USER_INPUT", "ags").await;
        wrong_key(with(SHIPPED, KLEVE, "ags", "05154000"), "05154000", "BAD_USER_INPUT", "ags").await;
        wrong_key(with(SHIPPED, KLEVE, "ags", "12345678"), "12345678", "BAD_USER_INPUT", "ags").await;
        wrong_key(with(SHIPPED, KLEVE, "ags", "5154036"), "5154036", "BAD_USER_INPUT", "ags").await;
        wrong_key(with(SHIPPED, KLEVE, "ars", "051540032032"), KLEVE, "BAD_USER_INPUT", "ars").await;
        wrong_key(and(SHIPPED, KLEVE, "05199001", "Neustadt"), "05199001", "NOT_FOUND", "kreis_ags").await;
    }

    async fn a_file_that_was_cut_imports_nothing_and_the_error_names_the_line(app: TestApp) {
        let before = stand(app).await;
        let csv = with(SHIPPED, AACHEN, "plz_seat", "52999");
        let whole = importing(&csv, json!({}));
        let ends: Vec<usize> = csv.match_indices('\n').map(|(place, _)| place).collect();
        let quote = csv.match_indices('"').nth(101).unwrap().0;
        // In the header, within a name, within quotation marks, before and after a line's end, in the last value, before its end.
        let places = [ends[0] - 30, ends[0], ends[0] + 1, csv.len() / 2, quote - 3, ends[200], ends[200] + 1, ends[200] + 3, ends[395] + 1, csv.len() - 5, csv.len() - 1];
        for place in places.into_iter().map(|place| (place..).find(|place| csv.is_char_boundary(*place)).unwrap()) {
            let cut = &csv[..place];
            for dry_run in [true, false] {
                let mut input = whole.clone();
                input["csv"] = json!(cut);
                input["dryRun"] = json!(dry_run);
                let payload = app.import_as(&land(), input).await;
                let errors = payload["errors"].as_array().unwrap();
                assert_eq!((&payload["report"], errors.len()), (&Value::Null, 1), "cut at {place}");
                let message = errors[0]["message"].as_str().unwrap();
                let number = message.split("Zeile ").nth(1).unwrap_or_else(|| panic!("{message}"));
                let number: usize = number.chars().take_while(char::is_ascii_digit).collect::<String>().parse().unwrap();
                let last = cut.trim_end_matches('\n').matches('\n').count() + 1;
                assert!(number == last || number == last - 1, "cut in line {last}: {message}");
            }
        }
        assert_eq!(stand(app).await, before);
        assert_eq!(app.imported(whole).await["changed"], 1, "whole it comes in");
    }

    async fn what_is_wrong_with_the_file_as_a_whole_is_told(app: TestApp) {
        let before = stand(app).await;
        let refused = async |csv: &str, more: Value, path: &str, names: &str| {
            let mut input = importing(SHIPPED, more);
            input["csv"] = json!(csv);
            let payload = app.import_as(&land(), input).await;
            assert_eq!(faults(&payload["errors"]), [("BAD_USER_INPUT".to_owned(), path.to_owned())]);
            let error = &payload["errors"][0];
            assert!(error["message"].as_str().unwrap().contains(names), "{error}");
        };
        for count in [0, 395, 397, -1] {
            refused(SHIPPED, json!({ "count": count }), "input.count", "Zeile 397").await;
        }
        refused(&SHIPPED.replacen("population,", "einwohner,", 1), json!({}), "input.csv", "einwohner").await;
        refused(&SHIPPED.replacen("density", "name", 1), json!({}), "input.csv", "name").await;
        refused("", json!({}), "input.csv", "leer").await;
        refused("ags,name\n1,2\n", json!({ "count": 1 }), "input.csv", "population").await;
        refused(&SHIPPED.replacen("Essen,", "Essen,zu viel,", 1), json!({}), "input.csv", "Zeile 4 hat 25 Spalten").await;
        // A municipality that was left out.
        let payload = app.import_as(&land(), importing(&without(SHIPPED, &[KLEVE, AACHEN]), json!({}))).await;
        assert_eq!(payload["report"]["missingMunicipalities"], json!([KLEVE, AACHEN]));
        assert_eq!(faults(&payload["errors"]), [("BAD_USER_INPUT".to_owned(), "input.csv".to_owned())]);
        assert!(payload["errors"][0]["message"].as_str().unwrap().contains(KLEVE));
        assert_eq!(stand(app).await, before);
    }

    async fn only_the_land_and_stewards_import(app: TestApp) {
        let before = stand(app).await;
        let csv = with(SHIPPED, AACHEN, "plz_seat", "52999");
        let others = [town(AACHEN), provider("krzn"), account_manager("kreise"), transformation_office(), auditor()];
        for token in &others {
            for dry_run in [true, false] {
                let payload = app.import_as(token, importing(&csv, json!({ "dryRun": dry_run }))).await;
                assert_eq!((&payload["errors"][0]["code"], &payload["errors"][0]["rule"], &payload["report"]), (&json!("FORBIDDEN"), &json!("no-rule-permits"), &Value::Null));
                assert!(payload["errors"][0]["nextStep"].as_str().unwrap().contains("Das Land kann es."));
            }
        }
        let document = "mutation($input: ImportMunicipalitiesInput!) { importMunicipalities(input: $input) { errors { code } } }";
        let (code, ..) = app.error(document, json!({ "input": importing(&csv, json!({})) })).await;
        assert_eq!(code, "UNAUTHENTICATED");
        let after = stand(app).await;
        assert_eq!((after.0, after.1, after.2), (before.0, before.1 + 2 * others.len(), before.2), "refusals are recorded");
        assert_eq!(after.3, before.3);
        let payload = app.import_as(&steward(), importing(&csv, json!({}))).await;
        assert_eq!((&payload["errors"], &payload["report"]["changed"]), (&json!([]), &json!(1)));
        assert_eq!(app.events().await.last().unwrap().rule.as_deref(), Some("steward-imports-municipalities"));
    }

    async fn a_new_municipality_is_in_a_group_and_has_a_contact(app: TestApp) {
        let csv = and(SHIPPED, KLEVE, "05154068", "Neustadt am Rhein");
        let report = app.imported(importing(&csv, json!({}))).await;
        let row = row_of(&report, "05154068");
        assert_eq!((&report["added"], &row["outcome"], &row["municipality"]["name"]), (&json!(1), &json!("ADDED"), &json!("Neustadt am Rhein")));
        let told = app.data("{ municipality(by: {ags: \"05154068\"}) { id district { ags } customerGroups { key } } contactFor(municipality: {ags: \"05154068\"}) { foundBy contact { email } } }", json!({})).await;
        assert_eq!((&told["municipality"]["district"]["ags"], &told["municipality"]["customerGroups"][0]["key"]), (&json!("05154000"), &json!("kgst-st-4")));
        assert!(told["contactFor"]["contact"]["email"].is_string(), "{told}");
        let expected = itkatalog::ids::natural_id("municipality", "05154068");
        let found = municipality::Entity::find().filter(municipality::Column::Ags.eq("05154068")).one(app.server.database().connection()).await.unwrap().unwrap();
        assert_eq!(found.id, expected, "the same in every installation");
        app.verify().await.unwrap();
        app.check_states().await;
    }
}
