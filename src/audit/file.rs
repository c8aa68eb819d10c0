//! Archives of the audit trail: a header, an event a line, a footer; each line is one JSON value (JSON Lines).

use std::{
    fs::File,
    io::{BufRead, BufReader, BufWriter, Write},
    path::{Path, PathBuf},
};

use ::entity::{audit_anchor, audit_event};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use super::{
    Head, chain,
    verify::{Fault, Walk},
};

/// Name of the format.
const FORMAT: &str = "itkatalog-audit-archive";
/// Version of the format; a change that old programs can't read gets another.
const VERSION: u32 = 1;

/// A line of an archive.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "camelCase", rename_all_fields = "camelCase", deny_unknown_fields)]
enum Line {
    /// The first one.
    Header {
        format: String,
        version: u32,
        /// Sequence of the first event.
        from: i64,
        /// Hash of the event before it.
        previous_hash: String,
    },
    /// Those between.
    Event(Box<audit_event::Model>),
    /// The last one.
    Footer {
        /// Sequence of the last event,
        to: i64,
        /// and its hash.
        hash: String,
        /// How many events.
        events: i64,
    },
}

/// An archive that is being written, to a file of its own that disappears unless it is put in its place.
pub(super) struct Draft {
    file: BufWriter<NamedTempFile>,
    digest: Sha256,
    path: PathBuf,
}

impl Draft {
    /// Begins a file beside `path`.
    pub(super) fn begin(path: &Path, after: &Head) -> Result<Self, Fault> {
        let file = tempfile::Builder::new().prefix(".itkatalog-audit-").tempfile_in(folder(path));
        let file = BufWriter::new(file.map_err(|error| unwritable(path, &error))?);
        let mut draft = Self { file, digest: Sha256::new(), path: path.to_owned() };
        draft.write(&Line::Header {
            format: FORMAT.to_owned(),
            version: VERSION,
            from: after.sequence + 1,
            previous_hash: after.hash.clone(),
        })?;
        Ok(draft)
    }

    pub(super) fn event(&mut self, event: audit_event::Model) -> Result<(), Fault> {
        self.write(&Line::Event(Box::new(event)))
    }

    /// Writes the footer, and makes sure that all of it is on the disk. Gives the SHA-256 of the file.
    pub(super) fn finish(&mut self, last: &Head, events: i64) -> Result<String, Fault> {
        self.write(&Line::Footer { to: last.sequence, hash: last.hash.clone(), events })?;
        let written = self.file.flush().and_then(|()| self.file.get_ref().as_file().sync_all());
        written.map_err(|error| unwritable(&self.path, &error))?;
        Ok(chain::hex(self.digest.clone().finalize()))
    }

    /// Puts the file in its place, if nothing is there.
    pub(super) fn place(self) -> Result<(), Fault> {
        let file = self.file.into_inner().map_err(|error| unwritable(&self.path, error.error()))?;
        file.persist_noclobber(&self.path).map_err(|error| unwritable(&self.path, &error.error))?;
        // The name of the file is part of its folder.
        #[cfg(unix)]
        File::open(folder(&self.path))
            .and_then(|folder| folder.sync_all())
            .map_err(|error| unwritable(&self.path, &error))?;
        Ok(())
    }

    fn write(&mut self, line: &Line) -> Result<(), Fault> {
        let mut bytes = serde_json::to_vec(line).map_err(|error| unwritable(&self.path, &error.into()))?;
        bytes.push(b'\n');
        self.digest.update(&bytes);
        self.file.write_all(&bytes).map_err(|error| unwritable(&self.path, &error))
    }
}

/// An archive that is being read; its header was.
pub(super) struct Archive {
    path: PathBuf,
    lines: BufReader<File>,
    digest: Sha256,
    line: Vec<u8>,
    after: Head,
}

