//! What the API asks of the daemon that it belongs to.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use futures::future::BoxFuture;

use crate::catalog::Catalog;
use crate::duties::Book;
use crate::engine::{AssetIndex, CheckIndex, Plan};
use crate::feeds::Shelf;
use crate::model::{AssetId, Time};
use crate::store::Examination;
use crate::transport::gate::Books;

/// What is watched now.
#[derive(Debug, Clone)]
pub struct View {
    /// Name of the site.
    pub site: Option<Arc<str>>,
    /// Who is asked what.
    pub plan: Arc<Plan>,
    /// What can be checked.
    pub catalog: Arc<Catalog>,
    /// What was sent to each asset.
    pub books: Arc<HashMap<AssetId, Books>>,
    /// How long an approval of a baseline holds where the approver says nothing.
    pub approvals_hold: Duration,
    /// When the configuration was loaded.
    pub loaded_at: Time,
}

/// The daemon as its API sees it. The router calls it, from many requests at the same time; no call may block.
pub trait Operator: Send + Sync {
    /// Whether the loop that visits is alive.
    fn is_healthy(&self) -> bool;

    /// Whether the plant is loaded and watched.
    fn is_ready(&self) -> bool;

    /// What is watched; `None` before the first plant is loaded.
    fn view(&self) -> Option<View>;

    /// What was carried in from outside.
    fn carried(&self) -> Arc<Shelf>;

    /// How the ledger was found when it was last walked; `None` before the first time.
    fn examined(&self) -> Option<Arc<Examination>>;

    /// What people signed and owe.
    fn book(&self) -> Arc<Book>;

    /// Waits until the registers hold the act with this number of the ledger, for a moment at most.
    fn noted(&self, act: u64) -> BoxFuture<'_, ()>;

    /// Loads the configuration again, whole or not at all.
    ///
    /// # Errors
    ///
    /// Every mistake, as text for a person; the old configuration stays.
    fn reload(&self) -> BoxFuture<'_, Result<(), String>>;

    /// Visits an asset for these checks as soon as its gate allows.
    ///
    /// # Errors
    ///
    /// Too many wait already, or nothing is watched.
    fn run_now(&self, asset: AssetIndex, checks: Vec<CheckIndex>) -> Result<(), String>;

    /// Whether packets may be sent at all.
    fn traffic_allowed(&self) -> bool;

    /// Stops all traffic at once, or lets it flow again; `actor` goes into the log. It holds over restarts.
    ///
    /// # Errors
    ///
    /// The state could not be kept; stopping has happened all the same, starting has not.
    fn set_traffic(&self, allowed: bool, actor: &str) -> BoxFuture<'_, Result<(), String>>;
}
