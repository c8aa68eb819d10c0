//! What a decision costs: asked of the policies for the first time, and remembered. `cargo bench --bench decisions`.
#![allow(missing_docs, clippy::unwrap_used, clippy::print_stdout)]

use std::hint::black_box;

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

/// Reading and validating all policies and their cases: once per start.
#[divan::bench(sample_count = 10)]
fn the_engine_is_built() -> Engine {
    policies::embedded().unwrap()
}

/// The whole table: once per process that is asked for it.
#[divan::bench(sample_count = 10)]
fn the_table_is_made(bencher: divan::Bencher) {
    bencher.with_inputs(|| policies::embedded().unwrap()).bench_local_refs(|engine| engine.matrix().len());
}

/// A permit by Cedar, nothing remembered.
#[divan::bench]
fn a_permit_is_decided(bencher: divan::Bencher) {
    let engine = policies::embedded().unwrap();
    bencher.bench_local(|| engine.judge(black_box(&situation(Role::Municipality))));
}

/// A refusal by Cedar with all its ways out, nothing remembered.
#[divan::bench]
fn a_refusal_is_decided_with_its_ways_out(bencher: divan::Bencher) {
    let engine = policies::embedded().unwrap();
    bencher.bench_local(|| engine.explain_anew(black_box(&situation(Role::Land))));
}

/// A decision in a situation that occurred before.
#[divan::bench]
fn a_decision_is_remembered(bencher: divan::Bencher) {
    let engine = policies::embedded().unwrap();
    let situation = situation(Role::Municipality);
    engine.decide(&situation);
    bencher.bench_local(|| engine.decide(black_box(&situation)));
}
