//! How far something is, for a person at a terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// How long it may take before a bar is shown.
const LONG: Duration = Duration::from_secs(1);

/// A bar on standard error, when a person watches and it takes long.
pub(super) struct Progress(ProgressBar, &'static str);

impl Progress {
    /// Of so many things, as they are called.
    pub(super) fn of(things: &'static str) -> Self {
        Self(ProgressBar::with_draw_target(None, ProgressDrawTarget::hidden()), things)
    }

    /// Shows how far it is.
    pub(super) fn show(&self, at: u64, of: u64) {
        if self.0.is_hidden() && self.0.elapsed() > LONG {
            let form = format!("{{bar:40}} {{human_pos}} of {{human_len}} {}, {{eta}} left", self.1);
            let style = ProgressStyle::with_template(&form);
            self.0.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
            self.0.set_draw_target(ProgressDrawTarget::stderr());
        }
        self.0.set_length(of);
        self.0.set_position(at);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
