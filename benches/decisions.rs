//! What a decision costs: asked of the policies for the first time, and remembered. `cargo bench --bench decisions`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::{hint::black_box, path::Path, sync::Arc};

use itkatalog::{
    access::{Action, Engine, Phase, ProductKind, Role, Situation, Standing},
    policies,
};

fn main() {
    divan::main();
}

fn situation(role: Role) -> Situation {
    let situation = Situation::new(Action::RequestSubscription, Phase::Foundation, ProductKind::Initial);
    situation.asked_as(role, Standing::Own)
}

/// The rules read anew, with nothing remembered.
fn engine() -> Arc<Engine> {
    policies::load(Some(&Path::new(env!("CARGO_MANIFEST_DIR")).join("policies"))).unwrap()
}

/// Reading and validating all policies and their cases: once per process.
#[divan::bench(sample_count = 10)]
fn the_engine_is_built() -> Arc<Engine> {
    engine()
}

/// The whole table: once per process that is asked for it.
#[divan::bench(sample_count = 10)]
fn the_table_is_made(bencher: divan::Bencher) {
    bencher.with_inputs(engine).bench_local_refs(|engine| engine.matrix().len());
}

/// A permit by Cedar, nothing remembered.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn a_permit_is_decided(bencher: divan::Bencher) {
    bencher.with_inputs(engine).bench_local_refs(|engine| engine.judge(black_box(&situation(Role::Municipality))));
}

/// A refusal by Cedar with all its ways out, nothing remembered.
#[divan::bench(sample_count = 10, sample_size = 1)]
fn a_refusal_is_decided_with_its_ways_out(bencher: divan::Bencher) {
    bencher.with_inputs(engine).bench_local_refs(|engine| engine.explain_anew(black_box(&situation(Role::Land))));
}

/// A decision in a situation that occurred before.
#[divan::bench]
fn a_decision_is_remembered(bencher: divan::Bencher) {
    let engine = policies::embedded().unwrap();
    let situation = situation(Role::Municipality);
    engine.decide(&situation);
    bencher.bench_local(|| engine.decide(black_box(&situation)));
}