/// Opens archives and puts them in the order of their events.
pub(super) fn in_order(paths: &[PathBuf]) -> Result<Vec<Archive>, Fault> {
    let mut archives = paths.iter().map(|path| Archive::open(path)).collect::<Result<Vec<_>, _>>()?;
    archives.sort_by_key(|archive| archive.after.sequence);
    Ok(archives)
}

impl Archive {
    fn open(path: &Path) -> Result<Self, Fault> {
        let file = File::open(path).map_err(|error| unreadable(path, error))?;
        let (path, lines) = (path.to_owned(), BufReader::new(file));
        let mut archive = Self { path, lines, digest: Sha256::new(), line: Vec::new(), after: Head::genesis() };
        match archive.next()? {
            Some(Line::Header { format, version: VERSION, from, previous_hash }) if format == FORMAT => {
                archive.after = Head { sequence: from - 1, hash: previous_hash };
                Ok(archive)
            }
            _ => Err(unreadable(&archive.path, format!("its first line is no header of {FORMAT}, version {VERSION}"))),
        }
    }

    /// Walks along the archive, and compares the file with its anchor.
    pub(super) fn walk(mut self, mut walk: Walk, anchors: &[audit_anchor::Model]) -> Result<Walk, Fault> {
        if walk.at != self.after {
            let why =
                format!("{} does not begin with it; each archive is needed once, none may be missing", self.name());
            return Err(Fault::at(walk.at.sequence + 1, why));
        }
        loop {
            let sequence = walk.at.sequence + 1;
            match self.next().map_err(|fault| Fault::at(sequence, fault.to_string()))? {
                Some(Line::Event(event)) => walk.step(&event).map_err(|fault| self.in_file(fault))?,
                Some(Line::Footer { to, hash, events }) => {
                    self.check_end(&walk, (to, hash, events), anchors)?;
                    return Ok(walk);
                }
                Some(Line::Header { .. }) => {
                    return Err(Fault::at(sequence, format!("{} has two headers", self.name())));
                }
                None => return Err(Fault::at(sequence, format!("{} ends without a footer", self.name()))),
            }
        }
    }

    fn check_end(
        &mut self,
        walk: &Walk,
        (to, hash, events): (i64, String, i64),
        anchors: &[audit_anchor::Model],
    ) -> Result<(), Fault> {
        let reached = walk.at.sequence;
        let is_end = to == reached && hash == walk.at.hash && events == reached - self.after.sequence;
        if !is_end || self.next()?.is_some() {
            return Err(Fault::at(reached + 1, format!("{}: its footer is not its end", self.name())));
        }
        let Some(anchor) = anchors.iter().find(|anchor| anchor.sequence == reached) else {
            return Err(Fault::at(reached, format!("{} ends with it, but no anchor does", self.name())));
        };
        let digest = chain::hex(self.digest.clone().finalize());
        if anchor.hash != hash || anchor.events != events || anchor.file_digest != digest {
            return Err(Fault::at(reached, format!("{} is not the file that was written then", self.name())));
        }
        Ok(())
    }

    fn next(&mut self) -> Result<Option<Line>, Fault> {
        self.line.clear();
        self.lines.read_until(b'\n', &mut self.line).map_err(|error| unreadable(&self.path, error))?;
        if self.line.is_empty() {
            return Ok(None);
        }
        self.digest.update(&self.line);
        serde_json::from_slice(&self.line).map(Some).map_err(|error| unreadable(&self.path, error))
    }

    fn in_file(&self, fault: Fault) -> Fault {
        match fault {
            Fault::BreaksAt { sequence, why } => Fault::at(sequence, format!("{why} ({})", self.name())),
            Fault::Failed(_) => fault,
        }
    }

    fn name(&self) -> std::path::Display<'_> {
        self.path.display()
    }
}

fn folder(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    }
}

fn unreadable(path: &Path, why: impl std::fmt::Display) -> Fault {
    Fault::Failed(format!("the archive {} can't be read: {why}", path.display()))
}

fn unwritable(path: &Path, error: &std::io::Error) -> Fault {
    Fault::Failed(format!("the archive {} can't be written: {error}", path.display()))
}
