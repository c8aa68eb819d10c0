//! Where the policies come from: those compiled in, or a folder of the operators' own. The rules themselves are `access`.

use std::{
    fs, io,
    path::Path,
    sync::{Arc, LazyLock},
};

use crate::access::{Engine, File, Problem, SCHEMA};

/// Largest file that is read, in bytes.
const LARGEST_FILE: usize = 1024 * 1024;

/// What policies can speak about is the program's to say: another file of this name would promise what is not there.
const SCHEMA_FILE: &str = "itkatalog.cedarschema";

macro_rules! embedded {
    ($($name:literal),* $(,)?) => { [$(($name, include_str!(concat!("../policies/", $name)))),*] };
}

/// The policies of this program, and the cases that they must decide.
const EMBEDDED: &[(&str, &str)] = &embedded![
    "activate_subscription.cedar",
    "approve_subscription.cedar",
    "change_phase.cedar",
    "change_subscription.cedar",
    "confirm_subscription.cedar",
    "contacts.cedar",
    "customer_groups.cedar",
    "declare_interest.cedar",
    "exports.cedar",
    "four_eyes.cedar",
    "freeze.cedar",
    "frozen.cedar",
    "join.cedar",
    "match_product.cedar",
    "merge_providers.cedar",
    "migrate_subscription.cedar",
    "municipalities.cedar",
    "overlaps.cedar",
    "register_portfolio.cedar",
    "rehearse_phase_change.cedar",
    "reject_subscription.cedar",
    "report_contract.cedar",
    "request_for_many.cedar",
    "request_subscription.cedar",
    "review_products.cedar",
    "revoke_termination.cedar",
    "save_product_relations.cedar",
    "save_standard_product.cedar",
    "terminate_subscription.cedar",
    "webhooks.cedar",
    "withdraw_subscription.cedar",
    "allow/activate_subscription.json",
    "allow/approve_subscription.json",
    "allow/assign_contact.json",
    "allow/cancel_export.json",
    "allow/change_subscription.json",
    "allow/confirm_contact.json",
    "allow/confirm_overlap.json",
    "allow/confirm_phase_change.json",
    "allow/confirm_subscription.json",
    "allow/declare_interest.json",
    "allow/delete_webhook.json",
    "allow/dismiss_overlap.json",
    "allow/erase_contact.json",
    "allow/export_contact.json",
    "allow/follow_area_change.json",
    "allow/freeze.json",
    "allow/hand_over_contacts.json",
    "allow/import_municipalities.json",
    "allow/join_municipality.json",
    "allow/join_provider.json",
    "allow/list_stale_contacts.json",
    "allow/mark_products_seen.json",
    "allow/match_product.json",
    "allow/merge_providers.json",
    "allow/migrate_subscription.json",
    "allow/phase_out_product.json",
    "allow/propose_phase_change.json",
    "allow/read_contact_person.json",
    "allow/register_portfolio.json",
    "allow/rehearse_phase_change.json",
    "allow/reject_subscription.json",
    "allow/replay_webhook.json",
    "allow/report_contract.json",
    "allow/request_for_many.json",
    "allow/request_subscription.json",
    "allow/retire_product.json",
    "allow/revert_product.json",
    "allow/review_overlaps.json",
    "allow/review_products.json",
    "allow/revoke_termination.json",
    "allow/rotate_webhook_secret.json",
    "allow/save_contact.json",
    "allow/save_customer_group.json",
    "allow/save_product.json",
    "allow/save_product_relations.json",
    "allow/save_standard_product.json",
    "allow/save_webhook.json",
    "allow/send_test_webhook.json",
    "allow/start_export.json",
    "allow/submit_product.json",
    "allow/terminate_subscription.json",
    "allow/unfreeze.json",
    "allow/withdraw_subscription.json",
    "deny/activate_subscription.json",
    "deny/approve_subscription.json",
    "deny/assign_contact.json",
    "deny/cancel_export.json",
    "deny/change_subscription.json",
    "deny/confirm_contact.json",
    "deny/confirm_overlap.json",
    "deny/confirm_phase_change.json",
    "deny/confirm_subscription.json",
    "deny/declare_interest.json",
    "deny/delete_webhook.json",
    "deny/dismiss_overlap.json",
    "deny/erase_contact.json",
    "deny/export_contact.json",
    "deny/follow_area_change.json",
    "deny/freeze.json",
    "deny/hand_over_contacts.json",
    "deny/import_municipalities.json",
    "deny/join_municipality.json",
    "deny/join_provider.json",
    "deny/list_stale_contacts.json",
    "deny/mark_products_seen.json",
    "deny/match_product.json",
    "deny/merge_providers.json",
    "deny/migrate_subscription.json",
    "deny/phase_out_product.json",
    "deny/propose_phase_change.json",
    "deny/read_contact_person.json",
    "deny/register_portfolio.json",
    "deny/rehearse_phase_change.json",
    "deny/reject_subscription.json",
    "deny/replay_webhook.json",
    "deny/report_contract.json",
    "deny/request_for_many.json",
    "deny/request_subscription.json",
    "deny/retire_product.json",
    "deny/revert_product.json",
    "deny/review_overlaps.json",
    "deny/review_products.json",
    "deny/revoke_termination.json",
    "deny/rotate_webhook_secret.json",
    "deny/save_contact.json",
    "deny/save_customer_group.json",
    "deny/save_product.json",
    "deny/save_product_relations.json",
    "deny/save_standard_product.json",
    "deny/save_webhook.json",
    "deny/send_test_webhook.json",
    "deny/start_export.json",
    "deny/submit_product.json",
    "deny/terminate_subscription.json",
    "deny/unfreeze.json",
    "deny/withdraw_subscription.json",
];

