//! Exports as files: downloads whole and in parts, tables for people, and the same from the command line.

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::support::{
    TestApp,
    acts::AACHEN,
    exports::File,
    land, municipality,
    program::{run, text},
    provider, steward, token,
};
use itkatalog::exports;

async fn part(app: &TestApp, export: &Value, range: &str) -> File {
    let path = export["downloadPath"].as_str().unwrap();
    app.download(Some(&land()), path, |request| request.header("range", range)).await
}

/// Cells of a table, by column.
fn table(bytes: &[u8]) -> Vec<std::collections::HashMap<String, String>> {
    assert_eq!(&bytes[..3], b"\xef\xbb\xbf", "a spreadsheet sees UTF-8");
    csv::ReaderBuilder::new().delimiter(b';').from_reader(&bytes[3..]).deserialize().map(Result::unwrap).collect()
}

on_both_databases! {
    async fn a_download_that_broke_off_goes_on_where_it_was(app: TestApp) {
        let export = app.exported(&land(), json!({ "what": "SUBSCRIPTIONS" })).await;
        let whole = app.file(&land(), &export).await;
        let length = whole.bytes.len();
        assert_eq!((whole.header("content-length"), whole.header("accept-ranges")), (length.to_string().as_str(), "bytes"));
        assert_eq!(whole.header("content-disposition"), "attachment; filename=\"subscriptions-2026-11-23.jsonl\"");
        assert_eq!(whole.header("etag"), format!("\"{}\"", export["sha256"].as_str().unwrap()));
        assert!(whole.header("repr-digest").starts_with("sha-256=:"), "{}", whole.header("repr-digest"));
        for cut in [1, length / 3, length - 1] {
            let (first, rest) = (part(app, &export, &format!("bytes=0-{}", cut - 1)).await, part(app, &export, &format!("bytes={cut}-")).await);
            assert_eq!((first.status.as_u16(), rest.status.as_u16()), (206, 206));
            assert_eq!(rest.header("content-range"), format!("bytes {cut}-{}/{length}", length - 1));
            assert_eq!(rest.header("content-length"), (length - cut).to_string());
            assert!([first.bytes, rest.bytes].concat() == whole.bytes, "{cut}");
        }
        assert!(part(app, &export, "bytes=-10").await.bytes == whole.bytes[length - 10..]);
        for range in ["bytes=0-1,4-5", "lines=1-2", "bytes=x"] {
            let file = part(app, &export, range).await;
            assert_eq!((file.status.as_u16(), file.bytes.len()), (200, length), "{range}");
        }
        for range in [format!("bytes={length}-"), "bytes=99999999999-".to_owned()] {
            let file = part(app, &export, &range).await;
            assert_eq!((file.status.as_u16(), file.header("content-range")), (416, format!("bytes */{length}").as_str()), "{range}");
        }
    }

    async fn a_part_of_another_file_is_never_put_to_this_one(app: TestApp) {
        let export = app.exported(&land(), json!({ "what": "PROVIDERS" })).await;
        let path = export["downloadPath"].as_str().unwrap();
        let with = async |name: &'static str, value: String| {
            app.download(Some(&land()), path, |request| request.header("range", "bytes=5-9").header(name, value)).await
        };
        let tag = format!("\"{}\"", export["sha256"].as_str().unwrap());
        assert_eq!(with("if-range", tag.clone()).await.status, 206);
        assert_eq!(with("if-range", "\"another\"".to_owned()).await.status, 200);
        let known = app.download(Some(&land()), path, |request| request.header("if-none-match", tag)).await;
        assert_eq!((known.status.as_u16(), known.bytes.len()), (304, 0));
        let zipped = app.download(Some(&land()), path, |request| request.header("accept-encoding", "gzip, br, zstd")).await;
        assert_eq!((zipped.header("content-encoding"), zipped.bytes.len() as u64), ("", export["bytes"].as_u64().unwrap()));
    }

    async fn a_file_is_sent_to_its_account_only_and_only_once_it_is_whole(app: TestApp) {
        let started = app.export_done(&land(), "startExport", json!({ "what": "PROVIDERS" })).await;
        let path = format!("/exports/{}", started["id"].as_str().unwrap());
        let get = async |token: Option<&str>, path: &str| {
            let file = app.download(token, path, |request| request).await;
            (file.status.as_u16(), file.code(), file.header("retry-after").to_owned())
        };
        let told = |status: u16, code: &str| (status, code.to_owned(), String::new());
        assert_eq!(get(Some(&land()), &path).await, (409, "CONFLICT".to_owned(), "1".to_owned()));
        exports::round(app.server.desk()).await.unwrap();
        for stranger in [steward(), municipality(AACHEN), provider("krzn"), token(json!({ "roles": ["land"], "sub": "another" }))] {
            assert_eq!(get(Some(&stranger), &path).await, told(404, "NOT_FOUND"));
        }
        assert_eq!(get(None, &path).await, told(401, "UNAUTHENTICATED"));
        assert_eq!(get(Some("no.such.token"), &path).await, told(401, "UNAUTHENTICATED"));
        for strange in ["/exports/x", "/exports/UHJvZHVjdDox", &format!("{path}x"), "/exports/%00"] {
            assert_eq!(get(Some(&land()), strange).await, told(404, "NOT_FOUND"), "{strange}");
        }
        assert_eq!(app.download(Some(&land()), &path, |request| request).await.status, 200);
        app.export_done(&land(), "cancelExport", json!({ "export": started["id"] })).await;
        assert_eq!(get(Some(&land()), &path).await, told(410, "EXPIRED"));
    }

    async fn a_table_has_names_beside_the_ids_and_runs_nothing(app: TestApp) {
        app.subscription(AACHEN, ("regioit", "BAU-05"), |row| row.price_amount_cents = Some(123_450)).await;
        app.rename_product(("regioit", "BAU-05"), "=HYPERLINK(\"http://x\"); \"böse\"").await;
        app.states_anew().await;
        let export = app.exported(&land(), json!({ "what": "SUBSCRIPTIONS", "format": "CSV", "filter": { "municipality": { "ags": AACHEN } } })).await;
        let file = app.file(&land(), &export).await;
        assert_eq!(file.header("content-type"), "text/csv; charset=utf-8");
        assert!(file.header("content-disposition").ends_with(".csv\""));
        let rows = table(&file.bytes);
        assert_eq!(rows.len(), export["rows"].as_u64().unwrap() as usize);
        assert!(rows.iter().all(|row| row["ags"] == AACHEN && row["municipality"] == "Aachen" && row["district"].contains("Aachen")), "{rows:?}");
        let row = rows.iter().find(|row| row["externalId"] == "BAU-05" && row["price.amount"] == "1234,50").unwrap();
        assert_eq!(row["product"], "'=HYPERLINK(\"http://x\"); \"böse\"");
        assert_eq!((row["state"].as_str(), row["providerKey"].as_str()), ("ACTIVE", "regioit"));

        let products = app.exported(&land(), json!({ "what": "PRODUCTS", "format": "CSV" })).await;
        let rows = table(&app.file(&land(), &products).await.bytes);
        assert!(rows.len() as u64 >= products["rows"].as_u64().unwrap());
        assert!(rows.iter().all(|row| !row["name"].is_empty() && !row["provider"].is_empty() && !row["category"].is_empty()));
        assert!(rows.iter().any(|row| row["prices.amount"].contains(',')));
        for what in ["PROVIDERS", "MUNICIPALITIES"] {
            let export = app.exported(&land(), json!({ "what": what, "format": "CSV" })).await;
            assert_eq!(table(&app.file(&land(), &export).await.bytes).len() as u64, export["rows"].as_u64().unwrap());
        }
    }

    async fn a_table_of_nothing_has_its_columns(app: TestApp) {
        let none = json!({ "what": "SUBSCRIPTIONS", "format": "CSV", "filter": { "municipality": { "ags": AACHEN }, "states": ["WITHDRAWN"] } });
        let export = app.exported(&land(), none).await;
        assert_eq!((&export["rows"], export["bytes"].as_u64() > Some(100)), (&json!(0), true));
        assert!(table(&app.file(&land(), &export).await.bytes).is_empty());
        let none = json!({ "what": "SUBSCRIPTIONS", "filter": { "municipality": { "ags": AACHEN }, "states": ["WITHDRAWN"] } });
        let export = app.exported(&land(), none).await;
        assert_eq!((&export["rows"], &export["bytes"], app.file(&land(), &export).await.bytes.len()), (&json!(0), &json!(0), 0));
    }
}

