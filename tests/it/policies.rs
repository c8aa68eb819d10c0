//! Rules of the operators' own: read from a folder, validated as a whole, and told by file and line where they don't hold.

use std::{fs, path::Path};

use itkatalog::{
    access::{Action, Engine, Phase, ProductKind, Role, Situation, Standing},
    policies,
};
use tempfile::TempDir;

/// A copy of the policies, to be changed.
struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(TempDir::new().unwrap());
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("policies");
        for part in ["", "allow", "deny"] {
            fs::create_dir_all(folder.0.path().join(part)).unwrap();
            for entry in
                fs::read_dir(root.join(part)).unwrap().map(Result::unwrap).filter(|entry| entry.path().is_file())
            {
                fs::copy(entry.path(), folder.0.path().join(part).join(entry.file_name())).unwrap();
            }
        }
        folder
    }

    fn replace(&self, name: &str, old: &str, new: &str) {
        let path = self.0.path().join(name);
        let text = fs::read_to_string(&path).unwrap();
        assert!(text.contains(old), "{name} does not hold {old}");
        fs::write(path, text.replacen(old, new, 1)).unwrap();
    }

    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        fs::write(self.0.path().join(name), text).unwrap();
    }

    /// Adds a case as the last of a file.
    fn add_case(&self, name: &str, case: &str) {
        self.replace(name, "\n]", &format!(",\n  {case}\n]"));
    }

    fn load(&self) -> Result<std::sync::Arc<Engine>, String> {
        policies::load(Some(self.0.path()))
    }

    /// Everything that is wrong, a line each.
    fn problems(&self) -> Vec<String> {
        let message = self.load().unwrap_err();
        assert!(
            message.starts_with(&format!("the policies in {} do not hold:\n", self.0.path().display())),
            "{message}"
        );
        message.lines().skip(1).map(|line| line.trim().to_owned()).collect()
    }
}

fn situation(role: Role, action: Action, phase: Phase, kind: ProductKind) -> Situation {
    Situation::legal(action, phase, kind).asked_as(role, Standing::Own)
}

#[test]
fn the_folder_of_this_repository_is_what_is_compiled_in() {
    let (compiled, folder) = (policies::check(None).unwrap(), Folder::new().load().unwrap());
    assert_eq!((compiled.fingerprint(), compiled.counts()), (folder.fingerprint(), folder.counts()));
    assert!(compiled.counts().0 > 50 && compiled.counts().1 > 150, "{:?}", compiled.counts());
    assert_eq!(policies::embedded().unwrap().fingerprint(), compiled.fingerprint());
}

/// File, what is replaced, by what, and what is then told.
const MISTAKES: [(&str, &str, &str, &str); 19] = [
    ("confirm_subscription.cedar", "context.own\n}", "context.own &&\n}", "confirm_subscription.cedar:14: "),
    ("confirm_subscription.cedar", "permit (", "allow (", "confirm_subscription.cedar:7: "),
    ("confirm_subscription.cedar", "context.own", "context.owns", "confirm_subscription.cedar:13: "),
    ("confirm_subscription.cedar", "context.own", "context.phase", "confirm_subscription.cedar:13: "),
    ("confirm_subscription.cedar", "Role::\"MUNICIPALITY\"", "Role::\"TOWN\"", "confirm_subscription.cedar:8: "),
    (
        "confirm_subscription.cedar",
        "CONFIRM_SUBSCRIPTION",
        "CONFIRM",
        "confirm_subscription.cedar:9: for policy `own-municipality-confirms`, unrecognized action `Action::\"CONFIRM\"`; actions are: DECLARE_INTEREST, ",
    ),
    ("activate_subscription.cedar", "Phase::\"STEADY_STATE\"", "Phase::\"STEADY\"", "activate_subscription.cedar:14: "),
    (
        "confirm_subscription.cedar",
        "@source(\"OURS\")\n",
        "",
        "confirm_subscription.cedar:3: a policy has no @source; write @source(",
    ),
    (
        "confirm_subscription.cedar",
        "@id(\"own-municipality-confirms\")\n",
        "",
        "confirm_subscription.cedar:3: a policy has no @id",
    ),
    ("confirm_subscription.cedar", "@text_de(\"", "@text_de(\"\")\n@text_fr(\"", "@text_fr means nothing here"),
    (
        "change_subscription.cedar",
        "@approved_by(\"ACC",
        "@aproved_by(\"ACC",
        "change_subscription.cedar:3: @aproved_by means nothing here; possible are: @id,",
    ),
    (
        "change_subscription.cedar",
        "@approved_by(\"ACCOUNT_MANAGER,",
        "@approved_by(\"MANAGER,",
        "“MANAGER” is no role; roles are: MUNICIPALITY, PROVIDER, ACCOUNT_MANAGER",
    ),
    (
        "activate_subscription.cedar",
        "steward-activates",
        "own-provider-activates",
        "activate_subscription.cedar:17: the id own-provider-activates is used twice, first in activate_subscription.cedar:3",
    ),
    (
        "confirm_subscription.cedar",
        "own-municipality-confirms",
        "legal-step",
        "confirm_subscription.cedar:3: the id legal-step is reserved",
    ),
    (
        "confirm_subscription.cedar",
        "own-municipality-confirms",
        "Own municipality_confirms",
        "is not in kebab-case; write own-municipality-confirms",
    ),
    (
        "frozen.cedar",
        "@source",
        "@approved_by(\"STEWARD\")\n@source",
        "frozen.cedar:3: frozen: nothing waits for a decision here",
    ),
    (
        "freeze.cedar",
        "@source",
        "@approved_by(\"STEWARD\")\n@source",
        "transformation-office-freezes: nothing waits for a decision here",
    ),
    (
        "change_subscription.cedar",
        "@approved_by",
        "@confirmed_by(\"MUNICIPALITY\")\n@approved_by",
        "either @approved_by or @confirmed_by, not both",
    ),
    (
        "confirm_subscription.cedar",
        "principal == Role::\"MUNICIPALITY\"",
        "principal == ?principal",
        "confirm_subscription.cedar:3: ?principal and ?resource are not used here",
    ),
];