/// The rules of a folder; of none those compiled in. The error tells everything that is wrong.
pub fn load(folder: Option<&Path>) -> Result<Arc<Engine>, String> {
    match folder {
        None => embedded(),
        Some(_) => check(folder).map(Arc::new),
    }
}

/// The same, read anew and asked all their cases.
pub fn check(folder: Option<&Path>) -> Result<Engine, String> {
    let (name, files) = match folder {
        None => ("policies".to_owned(), Ok(compiled_in())),
        Some(folder) => (folder.display().to_string(), read(folder)),
    };
    files.and_then(|files| Engine::read(&files)).map_err(|problems| message(&name, &problems))
}

/// The rules compiled in: read once in a process. Their cases are asked by the tests, not at every start.
pub fn embedded() -> Result<Arc<Engine>, String> {
    static READ: LazyLock<Result<Arc<Engine>, String>> = LazyLock::new(|| {
        let read = Engine::read_known(&compiled_in());
        read.map(Arc::new).map_err(|problems| message("policies", &problems))
    });
    READ.clone()
}

fn compiled_in() -> Vec<File> {
    EMBEDDED.iter().map(|(name, text)| File { name: (*name).to_owned(), text: (*text).to_owned() }).collect()
}

fn message(folder: &str, problems: &[Problem]) -> String {
    let lines: Vec<String> = problems.iter().map(|problem| format!("  {problem}")).collect();
    format!("the policies in {folder} do not hold:\n{}", lines.join("\n"))
}

/// Every policy and case of a folder, in the order of their names. Nothing else may lie there but pages to read.
fn read(folder: &Path) -> Result<Vec<File>, Vec<Problem>> {
    let (mut files, mut problems) = (Vec::new(), Vec::new());
    for (part, extension) in [("", "cedar"), ("allow", "json"), ("deny", "json")] {
        match names(folder, part, extension) {
            // Without cases the policies say themselves that they have none.
            Err(error) if error.kind() == io::ErrorKind::NotFound && !part.is_empty() => {}
            Err(error) => {
                let file = format!("{part}/*.{extension}").trim_start_matches('/').to_owned();
                problems.push(Problem { file, line: None, reason: format!("can't be listed: {error}") });
            }
            Ok(names) => names.into_iter().for_each(|name| match text(&folder.join(&name)) {
                Ok(text) => files.push(File { name, text }),
                Err(reason) => problems.push(Problem { file: name, line: None, reason }),
            }),
        }
    }
    problems.extend(misnamed(folder));
    if fs::read(folder.join(SCHEMA_FILE)).is_ok_and(|text| text != SCHEMA.as_bytes()) {
        let reason =
            "differs from the one of this program, which alone decides what policies can speak about; delete it";
        problems.push(Problem { file: SCHEMA_FILE.to_owned(), line: None, reason: reason.to_owned() });
    }
    if problems.is_empty() { Ok(files) } else { Err(problems) }
}

/// Files that would be passed over: a rule with a slip in its name would be lost without a word.
fn misnamed(folder: &Path) -> Vec<Problem> {
    let mut problems = Vec::new();
    for (part, extension) in [("", "cedar"), ("allow", "json"), ("deny", "json")] {
        let entries = fs::read_dir(folder.join(part)).into_iter().flatten().flatten();
        for path in entries.map(|entry| entry.path()) {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            let has = |known: &str| path.extension().is_some_and(|found| found == known);
            let is_known = match path.is_dir() {
                true => part.is_empty() && matches!(name.as_str(), "allow" | "deny"),
                false => has(extension) || has("md") || name == SCHEMA_FILE,
            };
            if !is_known && !name.starts_with('.') {
                let file = if part.is_empty() { name } else { format!("{part}/{name}") };
                let reason = format!("is not read here; rename it to end in .{extension}, or take it away");
                problems.push(Problem { file, line: None, reason });
            }
        }
    }
    problems.sort_by(|one, other| one.file.cmp(&other.file));
    problems
}

/// Names of the files with an extension in a part of the folder, relative to the folder.
fn names(folder: &Path, part: &str, extension: &str) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in fs::read_dir(folder.join(part))? {
        let path = entry?.path();
        if path.extension().is_some_and(|found| found == extension) {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            names.push(if part.is_empty() { name.into_owned() } else { format!("{part}/{name}") });
        }
    }
    names.sort();
    Ok(names)
}

fn text(path: &Path) -> Result<String, String> {
    let size = fs::metadata(path).map_err(|error| error.to_string())?.len();
    if size > LARGEST_FILE as u64 {
        return Err(format!("has {size} bytes; at most {LARGEST_FILE} are read"));
    }
    String::from_utf8(fs::read(path).map_err(|error| error.to_string())?)
        .map_err(|error| format!("is not UTF-8 after byte {}", error.utf8_error().valid_up_to()))
}