#[test]
fn the_command_line_writes_the_same_without_a_server() {
    let folder = TempDir::new().unwrap();
    assert!(run(folder.path(), &["migrate", "up"]).status.success());
    assert!(run(folder.path(), &["seed", "--demo"]).status.success());
    let whole = run(folder.path(), &["export", "subscriptions"]);
    assert!(whole.status.success(), "{}", text(&whole.stderr));
    let lines = text(&whole.stdout);
    assert!(lines.lines().count() > 100 && lines.lines().all(|line| serde_json::from_str::<Value>(line).is_ok()));
    assert!(text(&whole.stderr).contains(&format!("{} rows", lines.lines().count())), "{}", text(&whole.stderr));

    let file = folder.path().join("aachen.csv");
    let arguments = [
        "export",
        "subscriptions",
        "--format",
        "csv",
        "--district",
        "05334000",
        "--state",
        "active",
        "--output",
        file.to_str().unwrap(),
    ];
    let told = run(folder.path(), &arguments);
    assert!(told.status.success() && told.stdout.is_empty(), "{}", text(&told.stderr));
    let rows = table(&std::fs::read(&file).unwrap());
    assert!(!rows.is_empty() && rows.iter().all(|row| row["state"] == "ACTIVE" && row["ags"].starts_with("05334")));

    let changes = run(folder.path(), &["export", "changes"]);
    let entries: Vec<Value> = text(&changes.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(entries.len() > 1_000, "{}", entries.len());
    assert!(entries.iter().enumerate().all(|(index, entry)| entry["sequence"] == json!(index + 1)));
    assert!(entries.iter().any(|entry| entry["state"].is_object() && entry["type"] == "PRODUCT"));

    for (arguments, says) in [
        (vec!["export", "providers", "--state", "ACTIVE"], "filter.states says nothing"),
        (vec!["export", "subscriptions", "--state", "flying"], "there is no such state"),
        (vec!["export", "subscriptions", "--district", "05999000"], "AGS 05999000"),
        (vec!["export", "subscriptions", "--as-of", "2199-01-01"], "past days"),
        (vec!["export", "changes", "--format", "csv"], "as a whole"),
        (vec!["export", "providers", "--output", "/no/such/folder/x"], "can't be written"),
    ] {
        let refused = run(folder.path(), &arguments);
        assert!(!refused.status.success() && refused.stdout.is_empty(), "{arguments:?}");
        assert!(text(&refused.stderr).contains(says), "{arguments:?}: {}", text(&refused.stderr));
    }
}