#[test]
fn a_mistake_is_told_by_file_and_line() {
    for (file, old, new, told) in MISTAKES {
        let folder = Folder::new();
        folder.replace(file, old, new);
        let problems = folder.problems();
        assert!(problems.iter().any(|problem| problem.contains(told)), "{new}: {problems:#?}");
    }
}

#[test]
fn a_misspelt_phase_is_told_with_what_is_possible() {
    let folder = Folder::new();
    folder.replace("activate_subscription.cedar", "Phase::\"STEADY_STATE\"", "Phase::\"STEADY\"");
    assert!(folder.problems()[0].contains("STEADY_STATE"), "{:?}", folder.problems());
}

#[test]
fn all_mistakes_are_told_at_once_in_the_order_of_the_files() {
    let folder = Folder::new();
    folder.replace("confirm_subscription.cedar", "context.own", "context.owns");
    folder.replace("activate_subscription.cedar", "permit (", "allow (");
    folder.replace("activate_subscription.cedar", "@source(\"OURS\")", "@source(\"\")");
    folder.replace("allow/freeze.json", "\"role\"", "\"roll\"");
    let files: Vec<String> =
        folder.problems().iter().map(|problem| problem.split(':').next().unwrap().to_owned()).collect();
    assert_eq!(files, ["activate_subscription.cedar", "allow/freeze.json", "confirm_subscription.cedar"]);
}

#[test]
fn a_case_that_can_not_be_read_is_told_by_its_line() {
    for (old, new, told) in [
        ("\"role\"", "\"roll\"", "allow/freeze.json:2: unknown field `roll`"),
        ("TRANSFORMATION_OFFICE", "OFFICE", "allow/freeze.json:2: “OFFICE” is no role; roles are: MUNICIPALITY"),
        ("STEADY_STATE", "STEADY", "allow/freeze.json:3: unknown variant `STEADY`, expected one of `PREPARATION`"),
        (
            "\"phase\": \"STEADY_STATE\"",
            "\"phase\": \"STEADY_STATE\", \"product\": \"INITIAL\"",
            "allow/freeze.json:3: this action is about no product",
        ),
        ("The transformation office freezes in the steady state", " ", "allow/freeze.json:3: because is empty"),
    ] {
        let folder = Folder::new();
        folder.replace("allow/freeze.json", old, new);
        assert!(folder.problems()[0].starts_with(told), "{:?}", folder.problems());
    }
    let folder = Folder::new();
    folder.replace("deny/confirm_subscription.json", "\"product\": \"INITIAL\", ", "");
    assert!(folder.problems()[0].starts_with("deny/confirm_subscription.json:2: product is missing"));
    folder.write("allow/take.json", "[]");
    assert!(
        folder.problems()[0].contains("“take” is no action; files are named by one of: declare_interest, "),
        "{:?}",
        folder.problems()
    );
}

#[test]
fn a_case_that_is_decided_otherwise_is_named_with_both_outcomes() {
    let folder = Folder::new();
    folder.replace("confirm_subscription.cedar", "context.own", "!context.own");
    let problems = folder.problems();
    assert_eq!(
        problems[0],
        "allow/confirm_subscription.json:2: “A municipality confirms what was asked on its behalf” should be allowed by own-municipality-confirms, and is denied by no-rule-permits"
    );
    assert!(problems.iter().any(|problem| problem.starts_with("deny/confirm_subscription.json:2: “A municipality does not confirm for another” should be denied by no-rule-permits, and is allowed by own-municipality-confirms")), "{problems:?}");
    let folder = Folder::new();
    folder.replace("revoke_termination.cedar", "\"PROVIDER\"", "\"STEWARD\"");
    assert!(
        folder.problems()[0].ends_with(
            "with approvers PROVIDER, and is allowed by own-municipality-revokes-termination with approvers STEWARD"
        ),
        "{:?}",
        folder.problems()
    );
}

