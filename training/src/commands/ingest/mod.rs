//! Makes manifests of data sets.

mod common;
mod funnel;
mod imdb_wiki;
mod labels;
mod sets;
mod table;
mod wider;
mod wider_faces;

use anyhow::Result;
use clap::Subcommand;

/// The data sets that can be read.
#[derive(Subcommand)]
pub enum Ingest {
    /// IMDB-WIKI: imdb.mat and wiki.mat.
    ImdbWiki(imdb_wiki::ImdbWiki),
    /// UTKFace, whose labels are in the names of the pictures.
    Utkface(sets::Utkface),
    /// FairFace: fairface_label_train.csv and fairface_label_val.csv.
    Fairface(sets::Fairface),
    /// Pictures in folders that are named for gender and age.
    Folder(sets::Folder),
    /// Any table of faces with the column names of a manifest.
    #[command(alias = "csv")]
    Table(table::Table),
    /// WIDER FACE: a CSV table of the faces in its pictures becomes a manifest of scenes, or of faces for a teacher.
    Wider(wider::Wider),
}

impl Ingest {
    /// Runs the command.
    pub fn run(self) -> Result<()> {
        match self {
            Self::ImdbWiki(command) => command.run(),
            Self::Utkface(command) => command.run(),
            Self::Fairface(command) => command.run(),
            Self::Folder(command) => command.run(),
            Self::Table(command) => command.run(),
            Self::Wider(command) => command.run(),
        }
    }
}