#[test]
fn a_policy_that_decides_no_case_is_told() {
    let folder = Folder::new();
    folder.write("deny/rehearse_phase_change.json", "[]");
    folder.load().unwrap();
    folder.write("allow/rehearse_phase_change.json", "[]");
    let problems = folder.problems();
    assert_eq!(problems.len(), 3);
    assert_eq!(
        problems[0],
        "rehearse_phase_change.cedar:3: transformation-office-rehearses-phase-change decides no case; add one to allow/ACTION.json whose rule it is"
    );
    let folder = Folder::new();
    for entry in fs::read_dir(folder.0.path().join("deny")).unwrap() {
        fs::remove_file(entry.unwrap().path()).unwrap();
    }
    assert_eq!(
        folder.problems(),
        [
            "four_eyes.cedar:3: own-organisation-does-not-approve decides no case; add one to deny/ACTION.json whose rule it is",
            "frozen.cedar:3: frozen decides no case; add one to deny/ACTION.json whose rule it is",
        ]
    );
}

#[test]
fn a_folder_without_policies_or_with_strange_files_is_refused() {
    let empty = Folder(TempDir::new().unwrap());
    assert_eq!(empty.problems(), ["*.cedar: there is no policy; so nobody could do anything"]);
    assert!(policies::load(Some(Path::new("/no/such/folder"))).unwrap_err().contains("/no/such/folder"));
    let folder = Folder::new();
    folder.write("big.cedar", vec![b' '; 1024 * 1024 + 1]);
    folder.write("latin.cedar", b"// Beh\xf6rde");
    folder.replace("itkatalog.cedarschema", "own: Bool", "own: Bool, weather: Bool");
    let problems = folder.problems();
    assert_eq!(
        problems[..2],
        ["big.cedar: has 1048577 bytes; at most 1048576 are read", "latin.cedar: is not UTF-8 after byte 6"]
    );
    assert!(problems[2].starts_with("itkatalog.cedarschema: differs from the one of this program"), "{problems:?}");
    fs::remove_file(folder.0.path().join("itkatalog.cedarschema")).unwrap();
    assert_eq!(folder.problems().len(), 2, "a folder needs no schema");
}

#[test]
fn a_folder_that_permits_more_changes_decision_and_fingerprint() {
    let (asked, ours) = (
        situation(Role::Municipality, Action::DeclareInterest, Phase::SteadyState, ProductKind::Initial),
        policies::embedded().unwrap(),
    );
    let folder = Folder::new();
    folder.replace(
        "declare_interest.cedar",
        "Phase::\"INTEGRATION\"]",
        "Phase::\"INTEGRATION\", Phase::\"STEADY_STATE\"]",
    );
    let problems = folder.problems();
    assert_eq!(problems.len(), 1, "{problems:?}");
    assert!(
        problems[0]
            .contains("should be denied by no-rule-permits, and is allowed by own-municipality-declares-interest")
    );
    folder.replace(
        "deny/declare_interest.json",
        "\"MUNICIPALITY\", \"own\": true, \"phase\": \"STEADY_STATE\"",
        "\"LAND\", \"phase\": \"STEADY_STATE\"",
    );
    let theirs = folder.load().unwrap();
    assert!(!ours.judge(&asked).is_allowed && theirs.judge(&asked).is_allowed);
    assert_ne!(ours.fingerprint(), theirs.fingerprint());
}

#[test]
fn a_rule_that_errs_denies_what_another_permits() {
    let asked = situation(Role::Provider, Action::DeclareInterest, Phase::Integration, ProductKind::Other);
    assert!(policies::embedded().unwrap().judge(&asked).is_allowed);
    let folder = Folder::new();
    let text = "@id(\"errs\")\n@text_de(\"Irrt.\")\n@text_en(\"Errs.\")\n@source(\"OURS\")\nforbid (principal == Role::\"PROVIDER\", action == Action::\"DECLARE_INTEREST\", resource == ProductKind::\"OTHER\")\nwhen { context.phase == Phase::\"PREPARATION\" || 9223372036854775807 + 1 == 0 };\n";
    folder.write("errs.cedar", text);
    folder.add_case("deny/declare_interest.json", r#"{ "because": "it errs elsewhere", "role": "PROVIDER", "own": true, "phase": "PREPARATION", "product": "OTHER", "rule": "errs" }"#);
    let decision = folder.load().unwrap().judge(&asked);
    assert_eq!((decision.is_allowed, decision.rule.id.as_str()), (false, "no-rule-permits"));
}
